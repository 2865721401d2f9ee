"""Cleaning steps: connected pieces and holes of each structure of a label map."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg.geometry.components import component_volumes_mm3, label_components, largest_component
from hnseg.geometry.crop import bounding_slices
from hnseg.labels import LabelSet

LabelMap = NDArray[np.uint8]
SpacingMm = tuple[float, float, float]


@dataclass(frozen=True)
class KeepLargest:
    """Keeps the piece with most voxels of each structure, the first in scan order among equals; the rest is background.

    Voxels that share a face, an edge or a corner are one piece. Right for an organ or a single tumour; lymph nodes
    (GTVn) are many, so leave them out with ``structures``.

    Args:
        structures: names of those that it changes; None: all.
    """

    structures: Sequence[str] | None = None

    def clean(self, mask: LabelMap, spacing_mm: SpacingMm, labels: LabelSet) -> LabelMap:  # noqa: ARG002
        cleaned = mask.copy()
        for _, inside in chosen(self.structures, mask, labels, "keep_largest"):
            cleaned[inside & ~largest_component(inside)] = 0
        return cleaned


@dataclass(frozen=True)
class DropSmall:
    """Turns pieces of less than ``min_volume_mm3`` into background; a piece of exactly that volume stays.

    Voxels that share a face, an edge or a corner are one piece.

    Args:
        min_volume_mm3: of voxels, edges included; 0 or more.
        structures: names of those that it changes; None: all.

    Raises:
        ValueError: a volume that is negative or no number.
    """

    min_volume_mm3: float
    structures: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.min_volume_mm3) and self.min_volume_mm3 >= 0):
            raise ValueError(f"min_volume_mm3 is {self.min_volume_mm3}; give a volume in mm3, 0 or more")

    def clean(self, mask: LabelMap, spacing_mm: SpacingMm, labels: LabelSet) -> LabelMap:
        cleaned = mask.copy()
        for _, inside in chosen(self.structures, mask, labels, "drop_small"):
            pieces, count = label_components(inside)
            volumes_mm3 = component_volumes_mm3(pieces, count, math.prod(spacing_mm))
            # products of spacings are off by an ulp, and a piece of exactly the volume must not fall to that
            small = volumes_mm3 < self.min_volume_mm3 * (1 - 1e-9)
            cleaned[np.concatenate([[False], small])[pieces]] = 0
        return cleaned


@dataclass(frozen=True)
class FillHoles:
    """Gives background that a structure encloses to this structure; what is outlined as another structure stays.

    A hole is background from which no path over voxel faces leads past the structure out of the image. Along an axis of
    one voxel there is no outside, so that a single slice is treated in 2-D.

    Args:
        structures: names of those that it changes; None: all.
    """

    structures: Sequence[str] | None = None

    def clean(self, mask: LabelMap, spacing_mm: SpacingMm, labels: LabelSet) -> LabelMap:  # noqa: ARG002
        cleaned = mask.copy()
        flat = tuple(axis for axis, size in enumerate(mask.shape) if size == 1)
        for value, inside in chosen(self.structures, mask, labels, "fill_holes"):
            window = bounding_slices(inside)
            assert window is not None
            # every hole lies between voxels of the structure, so its bounding box holds all of them
            filled = ndimage.binary_fill_holes(inside[window].squeeze(flat))
            cleaned[window][np.expand_dims(filled, flat) & (mask[window] == 0)] = value
        return cleaned


def chosen(
    structures: Sequence[str] | None, mask: LabelMap, labels: LabelSet, step: str
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """(value, where it is) of each chosen structure that is in the mask at all."""
    named = [structures] if isinstance(structures, str) else structures
    unknown = [name for name in named or () if name not in labels.names]
    if unknown:
        raise ValueError(f"{step}.structures names {unknown}, but the network outlines {list(labels.names)}")
    for value, name in enumerate(labels.names, start=1):
        if named is None or name in named:
            inside = mask == value
            if inside.any():
                yield value, inside
