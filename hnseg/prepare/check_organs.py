"""What looks odd about masks and landmarks: sides, ends of the scan, frames, and how many are there at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry import box_contains, image_box, tight_crop
from hnseg.io.landmarks import Landmark, read_landmarks
from hnseg.io.volume import read_grid
from hnseg.prepare.axial import axial_grid
from hnseg.prepare.findings import Finding, Say
from hnseg.prepare.pddca import landmark_files
from hnseg.sides import SIDE, mirrored_name, sided
from hnseg.types import BoxMm, Grid, Study, Volume


def check_organs(study: Study, masks: Mapping[str, Volume], image_grid: Grid, say: Say) -> None:
    """Says which paired organs have changed sides, and which organs the first or last slice of the image cuts."""
    positions = {name: _positions_mm(mask) for name, mask in masks.items()}
    positions = {name: points for name, points in positions.items() if len(points)}
    for left in (name for name in sided(positions) if SIDE.search(name)[0].lower().startswith("l")):  # type: ignore[index]
        right = mirrored_name(left)
        if right in positions:
            by_mm = float(positions[left][:, 0].mean() - positions[right][:, 0].mean())
            if by_mm < 0:
                message = f"{left} lies {-by_mm:.0f} mm to the patient's right of {right}"
                remedy = "exchange the two masks, or correct the direction in the files' headers"
                say("warning", study.masks[left][0], message, remedy)
    cut = [name for name, points in positions.items() if _at_end(points, image_grid)]
    if cut:
        message = f"the first or last slice of the image cuts {', '.join(cut)}"
        say("warning", next(iter(study.images.values())), message, "its volume and distances are those of a part")


def check_landmarks(study: Study, say: Say) -> None:
    """Says which landmarks beside a CT lie outside it or lack a coordinate; most data sets have none."""
    if "ct" not in study.images:
        return
    for path in landmark_files(study):
        try:
            landmarks = read_landmarks(path)
        except ValueError as error:
            say("warning", "", str(error), "the landmarks are not used until then")
            continue
        bare = [landmark.name for landmark in landmarks if landmark.position_lps_mm is None]
        if bare:
            say("warning", path, f"{', '.join(bare)} lack a coordinate", "complete the list, or take them out")
        box = image_box(read_grid(study.images["ct"]))
        outside = [landmark for landmark in landmarks if not _inside(landmark, box, 1)]
        if outside:
            names = ", ".join(landmark.name for landmark in outside)
            turned = all(_inside(landmark, box, -1) for landmark in outside)
            hint = "; as the other of RAS and LPS they would lie in it" if turned else ""
            message = f"{len(outside)} of {len(landmarks)} landmarks ({names}) lie outside the CT{hint}"
            say("warning", path, message, "check the CoordinateSystem in its header and that it is of this scan")


def count_annotated(studies: Sequence[tuple[Study, frozenset[str]]], label_names: Sequence[str]) -> Iterator[Finding]:
    """How many patients have each structure annotated, where it is not all of them; a warning for one without any.

    Args:
        studies: with the structures that could be read; test patients without masks do not count.
        label_names: structures wanted.
    """
    counted = [annotated for study, annotated in studies if study.part != "test" or annotated]
    counts = {name: sum(name in annotated for annotated in counted) for name in label_names}
    never = [name for name, count in counts.items() if count == 0]
    if counted and never:
        message = f"nobody annotated {', '.join(never)} in any of {len(counted)} patients"
        remedy = "name other spellings among the aliases, or take the structures out of label_names"
        yield Finding("", "warning", "", message, remedy)
    if any(0 < count < len(counted) for count in counts.values()):
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        message = f"annotated in so many of {len(counted)} patients: {listed}"
        yield Finding("", "note", "", message, "a structure that is not annotated takes no part in that patient's loss")


def _positions_mm(mask: Volume) -> NDArray[np.float64]:
    """(n, 3) LPS centres of a mask's voxels."""
    crop, start = tight_crop(mask.array)
    return mask.grid.to_lps_mm(np.argwhere(crop) + np.asarray(start))


def _at_end(points_mm: NDArray[np.float64], image_grid: Grid) -> bool:
    """Whether points lie in the lowest or highest slice of an image, or beyond."""
    grid = axial_grid(image_grid)
    slices = np.rint(grid.to_index_zyx(points_mm)[:, 0])
    return bool((slices <= 0).any() or (slices >= grid.shape_zyx[0] - 1).any())


def _inside(landmark: Landmark, box: BoxMm, sign: int) -> bool:
    """Whether a landmark lies in a box, its x and y taken with ``sign``; one without a position does."""
    if landmark.position_lps_mm is None:
        return True
    return bool(box_contains(box, np.multiply(landmark.position_lps_mm, (sign, sign, 1))))
