"""Augmented patches a second, interleaved: ``python benchmarks/augment.py [--size 96] [--repeats 9] [--threads 1]``.

The same CT and PET patch with its label map, every operation always on: ``Warp`` of ``augment=strong`` against
TorchIO's affine and elastic transforms, and the turning of ``augment=rotate_mirror`` against TorchIO's affine
transform (which it calls, and adds a fill for each channel). Prints a markdown table of medians and their ratio.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import SimpleITK
import torch
import torchio as tio
from torch import Tensor

from hnseg.augment import RotateMirror, Warp
from hnseg.augment.paper import RotateMirrorParams

Work = Callable[[Tensor, Tensor], object]
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


def measure(works: dict[str, tuple[Work, Work]], size: int, repeats: int) -> dict[str, tuple[float, float]]:
    """Median seconds of both ways, all in turn in every round, after a first round that is not counted."""
    image, label = patch(size)
    seconds: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in works}
    for _ in range(repeats + 1):
        for name, pair in works.items():
            for work, times in zip(pair, seconds[name], strict=True):
                start = time.perf_counter()
                work(image, label)
                times.append(time.perf_counter() - start)
    return {name: (statistics.median(a[1:]), statistics.median(b[1:])) for name, (a, b) in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=96, help="edge of the patch in voxels")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(args.threads)  # TorchIO resamples with it
    medians = measure(contestants(), args.size, args.repeats)
    print(f"(2, {args.size}^3) float32 and a label map, {args.threads} thread(s), median of {args.repeats}; ", end="")
    print(f"torch {torch.__version__}, torchio {tio.__version__}, {platform.processor() or platform.machine()}\n")
    print("| augmentation | hnseg ms | torchio ms | hnseg patches/s | torchio patches/s | times as fast |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, (ours, theirs) in medians.items():
        rates = f"{1000 * ours:.1f} | {1000 * theirs:.1f} | {1 / ours:.1f} | {1 / theirs:.1f} | {theirs / ours:.1f}"
        print(f"| {name} | {rates} |")


if __name__ == "__main__":
    main()
