"""Slices a second of a 2-D network over a CT, against a plain loop: ``python -m benchmarks.prediction_slices``.

The same narrow residual U-Net, the same batches of whole slices, padded to what the network divides: by hnseg's
``Runner``, and by a few lines of torch. The answers must be equal before anything is timed. The exit code is 1 where
they are not, or where hnseg is slower (by more than 5 % in wall and in CPU time).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import pad

from benchmarks.measure import Verdict, options, print_table, take_turns
from hnseg.inference import InferenceSettings, Runner
from hnseg.labels import LabelSet
from hnseg.models import ResUNet
from hnseg.prepare.intensity import Normalization

LABELS = LabelSet(tuple("abcdefghi"), "softmax")
SOFT_TISSUE = Normalization(("ct",), 2)
AIR_HU = -1024.0
TOLERANCE = 1e-5
NOISE = 1.05
"""Two runs of the same work on a shared machine differ by about this factor."""


@dataclass(frozen=True)
class Size:
    """Of the CT, the network's width, and slices in one call."""

    scan_zyx: tuple[int, int, int]
    filters: int
    batch: int


FULL = Size((48, 280, 280), 4, 8)
QUICK = Size((5, 40, 40), 2, 2)
HEADER = ("network", "road", "slices/s, median", "best", "CPU ms a slice", "ratio to hnseg")
WHAT = """\
{batch} slices a call, {threads} threads, {rounds} rounds in turn; the answers were compared first and differ by less
than 1e-5.
"""


def roads(size: Size) -> dict[str, Callable[[], Tensor]]:
    """Probabilities (10, Z, Y, X) of all slices of a CT, made in two ways."""
    torch.manual_seed(0)
    network = ResUNet(in_channels=1, out_channels=LABELS.channels, filters=size.filters).eval().requires_grad_(False)
    image = torch.randn(1, *size.scan_zyx, generator=torch.Generator().manual_seed(1)) * 500
    runner = Runner(network, LABELS, SOFT_TISSUE, InferenceSettings(None), batch_size=size.batch)
    _, height, width = size.scan_zyx
    high, wide = -height % network.divisor, -width % network.divisor

    def plain() -> Tensor:
        around = [wide // 2, wide - wide // 2, high // 2, high - high // 2]
        padded = pad(image.transpose(0, 1), around, value=AIR_HU)
        answers = [network(SOFT_TISSUE(batch)).softmax(dim=1) for batch in torch.split(padded, size.batch)]
        whole = torch.cat(answers).transpose(0, 1)
        return whole[..., high // 2 : high // 2 + height, wide // 2 : wide // 2 + width]

    return {"hnseg": partial(runner, image), "plain loop": plain}


def compare(size: Size, rounds: int, verdict: Verdict) -> list[list[str]]:
    """Rows of the table."""
    works = roads(size)
    difference = float((works["hnseg"]() - works["plain loop"]()).abs().max())
    if difference > TOLERANCE:
        verdict.wrong.append(f"the answers differ by {difference:.1e}; nothing was timed")
        return []
    times = take_turns(works, rounds)
    ours, plain = times["hnseg"], times["plain loop"]
    if min(ours.median_s / plain.median_s, ours.cpu_median_s / plain.cpu_median_s) > NOISE:
        verdict.behind.append("hnseg is slower than a plain loop")
    count, name = size.scan_zyx[0], f"ResUNet, {size.filters} filters, {' x '.join(map(str, size.scan_zyx))}"
    rows = []
    for road, mine in times.items():
        each = (
            f"{count / mine.median_s:.1f}",
            f"{count / min(mine.wall_s):.1f}",
            f"{1e3 * mine.cpu_median_s / count:.1f}",
        )
        rows.append([name, road, *each, f"{mine.median_s / ours.median_s:.2f}"])
    return rows


def main(arguments: list[str] | None = None) -> int:
    args = options(__doc__, repeats=5).parse_args(arguments)
    size, rounds, verdict = QUICK if args.quick else FULL, 1 if args.quick else args.repeats, Verdict()
    with torch.no_grad():
        print(WHAT.format(batch=size.batch, threads=torch.get_num_threads(), rounds=rounds))
        print_table(HEADER, compare(size, rounds, verdict))
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
