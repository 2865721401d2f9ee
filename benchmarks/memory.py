"""Estimated against measured memory of a training step: ``python -m benchmarks.memory``.

``hnseg.models.memory.training_bytes`` works it out on the meta device; here a real step of the SE-Norm U-Net with Adam
is taken in a process of its own. The exit code is 1 where the estimate is off by more than a factor of two.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass

import torch

from benchmarks.measure import Verdict, options, own_process, peak_above_start_mib, print_table
from hnseg.losses.dice import Dice
from hnseg.models import SENormUNet
from hnseg.models.memory import training_bytes

OFF = 2.0
HEADER = ("network", "device", "estimated MiB", "measured MiB", "measured / estimated")
WHAT = """\
Two training steps of the SE-Norm U-Net in float32 (forward, Dice loss, backward, Adam): what `hnseg check` foretells
from shapes alone against the most that they added to a fresh process (CPU, resident memory) or to the allocator (CUDA).
The estimate counts weights, gradients, Adam's state and what autograd keeps of a forward pass. It leaves out gradients
of activations, what checkpointing computes again, and work space; how much each of them takes was not measured.
"""


@dataclass(frozen=True)
class Step:
    """What is trained on."""

    filters: int
    edge: int
    batch: int
    checkpointing: bool
    device: str

    def __str__(self) -> str:
        kept = ", checkpointing" if self.checkpointing else ""
        return f"{self.filters} filters, ({self.batch}, 2, {self.edge}^3){kept}"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.batch, 2, self.edge, self.edge, self.edge

    def network(self) -> SENormUNet:
        return SENormUNet(in_channels=2, out_channels=1, filters=self.filters, checkpointing=self.checkpointing)


def steps(quick: bool) -> list[Step]:
    if quick:
        return [Step(4, 32, 1, False, "cpu")]
    found = [Step(4, 64, 2, False, "cpu"), Step(8, 96, 1, False, "cpu"), Step(8, 96, 1, True, "cpu")]
    if torch.cuda.is_available():
        found += [Step(24, 144, 1, False, "cuda"), Step(24, 144, 1, True, "cuda")]
    return found


def train(step: Step) -> None:
    """Two steps, the second with Adam's state already there."""
    network = step.network().to(step.device)
    optimizer = torch.optim.Adam(network.parameters())
    loss = Dice("sigmoid")
    image = torch.rand(step.shape, device=step.device)
    target = (image[:, :1] > 0.5).float()
    counts = torch.ones(step.batch, 1, dtype=torch.bool, device=step.device)
    for _ in range(2):
        optimizer.zero_grad()
        loss(network(image), target, counts).backward()
        optimizer.step()


def measured_mib(step: Step) -> float:
    """What training takes, in a process that has trained something smaller before."""
    train(Step(4, 32, 1, step.checkpointing, step.device))  # libraries that load at the first step are not its own
    if step.device == "cpu":
        return peak_above_start_mib(lambda: train(step))
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    train(step)
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def compare(step: Step, quick: bool, verdict: Verdict) -> list[str]:
    """A row of the table."""
    estimated = training_bytes(step.network, step.shape) / 2**20
    arguments = json.dumps(asdict(step))
    measured = measured_mib(step) if quick else own_process("benchmarks.memory", "--measure", arguments)["mib"]
    ratio = measured / estimated
    # a quick run shares its process with others, whose freed memory hides part of the step's
    if not quick and not 1 / OFF < ratio < OFF:
        verdict.wrong.append(f"{step}: the estimate is {1 / ratio:.2f} of what was measured")
    return [str(step), step.device, f"{estimated:.0f}", f"{measured:.0f}", f"{ratio:.2f}"]


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, repeats=1)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.measure:
        print(json.dumps({"mib": measured_mib(Step(**json.loads(args.measure)))}))
        return 0
    verdict = Verdict()
    print(WHAT)
    print_table(HEADER, (compare(step, args.quick, verdict) for step in steps(args.quick)))
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
