"""Estimated against measured memory of a training step: ``python -m benchmarks.memory [--full]``.

``hnseg.models.memory.training_bytes`` works it out from shapes; here a real step with Adam is taken in a process of its
own. The exit code is 1 where the estimate is off by more than a factor of two. ``--full`` instead: UNet3Plus at full
size, 144^3 and 24 filters, in float32 and bf16, with and without checkpointing, on the CPU; the exit code is 1 where a
step takes more than 20 GiB, which only float32 without checkpointing is allowed to. Minutes a row, and as much memory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import asdict, dataclass

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
from hnseg.losses import DeepSupervision, Dice
from hnseg.models.memory import training_bytes

OFF = 2.0
LIMIT_MIB = 20 * 1024
HEADER = ("network", "device", "estimated MiB", "measured MiB", "measured / estimated", "peak of the process MiB")
WHAT = """\
A training step (forward, Dice loss, backward, Adam with its state already there): what `hnseg check` foretells from
shapes alone against the most that it added to a fresh process (CPU, resident memory) or to the allocator (CUDA); the
last column is the process with all its libraries. float32, or where it says bf16 under torch.autocast as the trainer
has it. The estimate counts weights, gradients, Adam's state and what autograd keeps of a forward pass. It leaves out
gradients of activations, what checkpointing computes again, and work space.
"""


@dataclass(frozen=True)
class Step:
    """What is trained on."""

    network: str
    filters: int
    edge: int
    batch: int = 1
    checkpointing: bool = False
    bf16: bool = False
    device: str = "cpu"

    def __str__(self) -> str:
        bf16, kept = ", bf16" if self.bf16 else "", ", checkpointing" if self.checkpointing else ""
        return f"{self.network}, {self.filters} filters, ({self.batch}, 2, {self.edge}^3){bf16}{kept}"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.batch, 2, self.edge, self.edge, self.edge

    @property
    def may_exceed(self) -> bool:
        """Whether nobody expects it to fit."""
        return not (self.bf16 or self.checkpointing)

    def build(self) -> nn.Module:
        supervised = {"deep_supervision": True} if self.network == "UNet3Plus" else {}
        network = getattr(hnseg.models, self.network)
        made: nn.Module = network(2, 1, filters=self.filters, checkpointing=self.checkpointing, **supervised)
        return made

    def estimate_mib(self) -> float:
        return training_bytes(self.build, self.shape, torch.bfloat16 if self.bf16 else None) / 2**20


def steps(quick: bool, full: bool) -> list[Step]:
    if full:
        edge, filters = (32, 4) if quick else (144, 24)
        settings = [(True, True), (True, False), (False, True), (False, False)]  # the largest last
        return [Step("UNet3Plus", filters, edge, checkpointing=kept, bf16=bf16) for kept, bf16 in settings]
    if quick:
        return [Step("SENormUNet", 4, 32)]
    found = [Step("SENormUNet", 4, 64, batch=2)]
    found += [Step("SENormUNet", 8, 96, checkpointing=checkpointing) for checkpointing in (False, True)]
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
    target = (image[:, :1] > 0.5).float()
    counts = torch.ones(step.batch, 1, dtype=torch.bool, device=step.device)
    loss = DeepSupervision(Dice("sigmoid"))
    with torch.autocast(step.device, torch.bfloat16, enabled=step.bf16):
        value = loss(network(image), target, counts)
    value.backward()
    optimizer.step()


def measure(step: Step) -> dict[str, float]:
    """MiB that training takes, in a process that has trained something smaller before, and those of the process."""
    # libraries that load at the first step are not its own
    train(Step(step.network, 4, 32, 1, step.checkpointing, step.bf16, step.device))
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


def compare(step: Step, quick: bool, full: bool, verdict: Verdict) -> list[str]:
    """A row of the table."""
    estimated = step.estimate_mib()
    measured = measure(step) if quick else measure_apart(step)
    ratio = measured["mib"] / estimated
    # a quick run shares its process with others, whose freed memory hides part of the step's
    if full and not quick and not (measured["total"] <= LIMIT_MIB or step.may_exceed):
        verdict.wrong.append(f"{step}: does not fit into 20 GiB")
    if not full and not quick and not 1 / OFF < ratio < OFF:
        verdict.wrong.append(f"{step}: the estimate is {1 / ratio:.2f} of what was measured")
    numbers = estimated, measured["mib"], measured["total"]
    before, mib, total = (f"{number:.0f}" for number in numbers)
    return [str(step), step.device, before, mib, f"{ratio:.2f}", total]


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, repeats=1)
    parser.add_argument("--full", action="store_true", help="UNet3Plus at 144^3: does a training step fit into 20 GiB?")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.measure:
        print(json.dumps(measure(Step(**json.loads(args.measure)))))
        return 0
    verdict = Verdict()
    print(WHAT)
    print_table(HEADER, (compare(step, args.quick, args.full, verdict) for step in steps(args.quick, args.full)))
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
