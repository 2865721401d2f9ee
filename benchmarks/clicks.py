"""Seconds from a click to its answer, and of drawing clicks: ``python -m benchmarks.clicks``.

A ``ClickSession`` holds a phantom patient and a network with random weights: the small U-Net of the Turku study on its
slices, and the SE-Norm U-Net on PET/CT, as wide as its paper has it and narrow. There is no peer: a click costs a pass
of one's own network, and no other library runs the same one. So the answer is compared with a cold prediction of
hnseg's with the same clicks, from which it must not differ in a voxel, and every encoding with its definition. The exit
code is 1 where one differs, or where a click on a slice takes a second on two threads.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.click_patients import Asked, pet_ct, turku
from benchmarks.measure import (
    Verdict,
    options,
    own_process,
    peak_above_start_mib,
    peak_of_process_mib,
    print_table,
    take_turns,
    torch_threads,
)
from hnseg.clicks import ClickChannels, DiskEncoding, EdtEncoding, Encoding, GaussianEncoding, PointEncoding
from hnseg.types import Clicks

MOST_SECONDS = 1.0
THREADS = (1, 2)
Definition = Callable[[NDArray[np.float64]], NDArray[np.float64]]
ENCODINGS: dict[str, tuple[Encoding, Definition]] = {
    "point": (PointEncoding(), lambda mm: (mm == 0).astype(float)),
    "gaussian, sigma 5 mm": (GaussianEncoding(5.0), lambda mm: np.exp(-(mm**2) / 50)),
    "disk, radius 5 mm": (DiskEncoding(5.0), lambda mm: (mm <= 5).astype(float)),
    "edt, reach 40 mm": (EdtEncoding(40.0), lambda mm: np.maximum(0, 1 - mm / 40)),
}
"""How a click looks, and what that means at a distance in mm from the nearest click."""
TOLERANCE = 1e-5
HEADER = ("network", "image", "threads", "click, median ms", "min ms", "max ms", "CPU ms", "first answer, s")
MEMORY_HEADER = ("network", "image", "one click above the session, MiB", "peak of the process, MiB")
ENCODING_HEADER = ("encoding", "image", "1 click, ms", "10 clicks, ms")
WHAT = """\
From a click to the mask on the patient's own grid, in a session that holds network and patient: the click is checked
and drawn, the network runs (a 2-D one on the slice of the click), the answer is brought to the grid. Every click comes
on top of those before; both numbers of threads in turn. First answer: preparing the patient and the answer without
clicks. Compared first: the mask after a click is that of a cold prediction, in every voxel. Memory: a process of its
own each, {threads} thread(s). Encodings: 1 mm voxels, a positive and a negative channel, one thread.
"""


def asked(quick: bool) -> dict[str, tuple[Callable[[], Asked], int]]:
    """What is asked, made when it is called for, and how many times fewer clicks it gets than a slice."""
    if quick:
        return {"slices": (partial(turku, 16.0, 32), 1), "volume": (partial(pet_ct, 2, 4.5), 1)}
    return {
        "slices": (partial(turku, 1.0, 128), 1),
        "narrow": (partial(pet_ct, 4, 1.0), 4),
        "wide": (partial(pet_ct, 24, 1.0), 6),
    }


def compare(one: Asked, rounds: int, verdict: Verdict) -> Iterator[list[str]]:
    """Rows of the table of times for one network."""
    began = time.perf_counter()
    session = one.session()
    first_s = time.perf_counter() - began
    clicks = cycle(one.scan.clicks)
    before, click = session.answer.mask.array, next(clicks)
    after = session.click(click).mask.array
    if not np.array_equal(after, one.cold(click).mask.array):
        verdict.wrong.append(f"{one.name}: the answer to a click is not that of a cold prediction; nothing was timed")
        return
    if np.array_equal(before, after):
        verdict.wrong.append(f"{one.name}: a click changes nothing")

    def answer(threads: int) -> None:
        with torch_threads(threads):
            session.click(next(clicks))

    times = take_turns({threads: partial(answer, threads) for threads in THREADS}, rounds)
    if one.flat and times[THREADS[-1]].median_s >= MOST_SECONDS:
        verdict.behind.append(f"{one.name}: a click on a slice takes {times[THREADS[-1]].median_s:.1f} s")
    for threads, mine in times.items():
        walls = (mine.median_s, min(mine.wall_s), max(mine.wall_s), mine.cpu_median_s)
        yield [one.name, one.what, str(threads), *(f"{1e3 * seconds:.0f}" for seconds in walls), f"{first_s:.1f}"]


def peak(one: Asked) -> dict[str, float]:
    """What one click adds to a process that holds a session, and the most that this process ever held."""
    session = one.session()
    first, second = one.scan.clicks[:2]
    session.click(first)  # what is loaded at the first click is not the second one's
    mib = peak_above_start_mib(lambda: session.click(second))
    return {"mib": mib, "total": peak_of_process_mib()}


def peaks(quick: bool) -> Iterator[list[str]]:
    """Rows of the table of memory."""
    for name, (make, _) in asked(quick).items():
        one = make()
        found = peak(one) if quick else own_process("benchmarks.clicks", "--peak", name)
        yield [one.name, one.what, f"{found['mib']:.0f}", f"{found['total']:.0f}"]


def encodings(edge: int, rounds: int, verdict: Verdict) -> Iterator[list[str]]:
    """Rows of the table of encodings, in a cube of 1 mm voxels with a positive and a negative channel."""
    shape, spacing_mm = (edge,) * 3, (1.0, 1.0, 1.0)
    places = np.random.default_rng(0).integers(0, edge, (10, 3))
    one, ten = (Clicks(places[:n].astype(float), np.ones(n, np.uint8), spacing_mm) for n in (1, 10))
    empty = np.ones(shape, bool)
    empty[tuple(places.T)] = False
    distance_mm = ndimage.distance_transform_edt(empty)
    for name, (encoding, definition) in ENCODINGS.items():
        channels = ClickChannels(encoding, 1, 1, 2, 3, "random", 10)
        off = float(np.abs(channels.encode(ten, shape)[0].numpy() - definition(distance_mm)).max())
        if off > TOLERANCE:
            verdict.wrong.append(f"{name}: off by {off:.1e}")
            continue
        works = {n: partial(channels.encode, clicks, shape) for n, clicks in ((1, one), (10, ten))}
        times = take_turns(works, rounds)
        yield [name, f"2 x {edge}^3", *(f"{1e3 * times[n].median_s:.1f}" for n in works)]


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, repeats=20)
    parser.add_argument("--peak", choices=asked(False), help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    verdict, rounds = Verdict(), 1 if args.quick else args.repeats
    with warnings.catch_warnings(action="ignore"), torch.no_grad():
        if args.peak:
            print(json.dumps(peak(asked(False)[args.peak][0]())))
            return 0
        print(WHAT.format(threads=torch.get_num_threads()))
        memory = list(peaks(args.quick))  # first: a process of its own counts what its parent held when it began
        rounded = [(make, max(1, rounds // fewer)) for make, fewer in asked(args.quick).values()]
        print_table(HEADER, (row for make, clicks in rounded for row in compare(make(), clicks, verdict)))
        print()
        print_table(MEMORY_HEADER, memory)
        print()
        print_table(ENCODING_HEADER, encodings(24 if args.quick else 144, rounds, verdict))
    slow = [] if args.quick else verdict.behind
    if slow:  # behind nobody, but behind what was promised
        print(f"\nToo slow: {'; '.join(slow)}.")
    return int(bool(verdict.tell(quick=True) or slow))


if __name__ == "__main__":
    sys.exit(main())
