"""Prepared PET cases of 16 x 16 pixels, whose slices are known."""

from pathlib import Path

import numpy as np

from hnseg.prepare import Case
from hnseg.prepare.case import write_case
from hnseg.types import BoxMm, Grid

GRID = Grid((4, 16, 16), (4.0, 2.0, 2.5))  # voxels of 20 mm3
BIG, SMALL, SPECK = np.s_[2:6, 2:6], np.s_[10:13, 10:12], np.s_[0:1, 9:14]  # 16, 6 and 5 pixels


def write_slices(folder: Path, name: str, truth: list[tuple], hot: list[tuple] = ()) -> Case:
    """A case with the structures of ``truth``, (slice, place) each, where PET is 6, and heat without one at ``hot``."""
    label, pet = np.zeros(GRID.shape_zyx, np.uint8), np.full(GRID.shape_zyx, 0.5, np.float16)
    for z, place in truth:
        label[(z, *place)] = 1
    for z, place in (*truth, *hot):
        pet[(z, *place)] = 6.0
    facts = {"centre": "", "part": "train", "modalities": ("pt",), "label_names": ("GTV",), "notes": ()}
    facts |= {"annotated": (True,), "grid": GRID, "image_grid": GRID, "box": BoxMm((0, 0, 0), (40, 32, 16))}
    case = Case(folder=folder / name, case_id=name, phantom=True, sources={}, key=name, **facts)
    case.folder.mkdir(parents=True)
    write_case(case.folder, case, {"pt": pet}, label, label)
    return case
