"""Masks out of label maps: where each label lies, found in one pass, so that no organ needs the whole scan again."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from hnseg.geometry.crop import bounding_slices

Box = tuple[slice, ...]


def label_boxes(array: NDArray[Any], n_labels: int, what: str) -> list[Box | None]:
    """The tightest box (Z, Y, X) around each of the labels 1 to ``n_labels``; None where there are no voxels of it.

    Args:
        array: a label map, of whole numbers in any type.
        n_labels: how many labels have a name.
        what: the label map, for the message.

    Raises:
        ValueError: it holds another value: a mask of 0 and 255 must not pass for an empty one.
    """
    occupied = bounding_slices(array)
    if occupied is None:
        return [None] * n_labels
    labels = array[occupied]
    _refuse_strange(labels, n_labels, what)
    # a type that holds all values, and that scipy takes: uint8 as it is, without a copy
    found = find_objects(labels if labels.dtype == np.uint8 else labels.astype(np.int32), n_labels)
    starts = tuple(side.start for side in occupied)
    return [None if box is None else _moved(box, starts) for box in found]


def label_pair(
    prediction: NDArray[Any], truth: NDArray[Any], value: int, boxes: tuple[Box | None, Box | None]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Both masks of one label, cut to the box that holds the two; without voxels where neither map has it."""
    known = [box for box in boxes if box is not None]
    union = tuple(slice(min(s.start for s in sides), max(s.stop for s in sides)) for sides in zip(*known, strict=True))
    union = union or (slice(0, 0),) * truth.ndim
    return prediction[union] == value, truth[union] == value


def _refuse_strange(labels: NDArray[Any], n_labels: int, what: str) -> None:
    low, high = labels.min(), labels.max()
    whole = labels.dtype.kind in "biu" or bool((labels == np.rint(labels)).all())
    if whole and low >= 0 and high <= n_labels:
        return
    values = np.unique(labels)
    strange = [float(value) for value in values if value not in range(n_labels + 1)]
    raise ValueError(
        f"the {what} holds the values {strange[:5]}, but {n_labels} label names allow only the whole numbers "
        f"0 to {n_labels}; name every label, or write the mask anew"
    )


def _moved(box: Box, by: tuple[int, ...]) -> Box:
    return tuple(slice(side.start + start, side.stop + start) for side, start in zip(box, by, strict=True))
