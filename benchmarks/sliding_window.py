"""Sliding-window prediction against MONAI's, in turns: ``python -m benchmarks.sliding_window [--repeats 5]``.

Same network, windows, overlap, Gaussian weights and one window a call. Time: 144^3 with windows of 96^3, where both
place them alike, so the answers must be equal before anything is timed. Peak memory: 10 classes of 256 x 256 x 160,
each library in a process of its own; there both must equal the network's answer in one pass. The exit code is 1 where
an answer differs or hnseg is slower (by more than 5 % in wall and in CPU time) or larger.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from monai.inferers import sliding_window_inference
from torch import Tensor, nn

from benchmarks.measure import (
    Verdict,
    options,
    own_process,
    peak_above_start_mib,
    peak_of_process_mib,
    print_table,
    take_turns,
)
from hnseg.inference.sliding_window import sliding_window
from hnseg.models import SENormUNet

Window = tuple[int, int, int]


@dataclass(frozen=True)
class Size:
    """Edge of the image that is timed, the window, and z, y, x of the scan whose memory is measured."""

    cube: int
    window: Window
    scan: tuple[int, int, int]


FULL = Size(144, (96, 96, 96), (160, 256, 256))
QUICK = Size(48, (32, 32, 32), (40, 64, 64))
TOLERANCE = 1e-5
NOISE = 1.05
"""Two runs of the same work on a shared machine differ by about this factor."""


def ours(network: Callable[[Tensor], Tensor], image: Tensor, window: Window) -> Tensor:
    return sliding_window(network, image, window, overlap=0.5, weighting="gaussian", batch_size=1)


def monais(network: Callable[[Tensor], Tensor], image: Tensor, window: Window) -> Tensor:
    return sliding_window_inference(image[None], window, 1, network, overlap=0.5, mode="gaussian")[0]


HEADER = ("library", "median ms", "min ms", "CPU s", "ratio to hnseg")
MEMORY_HEADER = ("memory", "library", "peak above the start, MiB", "peak of the process, MiB", "s", "ratio to hnseg")
WHAT = """\
Same network, windows of {size.window[0]}^3, overlap 0.5, Gaussian weights, one window a call; {rounds} rounds in turn,
{threads} threads; the answers were compared first and differ by less than 1e-5. Memory: each library in a process of
its own, and both answers compared with the network's in one pass.
hnseg is called slower only where its median is above {noise} times MONAI's in wall time and in CPU time.
"""
CONTENDERS = {"hnseg": ours, "monai": monais}


def networks() -> dict[str, nn.Module]:
    """One convolution, where the walk costs as much as the network does, and the network of the demo."""
    torch.manual_seed(0)
    return {
        "1x1x1 convolution, 1 class": nn.Conv3d(2, 1, 1),
        "1x1x1 convolution, 10 classes": nn.Conv3d(2, 10, 1),
        "SENormUNet, 4 filters": SENormUNet(in_channels=2, out_channels=1, filters=4),
    }


def compare(name: str, network: nn.Module, size: Size, repeats: int, verdict: Verdict) -> Iterator[list[str]]:
    """Rows of the time table for one network."""
    network.eval()
    image = torch.randn(2, *(size.cube,) * 3, generator=torch.Generator().manual_seed(1))
    difference = float((ours(network, image, size.window) - monais(network, image, size.window)).abs().max())
    if difference > TOLERANCE:
        verdict.wrong.append(f"{name}: the answers differ by {difference:.1e}; nothing was timed")
        return
    works = {library: partial(walk, network, image, size.window) for library, walk in CONTENDERS.items()}
    times = take_turns(works, repeats)
    # on a shared machine the wall time of seconds-long work says as much about the neighbours; CPU time must agree
    wall, cpu = (
        times["hnseg"].median_s / times["monai"].median_s,
        times["hnseg"].cpu_median_s / times["monai"].cpu_median_s,
    )
    if min(wall, cpu) > NOISE:
        verdict.behind.append(f"{name}: hnseg is slower than monai")
    for library, mine in times.items():
        ratio = f"{mine.median_s / times['hnseg'].median_s:.2f}"
        numbers = f"{mine.median_s * 1e3:.0f}", f"{min(mine.wall_s) * 1e3:.0f}", f"{mine.cpu_median_s:.2f}"
        yield [name, library, *numbers, ratio]


def peak(library: str, size: Size) -> dict[str, float]:
    """By how much one walk over 10 classes raised this process's peak, and how far off its answer is."""
    network = nn.Conv3d(2, 10, 1).requires_grad_(False)
    image = torch.randn(2, *size.scan, generator=torch.Generator().manual_seed(1))
    walk, result = partial(CONTENDERS[library], network), []
    start = tuple(slice(0, edge) for edge in size.window)
    walk(image[(slice(None), *start)], size.window)  # what is loaded at the first call is not the walk's
    began = time.perf_counter()
    mib = peak_above_start_mib(lambda: result.append(walk(image, size.window)))
    seconds, total = time.perf_counter() - began, peak_of_process_mib()
    slices = ((result[0][:, z], network(image[None, :, z : z + 1])[0, :, 0]) for z in range(size.scan[0]))
    return {"mib": mib, "total": total, "s": seconds, "off": max(float((a - b).abs().max()) for a, b in slices)}


def compare_peaks(size: Size, quick: bool, verdict: Verdict) -> list[list[str]]:
    """Rows of the memory table."""
    own = partial(own_process, "benchmarks.sliding_window", "--peak")
    found = {library: peak(library, size) if quick else own(library) for library in CONTENDERS}
    verdict.wrong += [
        f"peak: {library} is off by {r['off']:.1e}" for library, r in found.items() if r["off"] > TOLERANCE
    ]
    if found["hnseg"]["mib"] > found["monai"]["mib"]:
        verdict.behind.append("peak: hnseg takes more memory than monai")
    shape = " x ".join(map(str, sorted(size.scan, reverse=True)))
    ours_mib = max(found["hnseg"]["mib"], 1.0)
    return [
        [
            f"10 classes, {shape}",
            library,
            f"{r['mib']:.0f}",
            f"{r['total']:.0f}",
            f"{r['s']:.2f}",
            f"{r['mib'] / ours_mib:.2f}",
        ]
        for library, r in found.items()
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, repeats=5)
    parser.add_argument("--peak", choices=CONTENDERS, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    size, repeats, verdict = QUICK if args.quick else FULL, 1 if args.quick else args.repeats, Verdict()
    with warnings.catch_warnings(action="ignore"), torch.no_grad():
        if args.peak:
            print(json.dumps(peak(args.peak, size)))
            return 0
        print(WHAT.format(size=size, threads=torch.get_num_threads(), rounds=repeats, noise=NOISE))
        chosen = list(networks().items())[: 1 if args.quick else None]
        rows = (row for name, network in chosen for row in compare(name, network, size, repeats, verdict))
        print_table([f"network, (2, {size.cube}^3)", *HEADER], rows)
        print()
        print_table(MEMORY_HEADER, compare_peaks(size, args.quick, verdict))
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
