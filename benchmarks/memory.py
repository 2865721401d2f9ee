"""Estimated against measured memory of a training step: ``python -m benchmarks.memory [--full | --whole-ct]``.

``hnseg.models.memory.training_bytes`` works it out from shapes; here a real step with Adam is taken in a process of its
own. The exit code is 1 where the estimate is off by more than a factor of two. Instead, in float32 and bf16, with and
without checkpointing, on the CPU, minutes a row and as much memory as it says:

``--full``: UNet3Plus at full size, 144^3 and 24 filters, in 20 GiB.
``--whole-ct``: AnatomyNet on the whole CT of its paper, 178 x 302 x 225, in 24 GiB.

The exit code is then 1 where a step takes more, which only float32 without checkpointing is allowed to.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass, replace

import torch
from torch import nn

import hnseg.models
from benchmarks.measure import (
    Verdict,
    options,
    own_process,
    peak_above_start_mib,
    peak_of_process_mib,
    print_table,
)
from hnseg.losses import ClassFocal, ClassTversky, DeepSupervision, Dice, WeightedSum
from hnseg.models.memory import training_bytes

OFF = 2.0
LIMIT_GIB = {"UNet3Plus": 20, "AnatomyNet": 24}
WHOLE_CT_ZYX = (178, 302, 226)  # the paper's, one column more because every axis must be even
HEADER = ("network", "device", "estimated MiB", "measured MiB", "measured / estimated", "peak of the process MiB")
WHAT = """\
A training step (forward, loss, backward, Adam with its state already there): what hnseg works out from shapes against
the most that it added to a fresh process (CPU, resident memory) or to the allocator (CUDA); the last column is the
process with all its libraries. float32, or where it says bf16 under torch.autocast as the trainer has it. The loss is
Dice, of AnatomyNet Dice + 0.5 focal of ten classes. The estimate counts weights, Adam's state and all tensors that live
at a time; it leaves out the work space of convolutions and what the allocator keeps.
"""


@dataclass(frozen=True)
class Step:
    """What is trained on."""

    network: str
    filters: int | None
    edge: int = 0
    batch: int = 1
    checkpointing: bool = False
    bf16: bool = False
    device: str = "cpu"
    channels: int = 2
    classes: int = 1
    size_zyx: tuple[int, ...] = ()  # in place of the edge of a cube

    def __str__(self) -> str:
        bf16, kept = ", bf16" if self.bf16 else "", ", checkpointing" if self.checkpointing else ""
        size = " x ".join(map(str, self.size_zyx)) or f"{self.edge}^3"
        width = "" if self.filters is None else f" {self.filters} filters,"
        return f"{self.network},{width} ({self.batch}, {self.channels}, {size}){bf16}{kept}"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.batch, self.channels, *(self.size_zyx or [self.edge] * 3)

    @property
    def may_exceed(self) -> bool:
        """Whether nobody expects it to fit."""
        return not (self.bf16 or self.checkpointing)

    def build(self) -> nn.Module:
        supervised = {"deep_supervision": True} if self.network == "UNet3Plus" else {}
        network = getattr(hnseg.models, self.network)
        settings = {"filters": self.filters, "checkpointing": self.checkpointing, **supervised}
        made: nn.Module = network(self.channels, self.classes, spatial_dims=len(self.shape) - 2, **settings)
        return made

    def loss(self) -> nn.Module:
        if self.classes == 1:
            return DeepSupervision(Dice("sigmoid"))
        terms = {"dice": ClassTversky("softmax"), "focal": ClassFocal("softmax")}
        return WeightedSum(terms, {"dice": 1.0, "focal": 0.5})

    def estimate_mib(self) -> float:
        autocast = torch.bfloat16 if self.bf16 else None
        return training_bytes(self.build, self.shape, autocast, self.loss()) / 2**20


def steps(quick: bool, full: bool, whole_ct: bool) -> list[Step]:
    unet3plus = Step("UNet3Plus", *((4, 32) if quick else (24, 144)))
    anatomynet = Step("AnatomyNet", None, channels=1, classes=10, size_zyx=(16, 32, 32) if quick else WHOLE_CT_ZYX)
    if full or whole_ct:
        step = unet3plus if full else anatomynet
        # the largest last
        return [replace(step, checkpointing=kept, bf16=bf16) for kept in (True, False) for bf16 in (True, False)]
    if quick:
        return [Step("SENormUNet", 4, 32), replace(anatomynet, filters=4)]
    found = [Step("SENormUNet", 4, 64, batch=2)]
    slices = Step("ResUNet", 16, batch=16, channels=3, classes=10, size_zyx=(256, 256))
    for step in (Step("SENormUNet", 8, 96), slices, replace(anatomynet, size_zyx=(64, 64, 64))):
        found += [replace(step, checkpointing=checkpointing) for checkpointing in (False, True)]
    if torch.cuda.is_available():
        cuda = [("SENormUNet", False), ("SENormUNet", True), ("UNet3Plus", False), ("UNet3Plus", True)]
        found += [Step(name, 24, 144, checkpointing=kept, device="cuda") for name, kept in cuda]
    return found


def train(step: Step) -> None:
    """One step, with Adam's state already there, as in any step but the first."""
    network = step.build().to(step.device)
    optimizer = torch.optim.Adam(network.parameters())
    for weight in network.parameters():
        weight.grad = torch.zeros_like(weight)
    optimizer.step()
    optimizer.zero_grad()
    image = torch.rand(step.shape, device=step.device)
    # as many structures as there are classes, and nowhere two of them
    target = torch.stack([(image[:, 0] * step.classes).int() == label for label in range(step.classes)], dim=1).float()
    counts = torch.ones(step.batch, step.classes, dtype=torch.bool, device=step.device)
    with torch.autocast(step.device, torch.bfloat16, enabled=step.bf16):
        value = step.loss()(network(image), target, counts)
    value.backward()
    optimizer.step()


def measure(step: Step) -> dict[str, float]:
    """MiB that training takes, in a process that has trained something smaller before, and those of the process."""
    # libraries that load at the first step are not its own
    train(replace(step, filters=4, batch=1, size_zyx=(32,) * (len(step.shape) - 2)))
    if step.device == "cpu":
        return {"mib": peak_above_start_mib(lambda: train(step)), "total": peak_of_process_mib()}
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    train(step)
    return {"mib": (torch.cuda.max_memory_allocated() - before) / 2**20, "total": float("nan")}


def measure_apart(step: Step) -> dict[str, float]:
    """``measure`` in a process of its own; nan where it was killed, which happens to those that are too large."""
    try:
        return own_process("benchmarks.memory", "--measure", json.dumps(asdict(step)))
    except subprocess.CalledProcessError as error:
        print(f"{step}: the process ended with {error.returncode}", file=sys.stderr)
        return {"mib": float("nan"), "total": float("nan")}


def compare(step: Step, quick: bool, limited: bool, verdict: Verdict) -> list[str]:
    """A row of the table."""
    estimated = step.estimate_mib()
    measured = measure(step) if quick else measure_apart(step)
    ratio = measured["mib"] / estimated
    # a quick run shares its process with others, whose freed memory hides part of the step's
    limit_gib = LIMIT_GIB.get(step.network, float("inf"))
    if limited and not quick and not (measured["total"] <= 1024 * limit_gib or step.may_exceed):
        verdict.wrong.append(f"{step}: does not fit into {limit_gib} GiB")
    if not limited and not quick and not 1 / OFF < ratio < OFF:
        verdict.wrong.append(f"{step}: the estimate is {1 / ratio:.2f} of what was measured")
    numbers = estimated, measured["mib"], measured["total"]
    before, mib, total = (f"{number:.0f}" for number in numbers)
    return [str(step), step.device, before, mib, f"{ratio:.2f}", total]


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, repeats=1)
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--full", action="store_true", help="UNet3Plus at 144^3: does a training step fit into 20 GiB?")
    sizes.add_argument("--whole-ct", action="store_true", help="AnatomyNet on a whole CT: does it fit into 24 GiB?")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.measure:
        print(json.dumps(measure(Step(**json.loads(args.measure)))))
        return 0
    verdict, limited = Verdict(), args.full or args.whole_ct
    print(WHAT)
    rows = steps(args.quick, args.full, args.whole_ct)
    print_table(HEADER, (compare(step, args.quick, limited, verdict) for step in rows))
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
