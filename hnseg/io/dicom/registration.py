"""Spatial Registration objects in, and what is done with them; see also :mod:`hnseg.io.dicom.rigid`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.io.dicom.isolated import run_isolated
from hnseg.io.dicom.objects import FileHeader, Limits, RefusedDicomError, Registration
from hnseg.io.dicom.rigid import inverse, move_grid, path_between, rigid_matrix, same_transform

__all__ = ["inverse", "move_grid", "path_between", "read_registrations", "registration_task"]

SPATIAL_REGISTRATION = "1.2.840.10008.5.1.4.1.1.66.1"

_LIMITS = Limits()


def read_registrations(header: FileHeader, limits: Limits = _LIMITS) -> tuple[Registration, ...]:
    """The rigid transforms of a Spatial Registration object, read in a child process.

    Each takes a point of the frame of reference that an item of the Registration Sequence names to the registered
    frame, which is that of the object itself (PS3.3 C.20.2.1.1). Items that name no frame but only images, or the
    registered frame itself, connect nothing and are left out.

    Raises:
        RefusedDicomError: ``not_rigid``, ``no_registration`` (another kind of object, nothing in it, or a missing tag),
            ``matrix_order``; and those of the child process.
    """
    with tempfile.TemporaryDirectory(prefix="hnseg-reg-") as folder:
        arguments = {"path": str(header.path), "file_mib": limits.file_mib}
        found = run_isolated("registration", arguments, Path(folder), limits)["registrations"]
    return tuple(
        Registration(source_uid, target_uid, tuple(tuple(float(v) for v in row) for row in matrix))
        for source_uid, target_uid, matrix in found
    )


def registration_task(arguments: dict[str, Any]) -> dict[str, Any]:
    """What the child does: ``path`` and ``file_mib`` to a list of (source UID, target UID, matrix as lists)."""
    from hnseg.io.dicom.opening import read_whole  # it loads pydicom, which the parent can do without

    return {"registrations": registrations_of(read_whole(Path(arguments["path"]), arguments["file_mib"]))}


def registrations_of(dataset: Any) -> list[tuple[str, str, list[list[float]]]]:
    """The transforms of a data set as :func:`registration_task` returns them; raises as :func:`read_registrations`."""
    if dataset.get("SOPClassUID") != SPATIAL_REGISTRATION:
        reason = "not_rigid" if "DeformableRegistrationSequence" in dataset else "no_registration"
        raise RefusedDicomError(
            reason, "it is not a Spatial Registration object; only rigid registrations are applied."
        )
    target_uid = str(dataset.get("FrameOfReferenceUID", "") or "")
    items = dataset.get("RegistrationSequence") or ()
    if not target_uid or not items:
        tag = "Registration Sequence (0070,0308)" if target_uid else "Frame of Reference UID (0020,0052)"
        raise RefusedDicomError("no_registration", f"the registration object has no {tag}.")
    found = []
    for item in items:
        matrix = _product([_matrix(part) for part in _matrix_items(item)])
        source_uid = str(item.get("FrameOfReferenceUID", "") or "")
        if source_uid and source_uid != target_uid:
            found.append((source_uid, target_uid, matrix.tolist()))
    return found


def _matrix_items(item: Any) -> Sequence[Any]:
    registered: Any = item.get("MatrixRegistrationSequence") or ()
    parts: Any = registered[0].get("MatrixSequence") if len(registered) == 1 else None
    if not parts:
        raise RefusedDicomError(
            "no_registration",
            "an item of Registration Sequence (0070,0308) has not one Matrix Registration Sequence (0070,0309) with a "
            "Matrix Sequence (0070,030A).",
        )
    return list(parts)


def _matrix(part: Any) -> NDArray[np.float64]:
    try:
        values = [float(v) for v in part.get("FrameOfReferenceTransformationMatrix") or ()]
    except (TypeError, ValueError):
        values = []
    if len(values) != 16:
        raise RefusedDicomError(
            "no_registration", "Frame of Reference Transformation Matrix (3006,00C6) is missing or not 16 numbers."
        )
    return rigid_matrix(np.array(values).reshape(4, 4))


def _product(matrices: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """All of them, where their order makes no difference (one alone, or all but one the identity, as is usual).

    PS3.3 (0070,030A) calls the order of items that of the multiplication, which can be read from either end; what comes
    out the same from both is taken.
    """
    forth, back = np.eye(4), np.eye(4)
    for matrix in matrices:
        forth, back = forth @ matrix, matrix @ back
    if not same_transform(forth, back):
        raise RefusedDicomError(
            "matrix_order",
            f"Matrix Sequence (0070,030A) has {len(matrices)} transforms that give another result in the other "
            "order, and either can be meant. Export the registration as one matrix.",
        )
    return forth
