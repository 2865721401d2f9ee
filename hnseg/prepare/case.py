"""A prepared case: plain memory-mapped arrays and one JSON file, so that a crop reads only its own bytes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry import tight_crop
from hnseg.prepare.recipe import FILL
from hnseg.types import BoxMm, Grid, Volume

CASE_FILE = "case.json"
OPEN_MAPS = 192
"""Maps kept open a process; each holds a file descriptor, and 1024 of those is a common limit."""


@dataclass(frozen=True, eq=False)
class Case:
    """One prepared patient in a folder. Cheap to pickle: the arrays are mapped when they are first asked for.

    Attributes:
        folder: where ``case.json`` and the arrays lie.
        case_id, centre, part, patient: as in the study.
        modalities: channel order.
        label_names: structures; ``label_names[i]`` is ``i + 1`` in `label`.
        annotated: for each structure whether somebody looked for it.
        grid: where the prepared arrays lie.
        image_grid: the patient's own grid (CT, or the first modality), to which a prediction goes back.
        box: the part of the patient that was kept, and how it was found.
        phantom: whether it was made from a phantom.
        notes: what was found or decided on the way.
        sources: raw files by modality and structure.
        key: hash of recipe and files.
    """

    folder: Path
    case_id: str
    centre: str
    part: str
    modalities: tuple[str, ...]
    label_names: tuple[str, ...]
    annotated: tuple[bool, ...]
    grid: Grid
    image_grid: Grid
    box: BoxMm
    phantom: bool
    notes: tuple[str, ...]
    sources: Mapping[str, str]
    key: str
    patient: str = ""

    @classmethod
    def open(cls, folder: Path) -> Case:
        """The case in a folder.

        Raises:
            ValueError: there is no whole case in the folder.
        """
        path = folder / CASE_FILE
        try:
            plain = json.loads(path.read_text())
            return cls(
                folder=folder,
                case_id=plain["case_id"],
                centre=plain["centre"],
                part=plain["part"],
                modalities=tuple(plain["modalities"]),
                label_names=tuple(plain["label_names"]),
                annotated=tuple(plain["annotated"]),
                phantom=plain["phantom"],
                notes=tuple(plain["notes"]),
                sources=plain["sources"],
                key=plain["key"],
                patient=plain.get("patient", ""),  # cases of hnseg 0.1.0 have none
                grid=Grid.from_dict(plain["grid"]),
                image_grid=Grid.from_dict(plain["image_grid"]),
                box=BoxMm(tuple(plain["box"]["low_mm"]), tuple(plain["box"]["high_mm"]), plain["box"]["source"]),
            )
        except (OSError, KeyError, json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{path} is not the description of a prepared case ({error}); remove {folder} and prepare again"
            ) from error

    @property
    def images(self) -> tuple[NDArray[Any], ...]:
        """One memory-mapped (Z, Y, X) array a modality, HU and SUV in compact types."""
        return tuple(_map(self.folder / f"{name}.npy", self.key) for name in self.modalities)

    @property
    def label(self) -> NDArray[np.uint8] | None:
        """Memory-mapped uint8 (Z, Y, X) label map, None where nobody annotated anything."""
        return _map(self.folder / "label.npy", self.key) if any(self.annotated) else None

    def truth(self) -> Volume | None:
        """uint8 label map on ``image_grid``, None where nobody annotated anything."""
        if not any(self.annotated):
            return None
        full = np.zeros(self.image_grid.shape_zyx, np.uint8)
        with np.load(self.folder / "truth.npz", allow_pickle=False) as stored:
            crop, start = stored["crop"], stored["start_zyx"]
        full[tuple(slice(low, low + size) for low, size in zip(start, crop.shape, strict=True))] = crop
        return Volume(full, self.image_grid)

    def crop(
        self, start_zyx: tuple[int, int, int], shape_zyx: tuple[int, int, int]
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """``(C, *shape)`` float32 image and ``shape`` uint8 label map, read from disk where they lie.

        Args:
            start_zyx: first voxel, may be negative.
            shape_zyx: may reach beyond the case; there CT is air, PET 0 and the label background.
        """
        low, high, inside = _overlap(start_zyx, shape_zyx, self.grid.shape_zyx)
        source = tuple(map(slice, low, high))
        image = np.empty((len(self.modalities), *shape_zyx), np.float32)
        for channel, name, array in zip(image, self.modalities, self.images, strict=True):
            if channel[inside].size < channel.size:
                channel.fill(FILL.get(name, 0.0))
            _copy_as_float(array[source], channel[inside])
        label = np.zeros(shape_zyx, np.uint8)
        stored = self.label
        if stored is not None:
            label[inside] = stored[source]
        return image, label


def write_case(
    folder: Path, case: Case, images: Mapping[str, NDArray[Any]], label: NDArray[np.uint8], truth: NDArray[np.uint8]
) -> None:
    """Writes a case's files into an existing empty folder, ``case.json`` last.

    Args:
        folder: where to write; ``case.folder`` is not looked at.
        case: what goes into ``case.json``.
        images: modality to (Z, Y, X).
        label: (Z, Y, X) on ``case.grid``.
        truth: (Z, Y, X) on ``case.image_grid``.
    """
    for name in case.modalities:
        _save(folder / f"{name}.npy", images[name])
    if any(case.annotated):
        _save(folder / "label.npy", label)
        crop, start = tight_crop(truth)
        np.savez_compressed(folder / "truth.npz", crop=crop, start_zyx=start)
    (folder / CASE_FILE).write_text(json.dumps(_plain(case), indent=1))


def _copy_as_float(source: NDArray[Any], target: NDArray[np.float32]) -> None:
    """``target[...] = source``; numpy takes 3.8 ms to convert 96^3 of float16, torch 0.3 ms."""
    if source.dtype != np.float16:
        target[...] = source
        return
    import torch  # here and not above: the processes that prepare cases need no torch

    torch.from_numpy(target).copy_(torch.from_numpy(np.array(source)))


def _save(path: Path, array: NDArray[Any]) -> None:
    """As np.save, which on a full disk raises an error without its cause; on the disk when this returns."""
    array = np.ascontiguousarray(array)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data)
        file.flush()
        os.fsync(file.fileno())


@lru_cache(maxsize=OPEN_MAPS)
def _map(path: Path, key: str) -> NDArray[Any]:  # noqa: ARG001
    # the key is there so that a case that was prepared anew is mapped anew
    return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]


def _plain(case: Case) -> dict[str, Any]:
    who = ("case_id", "patient", "centre", "part", "phantom")
    names = (*who, "modalities", "label_names", "annotated", "notes", "key")
    return {
        **{name: getattr(case, name) for name in names},
        "sources": dict(case.sources),
        "grid": case.grid.to_dict(),
        "image_grid": case.image_grid.to_dict(),
        "box": {"low_mm": case.box.low_mm, "high_mm": case.box.high_mm, "source": case.box.source},
    }


def _overlap(
    start: tuple[int, int, int], shape: tuple[int, int, int], whole: tuple[int, int, int]
) -> tuple[list[int], list[int], tuple[slice, slice, slice]]:
    """First and last (exclusive) voxel that a crop shares with the whole, and where they lie in the crop."""
    low = [min(max(s, 0), n) for s, n in zip(start, whole, strict=True)]
    high = [max(min(s + size, n), lo) for s, size, n, lo in zip(start, shape, whole, low, strict=True)]
    z, y, x = (
        slice(min(lo - s, size), min(lo - s, size) + hi - lo)
        for lo, hi, s, size in zip(low, high, start, shape, strict=True)
    )
    return low, high, (z, y, x)
