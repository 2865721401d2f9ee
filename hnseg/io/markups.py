"""Point lists of 3D Slicer, ``.mrk.json`` and ``.fcsv``, as points in LPS."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hnseg.io.landmarks import read_landmarks

MARKUPS_SUFFIXES = (".mrk.json", ".fcsv")
TO_LPS = {"LPS": (1.0, 1.0, 1.0), "RAS": (-1.0, -1.0, 1.0)}


@dataclass(frozen=True)
class SlicerPoint:
    """A control point.

    Attributes:
        position_lps_mm: (x, y, z).
        label: what Slicer shows beside it.
        list_name: of the list that it is in; empty where the file has none.
        place: file and point, for messages.
    """

    position_lps_mm: tuple[float, float, float]
    label: str
    list_name: str
    place: str


def is_markups(path: Path) -> bool:
    """Whether a JSON file holds Slicer's markups.

    Raises:
        ValueError: no such file, or no JSON.
    """
    content = _json(path)
    return isinstance(content, Mapping) and "markups" in content


def read_markups(path: Path) -> list[SlicerPoint]:
    """All placed points of a file, those of all of its lists.

    ``.mrk.json`` follows Slicer's markups-schema-v1.0.3: positions in millimetres in LPS or RAS, as each list says.
    Points that Slicer holds a place for but that nobody placed are passed over. ``.fcsv`` is read by
    `hnseg.io.landmarks.read_landmarks`, and must say its CoordinateSystem.

    Raises:
        ValueError: no such file, no such content, a list of something else than points, no frame, other units, or a
            point without a position.
    """
    if path.name.lower().endswith(".fcsv"):
        return _of_fcsv(path)
    content = _json(path)
    lists = content.get("markups") if isinstance(content, Mapping) else None
    if not isinstance(lists, list) or not all(isinstance(one, Mapping) for one in lists):
        raise ValueError(f"{path}: expected markups of 3D Slicer, found no 'markups'; save the point list again")
    return [point for number, one in enumerate(lists, start=1) for point in _of_list(path, number, one)]


def _of_list(path: Path, number: int, one: Mapping[str, Any]) -> Iterator[SlicerPoint]:
    name, frame = str(one.get("name") or ""), one.get("coordinateSystem")
    place = f"{path}, list {name or number}"
    if one.get("type") != "Fiducial":
        raise ValueError(f"{place}: expected a point list (Fiducial), found {one.get('type')!r}; save points alone")
    if frame not in TO_LPS:
        raise ValueError(f"{place}: expected the coordinateSystem LPS or RAS, found {frame!r}; say which it is")
    units = one.get("coordinateUnits", "mm")
    if units != "mm" and not (isinstance(units, list) and units[:1] == ["mm"]):
        raise ValueError(f"{place}: expected coordinateUnits of mm, found {units!r}; save it again in millimetres")
    points = one.get("controlPoints") or []
    for position, point in enumerate(points if isinstance(points, list) else [None], start=1):
        here = f"{place}, point {position}"
        if not isinstance(point, Mapping):
            raise ValueError(f"{here}: expected a control point, found {point!r}; save the point list again")
        if point.get("positionStatus", "defined") == "defined":
            lps_mm = _position(point.get("position"), TO_LPS[frame], here)
            yield SlicerPoint(lps_mm, str(point.get("label") or ""), name, here)


def _position(value: Any, signs: tuple[float, float, float], place: str) -> tuple[float, float, float]:
    numbers = [v for v in value if isinstance(v, (int, float))] if isinstance(value, list) else []
    if len(numbers) != 3 or len(value) != 3 or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{place}: expected a position of three numbers, found {value!r}; place or delete the point")
    x, y, z = (sign * number for sign, number in zip(signs, numbers, strict=True))
    return x, y, z


def _of_fcsv(path: Path) -> list[SlicerPoint]:
    landmarks = read_landmarks(path)
    header = (line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.startswith("#"))
    if not any("coordinatesystem" in line.lower() for line in header):
        raise ValueError(
            f"{path}: expected a line '# CoordinateSystem = LPS' (or RAS) above the points, found none; add it, or "
            "export the list again from Slicer 4 or newer"
        )
    points = []
    for number, landmark in enumerate(landmarks, start=1):
        if landmark.position_lps_mm is None:
            raise ValueError(f"{path}, point {number}: expected a position, found none; place or delete the point")
        points.append(SlicerPoint(landmark.position_lps_mm, landmark.name, "", f"{path}, point {number}"))
    return points


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"{path}: expected a file of clicks ({error.strerror}); check the path") from error
    except ValueError as error:  # of JSON and of the encoding
        raise ValueError(f"{path}: expected JSON in UTF-8 ({error}); save it again") from error
