"""Peak memory of outlining ten classes in a whole CT, against MONAI: ``python -m benchmarks.prediction_memory``.

From the CT in HU to the label map on its own grid, 512 x 512 x 300, each library in a process of its own. MONAI's
``sliding_window_inference`` leaves all probabilities, whose argmax is taken; hnseg's ``Predictor`` finds the region,
prepares the image, and decodes while it walks. Both label maps must be those of the network in one pass. The exit code
is 1 where one is not, or where hnseg takes more memory.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from monai.inferers import sliding_window_inference
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.measure import Verdict, options, own_process, peak_above_start_mib, peak_of_process_mib, print_table
from hnseg.inference import Checkpoint, InferenceSettings, Predictor
from hnseg.labels import LabelSet
from hnseg.prepare.intensity import Normalization
from hnseg.prepare.recipe import Recipe
from hnseg.types import Grid, Volume

CLASSES = 10
LABELS = LabelSet(tuple(f"organ_{number}" for number in range(1, CLASSES)), "softmax")
CT = Normalization(("ct",))
OVERLAP = 0.25
"""MONAI's own choice where nothing is said."""
SPACING_MM = (1.25, 0.98, 0.98)
LEAST_EQUAL = 0.9999
"""Part of the voxels that must have the label of one pass; where two classes are as likely, rounding decides."""


@dataclass(frozen=True)
class Size:
    """Of the CT, and edge of the window."""

    scan_zyx: tuple[int, int, int]
    window: int


FULL = Size((300, 512, 512), 96)
QUICK = Size((40, 64, 48), 32)
HEADER = ("memory", "library", "peak above the start, MiB", "peak of the process, MiB", "s", "ratio to hnseg")
WHAT = """\
From an int16 CT to its uint8 label map of {classes} classes (a 1x1x1 convolution and softmax), windows of
{window}^3, overlap {overlap}, Gaussian weights, one window a call, {threads} threads, each library in a process of its
own. All probabilities of this CT as float32 take {all_mib:.0f} MiB. Every label map is compared with that of one pass.
"""


def network() -> nn.Conv3d:
    """Ten classes between air and bone, each of which wins where the normalised HU are nearest to its own."""
    made = nn.Conv3d(1, CLASSES, 1).requires_grad_(False)
    own = torch.linspace(-0.8, 0.8, CLASSES)
    made.weight.copy_(40 * own.reshape(CLASSES, 1, 1, 1, 1))
    assert made.bias is not None
    made.bias.copy_(-20 * own.square())
    return made


def scan(shape_zyx: tuple[int, int, int]) -> Volume:
    """HU that rise and fall slowly, on a grid as a planning CT has it."""
    waves = [np.sin(np.linspace(0, 20, n, dtype=np.float32)) for n in shape_zyx]
    array = np.empty(shape_zyx, np.int16)
    for z, slice_zyx in enumerate(array):
        slice_zyx[:] = 330 * (waves[0][z] + waves[1][:, None] + waves[2][None, :])
    return Volume(array, Grid(shape_zyx, SPACING_MM, (-250.0, -250.0, -180.0)))


def hnsegs(ct: Volume, window: int) -> NDArray[np.uint8]:
    """The label map of a predictor whose checkpoint says nothing but windows of the CT's own voxels."""
    checkpoint = Checkpoint(
        path=Path("benchmark.ckpt"),
        net={"_target_": "torch.nn.Conv3d", "in_channels": 1, "out_channels": CLASSES, "kernel_size": 1},
        state_dict=network().state_dict(),
        labels=LABELS,
        recipe=Recipe(("ct",), LABELS.names, SPACING_MM, ("image",), None),
        normalization=CT,
        inference=InferenceSettings((window,) * 3, "sliding_window", OVERLAP),
        threshold=0.5,
        phantom=False,
        config={},
        version="",
        trust=("torch.nn",),
    )
    return Predictor([checkpoint]).predict({"ct": ct}, "scan").mask.array


def monais(ct: Volume, window: int) -> NDArray[np.uint8]:
    """The argmax of all probabilities."""
    made = network()

    def probabilities(image: Tensor) -> Tensor:
        return LABELS.activate(made(CT(image)))

    image = torch.from_numpy(ct.array).float()[None, None]
    answer = sliding_window_inference(image, (window,) * 3, 1, probabilities, overlap=OVERLAP, mode="gaussian")
    found: NDArray[np.uint8] = answer[0].argmax(dim=0).to(torch.uint8).numpy()
    return found


CONTENDERS: dict[str, Callable[[Volume, int], NDArray[np.uint8]]] = {"hnseg": hnsegs, "monai": monais}


def peak(library: str, size: Size) -> dict[str, float]:
    """By how much one prediction raised this process's peak, and the part of its labels that one pass gives too."""
    outline, found = CONTENDERS[library], []
    outline(scan((size.window + 1,) * 3), size.window)  # what is loaded at the first call is not the prediction's
    ct = scan(size.scan_zyx)
    began = time.perf_counter()
    mib = peak_above_start_mib(lambda: found.append(outline(ct, size.window)))
    seconds, total = time.perf_counter() - began, peak_of_process_mib()
    made, equal, classes = network(), 0, set()
    for hu, labels in zip(ct.array, found[0], strict=True):
        expected = made(CT(torch.from_numpy(hu).float()[None, None, None]))[0, :, 0].argmax(dim=0).numpy()
        equal += int((labels == expected).sum())
        classes |= set(np.unique(expected).tolist())
    assert len(classes) == CLASSES, f"only the classes {sorted(classes)} win anywhere"
    return {"mib": mib, "total": total, "s": seconds, "equal": equal / ct.array.size}


def compare(size: Size, quick: bool, verdict: Verdict) -> list[list[str]]:
    """Rows of the table."""
    own = partial(own_process, "benchmarks.prediction_memory", "--peak")
    found = {library: peak(library, size) if quick else own(library) for library in CONTENDERS}
    verdict.wrong += [
        f"{library}: {1 - one['equal']:.2%} of the labels are others than in one pass"
        for library, one in found.items()
        if one["equal"] < LEAST_EQUAL
    ]
    if found["hnseg"]["mib"] > found["monai"]["mib"]:
        verdict.behind.append("hnseg takes more memory than monai")
    name = f"{CLASSES} classes, {' x '.join(map(str, size.scan_zyx[::-1]))}"
    ours = max(found["hnseg"]["mib"], 1.0)
    return [
        [name, library, f"{one['mib']:.0f}", f"{one['total']:.0f}", f"{one['s']:.1f}", f"{one['mib'] / ours:.2f}"]
        for library, one in found.items()
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, repeats=1)
    parser.add_argument("--peak", choices=CONTENDERS, help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    size, verdict = QUICK if args.quick else FULL, Verdict()
    with warnings.catch_warnings(action="ignore"), torch.no_grad():
        if args.peak:
            print(json.dumps(peak(args.peak, size)))
            return 0
        all_mib = CLASSES * 4 * float(np.prod(size.scan_zyx)) / 2**20
        threads = torch.get_num_threads()
        print(WHAT.format(classes=CLASSES, overlap=OVERLAP, window=size.window, threads=threads, all_mib=all_mib))
        print_table(HEADER, compare(size, args.quick, verdict))
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
