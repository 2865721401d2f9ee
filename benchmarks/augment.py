"""Augmented patches a second, in turns: ``python -m benchmarks.augment [--size 96] [--repeats 5] [--threads 1]``.

Every operation always on: ``Warp`` of ``augment=strong`` against TorchIO's affine and elastic transforms, and the
turning of ``augment=rotate_mirror`` against TorchIO's affine transform (which it calls, and adds a fill for each
channel). The exit code is 1 if image and label are moved apart, or hnseg is slower where it is not TorchIO underneath.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torchio as tio
from torch import Tensor

from benchmarks.measure import Verdict, options, print_table, take_turns, torch_threads
from hnseg.augment import RotateMirror, Warp
from hnseg.augment.paper import RotateMirrorParams

Work = Callable[[Tensor, Tensor], object]
LIBRARIES = ("hnseg", "torchio")
CALLS_TORCHIO = "affine"
APART = 0.1
"""1 - Dice that different interpolation of image and label may leave."""
HEADER = (
    "augmentation", "hnseg ms", "torchio ms", "hnseg CPU ms", "torchio CPU ms", "hnseg patches/s", "times as fast"
)  # fmt: skip
WHAT = """\
A CT and PET patch (2, {size}^3) float32 with its label map, every operation always on, {threads} thread(s), medians of
{rounds} rounds in turn. Both draw at random, so outputs cannot be equal: compared first is that image and label move
together (Dice above {dice:.1f}). hnseg's affine is TorchIO's with a fill for each channel; its other two are one
`grid_sample`.
"""
TURN = RotateMirrorParams(((2, 17.0), (0, -31.0), (1, 8.0)), (0,))


def patch(size: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    ct = torch.randn(size, size, size, generator=generator) * 200
    pet = torch.rand(size, size, size, generator=generator) * 8
    axis = torch.arange(size) - size / 2
    distance2 = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2
    return torch.stack([ct, pet]), (distance2 < (size / 5) ** 2).to(torch.uint8)


def subject(image: Tensor, label: Tensor) -> tio.Subject:
    return tio.Subject(image=tio.ScalarImage(tensor=image), label=tio.LabelMap(tensor=label[None]))


def contestants() -> dict[str, tuple[Work, Work]]:
    """What is done: hnseg's way and TorchIO's."""
    rng = np.random.default_rng(0)
    warp = Warp(p_rotate=1, p_scale=1, p_elastic=1)
    elastic = Warp(p_rotate=0, p_scale=0, p_elastic=1)
    turning = RotateMirror()
    tio_affine = tio.RandomAffine(scales=(0.8, 1.25), degrees=30, default_pad_value=0)
    tio_elastic = tio.RandomElasticDeformation(num_control_points=7, max_displacement=7.5, locked_borders=0)
    return {
        "affine + elastic": (lambda i, m: warp(i, m, rng), lambda i, m: tio_elastic(tio_affine(subject(i, m)))),
        "elastic": (lambda i, m: elastic(i, m, rng), lambda i, m: tio_elastic(subject(i, m))),
        "affine": (lambda i, m: turning.apply(i, m, TURN), lambda i, m: tio_affine(subject(i, m))),
    }


def moved_apart(work: Work, image: Tensor, label: Tensor) -> float:
    """1 - Dice of the label and of a channel that showed the same voxels, after both went through ``work``."""
    result = work(torch.stack([label.float(), image[1]]), label)
    if isinstance(result, tio.Subject):
        shown, mask = result["image"].data[0] > 0.5, result["label"].data[0] > 0
    else:
        shown, mask = result[0][0] > 0.5, result[1] > 0
    assert mask.any()
    return 1 - float(2 * (shown & mask).sum() / (shown.sum() + mask.sum()))


def compare(size: int, repeats: int, verdict: Verdict) -> list[list[str]]:
    """Rows of the table; random parameters, so what can be compared is whether image and label move together."""
    image, label = patch(size)
    pairs = {name: dict(zip(LIBRARIES, pair, strict=True)) for name, pair in contestants().items()}
    works = {(name, library): work for name, pair in pairs.items() for library, work in pair.items()}
    for (name, library), work in works.items():
        apart = moved_apart(work, image, label)
        if apart > APART:
            verdict.wrong.append(f"{name} by {library} moves image and label apart (1 - Dice {apart:.2f})")
    times = take_turns({who: partial(work, image, label) for who, work in works.items()}, repeats)
    rows = []
    for name in pairs:
        ours, theirs = (times[name, library].median_s for library in LIBRARIES)
        cpu = (f"{1e3 * times[name, library].cpu_median_s:.0f}" for library in LIBRARIES)
        if theirs < ours and name != CALLS_TORCHIO:
            verdict.behind.append(f"{name}: torchio is faster")
        rows.append([name, f"{1e3 * ours:.1f}", f"{1e3 * theirs:.1f}", *cpu, f"{1 / ours:.1f}", f"{theirs / ours:.1f}"])
    return rows


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, repeats=5)
    parser.add_argument("--size", type=int, default=96, help="edge of the patch in voxels")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args(arguments)
    size, repeats, verdict = 32 if args.quick else args.size, 1 if args.quick else args.repeats, Verdict()
    with torch_threads(args.threads):
        rows = compare(size, repeats, verdict)
    print(WHAT.format(size=size, threads=args.threads, rounds=repeats, dice=1 - APART))
    print_table(HEADER, rows, texts=1)
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
