"""Exact Euclidean distances on the device where the tensors are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

Box = tuple[tuple[int, int], ...]
"""First place and length along each axis."""

_kept: ContextVar[list[tuple[Tensor, object, Tensor]] | None] = ContextVar("kept", default=None)


@contextmanager
def distances_kept() -> Iterator[None]:
    """Within it, what :func:`once` made of a tensor is handed out again: no target of a step is measured twice."""
    token = _kept.set([])
    try:
        yield
    finally:
        _kept.reset(token)


def once(target: Tensor, kind: object, make: Callable[[], Tensor]) -> Tensor:
    """What ``make`` gives; within :func:`distances_kept` it is asked once for each ``target`` and ``kind``."""
    kept = _kept.get()
    if kept is None:
        return make()
    for known, its_kind, made in kept:
        if known is target and its_kind == kind:
            return made
    kept.append((target, kind, make()))
    return kept[-1][-1]


def signed_distance(mask: Tensor, spacing: Sequence[float]) -> Tensor:
    """How far each voxel's centre is from the nearest one on the other side, negative inside the mask.

    float32, because distances in a mask's own uint8 lose their fractions and turn -1 into 255. In torch and not by
    scipy, because a step on a GPU should not wait for a transform on the CPU. Exact and axis by axis (Felzenszwalb,
    Huttenlocher 2012, doi:10.4086/toc.2012.v008a019), but only the tight box of a mask is searched for its nearest
    voxel, which makes small structures in large images cheap.

    Args:
        mask: (K, *s) bool, K masks.
        spacing: size of a voxel along each of the axes s.

    Returns:
        (K, *s) in the spacing's unit; 0 all over a mask that is empty or full, for there is no other side.
    """
    away = torch.zeros(mask.shape, device=mask.device)
    boxes, full = _tight_boxes(mask), mask.flatten(1).all(dim=1).tolist()
    for one, found, box, whole in zip(mask, away, boxes, full, strict=True):
        if box is None or whole:
            continue
        wide = _wider(box, one.shape)
        outside = _squared_distance(one, box, spacing)
        inside = _squared_distance(~_cut(one, wide), tuple((0, length) for _, length in wide), spacing)
        found.copy_(outside.sqrt_())
        _cut(found, wide).sub_(inside.sqrt_())
    return away


def _tight_boxes(mask: Tensor) -> list[Box | None]:
    """The smallest box around each of the masks (K, *s), None around an empty one."""
    sides: list[list[tuple[int, int]]] = []
    for axis in range(1, mask.ndim):
        there = mask.movedim(axis, 1).reshape(len(mask), mask.shape[axis], -1).any(dim=2).to(torch.uint8)
        first, last = there.argmax(dim=1), there.shape[1] - 1 - there.flip(1).argmax(dim=1)
        sides.append(list(zip(first.tolist(), (last - first + 1).tolist(), strict=True)))
    present = mask.flatten(1).any(dim=1).tolist()
    return [tuple(side[k] for side in sides) if there else None for k, there in enumerate(present)]


def _wider(box: Box, shape: Sequence[int]) -> Box:
    """One voxel more on each side that is not the image's: beyond it no voxel of the other side can be nearer."""
    ends = [
        (max(first - 1, 0), min(first + length + 1, whole)) for (first, length), whole in zip(box, shape, strict=True)
    ]
    return tuple((start, stop - start) for start, stop in ends)


def _cut(tensor: Tensor, box: Box) -> Tensor:
    return tensor[tuple(slice(first, first + length) for first, length in box)]


def _squared_distance(mask: Tensor, box: Box, spacing: Sequence[float]) -> Tensor:
    """Squared distance of every voxel (*s) to the nearest one of ``mask``, all of which lie in ``box``.

    The box's longest side comes first, as it takes no search, and its shortest last, where the whole image is searched.
    """
    axes = sorted(range(mask.ndim), key=lambda axis: -box[axis][1])
    first = axes[0]
    searched = tuple(box[axis] if axis != first else (0, mask.shape[axis]) for axis in range(mask.ndim))
    squared = _along(_cut(mask, searched), first).mul_(spacing[first]).square_()
    for axis in axes[1:]:
        squared = _lowest(squared, axis, box[axis][0], mask.shape[axis], spacing[axis])
    return squared


def _along(mask: Tensor, axis: int) -> Tensor:
    """Voxels from each one to the nearest of the mask before or behind it along ``axis``; inf where there is none."""
    place = torch.arange(mask.shape[axis], dtype=torch.float32, device=mask.device)
    place = place.reshape([-1 if other == axis else 1 for other in range(mask.ndim)])
    before = torch.where(mask, place, -math.inf).cummax(dim=axis).values
    behind = torch.where(mask, place, math.inf).flip(axis).cummin(dim=axis).values.flip(axis)
    return torch.minimum(place - before, behind - place)


def _lowest(squared: Tensor, axis: int, start: int, length: int, size: float) -> Tensor:
    """For ``length`` places along ``axis`` the least sum of a value and its squared way; values begin at ``start``."""
    shape = [length if other == axis else side for other, side in enumerate(squared.shape)]
    lowest = torch.full(shape, math.inf, device=squared.device)
    place = torch.arange(length, dtype=torch.float32, device=squared.device)
    for number, values in enumerate(squared.unbind(axis)):
        way = ((place - (start + number)) * size).square_()
        way = way.reshape([-1 if other == axis else 1 for other in range(squared.ndim)])
        torch.minimum(lowest, values.unsqueeze(axis) + way, out=lowest)
    return lowest
