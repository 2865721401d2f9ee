"""Rigid transforms between frames of reference: checked, turned round, chained, applied to a grid."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hnseg.io.dicom.objects import RefusedDicomError, Registration
from hnseg.types import Grid

RIGID_TOLERANCE = 1e-3
"""How far the columns of a rotation may be from unit vectors at right angles: 0.5 mm over 500 mm, and a hundred times
what decimal strings of 16 characters leave."""

SAME_TOLERANCE_MM = 0.1
"""Two transforms that take every corner of a head (:data:`_REACH_MM`) to places nearer than this are the same."""

_REACH_MM = 250.0
_CORNERS_MM = np.array(np.meshgrid(*[(-_REACH_MM, _REACH_MM)] * 3)).reshape(3, -1)


def rigid_matrix(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """(4, 4) with the rotation that is nearest to the upper left part of ``matrix``.

    Raises:
        RefusedDicomError: ``not_rigid``: scaled, sheared or mirrored, or not a transform of points.
    """
    rotation = matrix[:3, :3]
    finite = bool(np.isfinite(matrix).all())
    off = float(np.abs(rotation.T @ rotation - np.eye(3)).max()) if finite else np.inf
    if off > RIGID_TOLERANCE or np.linalg.det(rotation) < 0 or np.abs(matrix[3] - (0, 0, 0, 1)).max() > 1e-6:
        raise RefusedDicomError(
            "not_rigid",
            "Frame of Reference Transformation Matrix (3006,00C6) is not a rotation and a translation; only rigid "
            "registrations are applied.",
        )
    left, _, right = np.linalg.svd(rotation)
    result = matrix.copy()
    # Rounding alone is left as it is, so that an identity stays one.
    result[:3, :3] = rotation if off < 1e-12 else left @ right
    result[3] = (0, 0, 0, 1)
    return result


def inverse(registration: Registration) -> Registration:
    """The way back."""
    matrix = np.array(registration.matrix)
    back = np.eye(4)
    back[:3, :3] = matrix[:3, :3].T
    back[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
    return _registration(registration.target_uid, registration.source_uid, back)


def path_between(source_uid: str, target_uid: str, registrations: Sequence[Registration]) -> Registration | None:
    """The transform from one frame of reference to another, over as few registrations as possible, either way round.

    Returns:
        The identity for one and the same frame; None where nothing connects them, or one has no UID.

    Raises:
        RefusedDicomError: ``several_registrations``: equally short ways lead to different places.
    """
    if not source_uid or not target_uid:
        return None
    leaving: dict[str, list[Registration]] = {}
    for step in [*registrations, *(inverse(registration) for registration in registrations)]:
        leaving.setdefault(step.source_uid, []).append(step)
    ways: dict[str, list[NDArray[np.float64]]] = {source_uid: [np.eye(4)]}
    newest = ways
    while newest and target_uid not in ways:
        reached: dict[str, list[NDArray[np.float64]]] = {}
        for frame_uid in newest:
            for step in leaving.get(frame_uid, []):
                if step.target_uid not in ways:
                    for way in newest[frame_uid]:
                        _keep(reached.setdefault(step.target_uid, []), np.array(step.matrix) @ way)
        ways.update(reached)
        newest = reached
    if target_uid not in ways:
        return None
    if len(ways[target_uid]) > 1:
        raise RefusedDicomError(
            "several_registrations",
            f"registrations between the two frames of reference disagree by more than {SAME_TOLERANCE_MM:g} mm; leave "
            "only the one that counts.",
        )
    return _registration(source_uid, target_uid, ways[target_uid][0])


def move_grid(grid: Grid, registration: Registration) -> Grid:
    """The grid of an image of the source frame as it lies in the target frame; its voxels are not touched."""
    matrix = np.array(registration.matrix)
    origin_mm = matrix[:3, :3] @ np.asarray(grid.origin_mm) + matrix[:3, 3]
    return Grid(
        grid.shape_zyx,
        grid.spacing_mm,
        tuple(float(v) for v in origin_mm),  # type: ignore[arg-type]
        matrix[:3, :3] @ grid.direction,
    )


def same_transform(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether two (4, 4) transforms take a head at the origin to the same place."""
    return _apart_mm(a, b) <= SAME_TOLERANCE_MM


def _apart_mm(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    moved_mm = (a - b)[:3, :3] @ _CORNERS_MM + (a - b)[:3, 3:]
    return float(np.abs(moved_mm).max())


def _keep(known: list[NDArray[np.float64]], matrix: NDArray[np.float64]) -> None:
    """Keep the first way to a frame and the one most unlike it.

    That is enough to say that ways disagree; all of them would double with every frame on the way.
    """
    if not known:
        known.append(matrix)
    elif _apart_mm(matrix, known[0]) > max(SAME_TOLERANCE_MM, _apart_mm(known[-1], known[0])):
        known[1:] = [matrix]


def _registration(source_uid: str, target_uid: str, matrix: NDArray[np.float64]) -> Registration:
    return Registration(source_uid, target_uid, tuple(tuple(float(v) for v in row) for row in matrix))
