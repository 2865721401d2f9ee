"""Slices a second through transform degrees 0 and 4: ``python -m benchmarks.slices [--repeats 9]``.

hnseg's road (prepared cases, `EverySliceView`, `TransformDegree`, windows) against the plainest loader that one writes
with albumentations: an .npz a slice, windows, a random cut, elastic or grid distortion of half of the slices,
normalisation. The exit code is 1 where windows of the same slice differ, or hnseg is not first.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.measure import Verdict, options, print_table, take_turns, torch_threads
from hnseg.augment import TransformDegree
from hnseg.data.datasets import TrainingSamples, collate
from hnseg.data.sampling import EpochBatchSampler
from hnseg.data.views import EverySliceView
from hnseg.prepare import Case
from hnseg.prepare.case import write_case
from hnseg.prepare.intensity import Normalization
from hnseg.types import BoxMm, Grid

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")

BATCH = 32
ORGANS = tuple("ABCDEFGHI")
WINDOWS = {
    0: {"levels": [20], "widths": [350], "means": [0.135], "stds": [0.267]},
    4: {
        "levels": [40, 20, 600],
        "widths": [80, 350, 2800],
        "means": [0.107, 0.135, 0.085],
        "stds": [0.271, 0.267, 0.152],
    },
}
"""Of conf/normalization/soft_tissue.yaml and windows_3.yaml."""
HEADER = ("degree", "loader", "workers", "slices/s, median", "best", "hnseg times as fast")
WHAT = """\
CT slices with nine organs, cut to {size.cut}^2 of {size.plane}^2 pixels, batches of 32, float32 in one window (degree
0) or three (degree 4), on one thread, {size.slices} slices an epoch, {rounds} epochs each in turn, workers kept, files
in the page cache. Windows of the same slice were compared first. hnseg reads slices of prepared cases, and its elastic
deformation has the affine map of three points that the paper's version of albumentations had; the others call that of
today, which has none and so does less. "npz, 9 masks" keeps a mask an organ, as the authors do; the other one map.
"""


@dataclass(frozen=True)
class Size:
    """Of the cases, and of what is cut from their slices."""

    patients: int = 4
    depth: int = 64
    plane: int = 280
    cut: int = 256

    @property
    def slices(self) -> int:
        return self.patients * self.depth


FULL = Size()
QUICK = Size(patients=1, depth=BATCH, plane=48, cut=40)


def write_cases(folder: Path, size: Size) -> list[Case]:
    """Cases of smooth tissue with noise and nine round organs, every one in every slice."""
    rng = np.random.default_rng(0)
    shape = (size.depth, size.plane, size.plane)
    grid = Grid(shape, (2.5, 1.0, 1.0))
    y, x = np.mgrid[: size.plane, : size.plane] / size.plane
    label = np.zeros(shape, np.uint8)
    for value in range(1, 10):
        label[:, np.hypot(y - 0.3 - 0.04 * value, x - 0.1 * value) < 0.04] = value
    cases = []
    for number in range(size.patients):
        ct_hu = (600 * np.sin(9 * y) * np.cos(7 * x + number) + rng.normal(0, 30, shape)).astype(np.int16)
        place = folder / f"case{number}"
        place.mkdir()
        facts = (place, place.name, "", "train", ("ct",), ORGANS, (True,) * 9, grid, grid)
        case = Case(*facts, BoxMm((0, 0, 0), (1, 1, 1)), phantom=True, notes=(), sources={}, key=place.name)
        write_case(place, case, {"ct": ct_hu}, label, label)
        cases.append(Case.open(place))
    return cases


def write_npz(folder: Path, cases: list[Case], masks: bool) -> None:
    """A file a slice: CT and label map, or a mask an organ."""
    for case in cases:
        assert case.label is not None
        for z, (plane, label) in enumerate(zip(case.images[0], case.label, strict=True)):
            kept = {"masks": np.stack([label == value for value in range(1, 10)])} if masks else {"label": label}
            np.savez(folder / f"{case.case_id}_{z:03d}.npz", image=plane, **kept)


class NpzSlices(Dataset[tuple[Tensor, Tensor]]):
    """The plainest data set: read, see through windows, let albumentations do the rest."""

    def __init__(self, folder: Path, degree: int, cut: int) -> None:
        import albumentations as A
        import cv2

        self.files, self.windows = sorted(folder.glob("*.npz")), WINDOWS[degree]
        border = {"border_mode": cv2.BORDER_REFLECT_101, "p": 1.0}
        deformations = [A.ElasticTransform(**border), A.GridDistortion(normalized=False, **border)]
        means, stds = self.windows["means"], self.windows["stds"]
        self.transform = A.Compose(
            [
                A.RandomCrop(cut, cut),
                A.OneOf(deformations, p=0.5),
                A.Normalize(mean=means, std=stds, max_pixel_value=1.0),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def seen(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """A slice (Y, X, windows) from 0 to 1, and its label map: of two masks the one further down."""
        with np.load(self.files[index]) as stored:
            ct_hu, kept = stored["image"].astype(np.float32), stored[stored.files[1]]
        levels, widths = self.windows["levels"], self.windows["widths"]
        seen = [np.clip((ct_hu - low) / wide + 0.5, 0, 1) for low, wide in zip(levels, widths, strict=True)]
        if kept.ndim == 3:
            kept = (kept * np.arange(1, 10, dtype=np.uint8)[:, None, None]).max(axis=0)
        return np.stack(seen, axis=-1), kept

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        image, label = self.seen(index)
        done = self.transform(image=image, mask=label)
        return torch.from_numpy(done["image"].transpose(2, 0, 1).copy()), torch.from_numpy(done["mask"])


def npz_epoch(slices: NpzSlices, workers: int) -> Callable[[], int]:
    """Draws an epoch when called, and says how many slices it had."""
    loader = DataLoader(slices, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    return lambda: sum(len(label) for _, label in loader)


def hnseg_epoch(cases: list[Case], degree: int, size: Size, workers: int) -> Callable[[], int]:
    """As hnseg trains: the cut by the view, windows for a batch at a time."""
    view, augment = EverySliceView((1, size.cut, size.cut)), TransformDegree(["ct"], ORGANS, degree)
    samples, epochs = TrainingSamples(cases, view, augment, seed=0), iter(range(10**6))
    sampler = EpochBatchSampler(len(samples), BATCH, lambda: next(epochs))
    keep: dict[str, Any] = {"num_workers": workers, "persistent_workers": workers > 0}
    loader = DataLoader(samples, batch_sampler=sampler, collate_fn=collate, **keep)
    see = windows(degree)
    return lambda: sum(len(see(batch["image"])) for batch in loader)


def windows(degree: int) -> Normalization:
    return Normalization(["ct"], 2, channels=len(WINDOWS[degree]["levels"]), ct={"kind": "windows", **WINDOWS[degree]})


def windows_differ(name: str, slices: NpzSlices, cases: list[Case], degree: int) -> list[str]:
    """A whole slice through both, not deformed; complaints."""
    image, label = cases[0].crop((1, 0, 0), (1, *cases[0].grid.shape_zyx[1:]))
    ours = windows(degree)(torch.from_numpy(image[:, 0]))
    seen, kept = slices.seen(1)
    facts = (np.array(WINDOWS[degree][key]) for key in ("means", "stds"))
    mean, std = facts
    same = np.allclose(ours.permute(1, 2, 0).numpy(), (seen - mean) / std, atol=1e-4) and np.array_equal(label[0], kept)
    return [] if same else [f"degree {degree}: {name} shows another slice than hnseg"]


def compare(folder: Path, size: Size, rounds: int, verdict: Verdict) -> list[list[object]]:
    """Rows of the table."""
    cases = write_cases(folder, size)
    kinds = {"npz, label map": folder / "map", "npz, 9 masks": folder / "masks"}
    for place in kinds.values():
        place.mkdir()
        write_npz(place, cases, masks=place.name == "masks")
    rows: list[list[object]] = []
    for degree in WINDOWS:
        plain = {name: NpzSlices(place, degree, size.cut) for name, place in kinds.items()}
        for name, slices in plain.items():
            verdict.wrong += windows_differ(name, slices, cases, degree)
        for workers in (0, 2):
            works = {"hnseg": hnseg_epoch(cases, degree, size, workers)}
            works |= {name: npz_epoch(slices, workers) for name, slices in plain.items()}
            rows += turns(works, degree, workers, size, rounds, verdict)
    return rows


def turns(
    works: dict[str, Callable[[], int]], degree: int, workers: int, size: Size, rounds: int, verdict: Verdict
) -> list[list[object]]:
    """One epoch each beforehand, which starts its workers, and then in turns."""
    for name, work in works.items():
        drawn = work()
        assert drawn >= size.slices, f"{name} drew {drawn} of {size.slices} slices"
    times = {name: found.wall_s for name, found in take_turns(works, rounds).items()}
    ours, rows = statistics.median(times["hnseg"]), []
    for name, wall_s in times.items():
        median = statistics.median(wall_s)
        if median < ours:
            verdict.behind.append(f"degree {degree}, {workers} workers: {name} is faster")
        rates = f"{size.slices / median:.0f}", f"{size.slices / min(wall_s):.0f}"
        rows.append([degree, name, workers, *rates, f"{median / ours:.1f}"])
    return rows


def main(arguments: list[str] | None = None) -> int:
    args = options(__doc__, repeats=9).parse_args(arguments)
    size, rounds, verdict = QUICK if args.quick else FULL, 1 if args.quick else args.repeats, Verdict()
    with torch_threads(1), tempfile.TemporaryDirectory() as folder:
        rows = compare(Path(folder), size, rounds, verdict)
    print(WHAT.format(size=size, rounds=rounds))
    print_table(HEADER, rows)
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
