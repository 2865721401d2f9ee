"""Structures of an RT Structure Set as they were drawn. Source: DICOM PS3.3, C.8.8.5 and C.8.8.6."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.io.dicom.isolated import load_array, run_isolated
from hnseg.io.dicom.objects import FileHeader, Limits, RefusedDicomError, Roi
from hnseg.io.dicom.opening import read_whole
from hnseg.io.dicom.roi_contours import Contours, read_contours
from hnseg.io.dicom.values import Values

RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"

_SOP_CLASS = 0x0008_0016
_STRUCTURES = 0x3006_0020
_NUMBER = 0x3006_0022
_ROI_FRAME = 0x3006_0024
_NAME = 0x3006_0026
_FRAMES = 0x3006_0010
_FRAME = 0x0020_0052


def read_rtstruct(header: FileHeader, limits: Limits = Limits()) -> tuple[Roi, ...]:  # noqa: B008  (frozen)
    """The structures of a file, in its order; one that was never drawn has no contours. Read in a child process.

    A contour that cannot be used (open, a point, damaged) is left out and noted on its structure.

    Raises:
        RefusedDicomError: ``no_rtstruct``; ``too_large``: more points than ``limits.points``; ``double_numbers``: a
            ROI Number of two structures; and whatever reading a file in a child process raises.
    """
    arguments = {"path": str(header.path), "file_mib": limits.file_mib, "points": limits.points}
    with tempfile.TemporaryDirectory() as folder:
        found = run_isolated("rtstruct", arguments, Path(folder), limits)
        points_mm = load_array(Path(folder), "points.npy")
        lengths = load_array(Path(folder), "lengths.npy")
    contours = np.split(points_mm, np.cumsum(lengths)[:-1]) if len(lengths) else []
    rois = []
    for roi in found["rois"]:
        first, end = roi["contours"]
        frame_uid = roi["frame_uid"] or header.frame_uid
        rois.append(Roi(roi["number"], roi["name"], frame_uid, tuple(contours[first:end]), tuple(roi["notes"])))
    return tuple(rois)


def rtstruct_task(arguments: dict[str, Any]) -> dict[str, Any]:
    """Read a file; for the child process.

    Args:
        arguments: ``path``, ``file_mib``, ``points`` (limits) and ``folder``, where ``points.npy`` (n, 3) and
            ``lengths.npy`` (points of each contour) are put.

    Returns:
        ``rois``: number, name, frame_uid, notes, and the first and last contour, the last not included.
    """
    dataset = read_whole(Path(arguments["path"]), int(arguments["file_mib"]))
    values = Values(dataset)
    if values.uid(_SOP_CLASS) != RT_STRUCTURE_SET:
        raise RefusedDicomError("no_rtstruct", "its SOPClassUID (0008,0016) is not that of an RT Structure Set")
    drawn = read_contours(dataset, int(arguments["points"]))
    rois: list[dict[str, Any]] = []
    all_contours: list[NDArray[np.float64]] = []
    for number, name, frame_uid in _structures(values, drawn):
        contours = drawn.get(number, Contours())
        span = (len(all_contours), len(all_contours) + len(contours.points_mm))
        all_contours += contours.points_mm
        rois.append(
            {"number": number, "name": name, "frame_uid": frame_uid, "contours": span, "notes": contours.notes()}
        )
    folder = Path(arguments["folder"])
    np.save(folder / "points.npy", np.concatenate([np.zeros((0, 3)), *all_contours]))
    np.save(folder / "lengths.npy", np.array([len(points) for points in all_contours], np.int64))
    return {"rois": rois}


def _structures(values: Values, drawn: dict[int, Contours]) -> list[tuple[int, str, str]]:
    """Number, name and frame of reference of each structure; last, nameless, those that only have contours."""
    frames = {item.uid(_FRAME) for item in values.items(_FRAMES)}
    only_frame = frames.pop() if len(frames) == 1 else ""
    found: dict[int, tuple[int, str, str]] = {}
    for item in values.items(_STRUCTURES):
        number = item.integer(_NUMBER)
        if number is None:
            raise RefusedDicomError("damaged", "a structure has no ROINumber (3006,0022); export the file again")
        if number in found:
            message = "two structures have the same ROINumber (3006,0022), so their contours cannot be told apart"
            raise RefusedDicomError("double_numbers", f"{message}; export the file again")
        found[number] = (number, item.written(_NAME), item.uid(_ROI_FRAME) or only_frame)
    nameless = [(number, "", only_frame) for number in drawn if number not in found]
    return [*found.values(), *nameless]
