"""Contours in the data set of an RT Structure Set. Source: DICOM PS3.3, C.8.8.6. Only for the child process."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from hnseg.io.dicom.objects import RefusedDicomError
from hnseg.io.dicom.values import Values

_ROI_CONTOURS = 0x3006_0039
_CONTOURS = 0x3006_0040
_TYPE = 0x3006_0042
_POINT_COUNT = 0x3006_0046
_DATA = 0x3006_0050
_REFERENCED_NUMBER = 0x3006_0084

_CLOSED, _XOR = "CLOSED_PLANAR", "CLOSEDPLANAR_XOR"
_NO_AREA = {"POINT", "OPEN_PLANAR", "OPEN_NONPLANAR"}
# contours of an exclusive-or group that lie closer belong to one plane; as written, in mm
_PLANE_MM = 0.05
# a contour costs more than its points: how many points it counts as, at least
_POINTS_A_CONTOUR = 10

_TEXTS = {
    "no_area": "{n} contours are points or open lines (ContourGeometricType (3006,0042)): no area, not taken",
    "other": "{n} contours are of a kind that DICOM does not know (ContourGeometricType (3006,0042)): not taken",
    "untyped": "{n} contours have no ContourGeometricType (3006,0042); taken as closed",
    "damaged": "{n} contours have ContourData (3006,0050) that are no numbers, or not three a point: not taken",
    "short": "{n} contours have fewer than 3 points: no area, not taken",
    "counted": "{n} contours have not as many points as NumberOfContourPoints (3006,0046) says; taken as they are",
    "exclusive": "{n} contours are of the kind CLOSEDPLANAR_XOR: combined by exclusive or within their planes",
}


@dataclass
class Contours:
    """What one structure has.

    Attributes:
        points_mm: closed contours, (n, 3) LPS mm each.
        counts: what was found, a key of the sentences above.
    """

    points_mm: list[NDArray[np.float64]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def notes(self) -> list[str]:
        return [text.format(n=self.counts[kind]) for kind, text in _TEXTS.items() if self.counts[kind]]


def read_contours(dataset: Any, limit: int) -> dict[int, Contours]:
    """Contours by ROI Number, those of several items for one structure together.

    Raises:
        RefusedDicomError: ``too_large`` for more than ``limit`` points; ``damaged``: contours of no structure.
    """
    found: dict[int, Contours] = {}
    budget = limit
    for roi in _items(dataset, _ROI_CONTOURS):
        number = Values(roi).integer(_REFERENCED_NUMBER)
        if number is None:
            raise RefusedDicomError(
                "damaged", "contours have no ReferencedROINumber (3006,0084); export the file again"
            )
        contours = found.setdefault(number, Contours())
        exclusive: list[NDArray[np.float64]] = []
        for item in _items(roi, _CONTOURS):
            data = _bytes(item)
            budget -= max((data.count(b"\\") + 1) // 3, _POINTS_A_CONTOUR)
            if budget < 0:
                message = f"it holds more than {limit} contour points (or a tenth as many contours); leave it out"
                raise RefusedDicomError("too_large", message)
            kind, points = _read_contour(Values(item), data, contours.counts)
            if points is not None:
                (exclusive if kind == _XOR else contours.points_mm).append(points)
        contours.counts["exclusive"] += len(exclusive)
        contours.points_mm += _joined(exclusive)
    return found


def _read_contour(item: Values, data: bytes, counts: Counter[str]) -> tuple[str, NDArray[np.float64] | None]:
    kind = item.text(_TYPE).upper()
    if kind not in (_CLOSED, _XOR, ""):
        counts["no_area" if kind in _NO_AREA else "other"] += 1
        return kind, None
    points = _points(data)
    if points is None:
        counts["damaged"] += 1
    elif len(points) < 3:
        counts["short"] += 1
        points = None
    else:
        counts["untyped"] += not kind
        declared = item.integer(_POINT_COUNT)
        counts["counted"] += declared is not None and declared != len(points)
    return kind, points


def _points(data: bytes) -> NDArray[np.float64] | None:
    """(n, 3) from a decimal string (PS3.5, 6.2), at once: a value at a time takes minutes for a large file."""
    written = data.strip(b" \0")
    parts = written.split(b"\\") if written else []
    try:
        numbers = np.array(parts, np.bytes_).astype(np.float64)
    except ValueError:
        return None
    if len(numbers) % 3 or not np.all(np.isfinite(numbers)):
        return None
    return numbers.reshape(-1, 3)


def _joined(contours: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """The contours of each plane as one contour, whose even-odd rule is their exclusive or.

    The ways from the first one to the others are run forth and back, so that they cancel.
    """
    if len(contours) < 2:
        return contours
    normal = _normal(max(contours, key=lambda points: float(np.ptp(points, axis=0).max())))
    heights = np.array([float(np.median(points @ normal)) for points in contours])
    order = np.argsort(heights, kind="stable")
    joined = []
    for plane in np.split(order, np.flatnonzero(np.diff(heights[order]) > _PLANE_MM) + 1):
        home = contours[plane[0]][:1]
        loops = [np.concatenate([contours[i], contours[i][:1], home]) for i in plane]
        joined.append(np.concatenate(loops))
    return joined


def _normal(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit normal of a nearly flat contour."""
    normal: NDArray[np.float64] = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][2]
    return normal


def _items(dataset: Any, tag: int) -> list[Any]:
    try:
        return [item for item in dataset[tag].value if isinstance(item, Dataset)]
    except KeyError:
        return []
    except MemoryError:
        raise
    except Exception:  # pydicom's, of many kinds
        raise RefusedDicomError("damaged", "a sequence of contours cannot be parsed; export the file again") from None


def _bytes(item: Any) -> bytes:
    """Contour Data as it is in the file."""
    try:
        content = item.get_item(_DATA).value
    except KeyError:
        return b""
    return content if isinstance(content, bytes) else b""
