"""Cases and an answer to clicks that can be worked out by hand."""

import numpy as np
import torch

from hnseg.clicks import ClickChannels, PointEncoding
from hnseg.labels import LabelSet
from hnseg.prepare.case import Case, write_case
from hnseg.types import BoxMm, Grid

SPACING_MM = (4.0, 2.0, 2.0)
VOXEL_ML = 0.016


def make_case(folder, label, *, name="P1", modalities=("ct", "pt"), names=("GTVp",), annotated=None, hot=(), pet=None):
    """A prepared case of a label map; ``hot`` voxels of its PET have SUV 9, all others 1."""
    label = np.asarray(label, np.uint8)
    grid = Grid(label.shape, SPACING_MM)
    suv = np.ones(label.shape, np.float16) if pet is None else np.asarray(pet, np.float16)
    for voxel in hot:
        suv[voxel] = 9
    images = {"ct": np.zeros(label.shape, np.int16), "pt": suv}
    case = Case(
        folder, name, "X", "test", modalities, names, annotated or (True,) * len(names), grid, grid,
        BoxMm((0, 0, 0), (1, 1, 1)), True, (), {}, str(folder),
    )  # fmt: skip
    folder.mkdir(parents=True)
    write_case(folder, case, {modality: images[modality] for modality in modalities}, label, label)
    return Case.open(folder)


def brushed(shape, at):
    """Where a click at a voxel, or at the nearest one, paints: it and the next 2 voxels in the slice."""
    z, y, x = (np.rint(value).astype(int) for value in at)
    rows, columns = np.ogrid[: shape[1], : shape[2]]
    mask = np.zeros(shape, bool)
    mask[z] = (rows - y) ** 2 + (columns - x) ** 2 <= 4
    return mask


class Painter:
    """Outlines a disk round each positive click and takes one away round each negative one; ``always`` is there first.

    Remembers which clicks it saw, a tuple (shape, [(index, value)]) a call.
    """

    threshold = 0.5

    def __init__(self, names=("GTVp",), always=()):
        self.labels, self.always, self.seen = LabelSet(tuple(names)), always, []

    def predict_prepared(self, image, progress=None, clicks=None):
        shape = tuple(image.shape[1:])
        made = list(zip(clicks.index.tolist(), clicks.values.tolist(), strict=True))
        self.seen.append((shape, made))
        found = np.zeros((len(self.labels.names), *shape), np.float32)
        for at in self.always:
            found[0][brushed(shape, at)] = 1
        for index, value in made:
            if value:
                found[value - 1][brushed(shape, index)] = 1
        for index, value in made:
            if not value:
                found[:, brushed(shape, index)] = 0
        return torch.from_numpy(found)


def channels(dims=3, structures=1, negatives=1):
    return ClickChannels(PointEncoding(), structures, negatives, structures + negatives, dims, "robot", 5)


def disks(shape, *places, value=1):
    label = np.zeros(shape, np.uint8)
    for place in places:
        label[brushed(shape, place)] = value
    return label
