"""Which drawings are taken under which name; the readers of RTSTRUCT and SEG have tests of their own."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from hnseg.intake import structures
from hnseg.intake.plan import CasePlan
from hnseg.intake.structures import Drawings, Structure, read_drawings, taken
from hnseg.io.dicom.objects import FileHeader, Limits, PatientTags, RefusedDicomError, Registration, Roi
from hnseg.io.dicom.registration import inverse, move_grid
from hnseg.io.dicom.stack import stack
from hnseg.types import Grid
from tests.io.dicom.making import PATIENT, make_headers

GRID = Grid((5, 12, 12), (3.0, 1.0, 1.0))
CT = stack(make_headers(GRID, series_uid="2.1", frame_uid="1.1"))
Contours = dict[str, tuple[np.ndarray, ...]]


def square(low: float, high: float, z: int = 2, shift_mm: float = 0.0) -> np.ndarray:
    corners = np.array([(z, y, x) for y, x in ((low, low), (low, high), (high, high), (high, low))])
    return GRID.to_lps_mm(corners) + np.array([0.0, 0.0, shift_mm])


class Files:
    """Structure sets by UID: ROI names with contours, or an error."""

    def __init__(self) -> None:
        self.rois: dict[str, Contours | RefusedDicomError] = {}
        self.frames: dict[str, str] = {}

    def add(
        self, uid: str, rois: Contours | RefusedDicomError, frame: str = "1.1", modality: str = "RTSTRUCT"
    ) -> FileHeader:
        self.rois[uid], self.frames[uid] = rois, frame
        return FileHeader(Path("x"), modality, "", uid, uid, "1", frame, "", PATIENT, references=("2.1",))

    def rtstruct(self, header: FileHeader, limits: Limits) -> tuple[Roi, ...]:
        found = self.rois[header.sop_uid]
        if isinstance(found, RefusedDicomError):
            raise found
        return tuple(Roi(n, name, self.frames[header.sop_uid], c) for n, (name, c) in enumerate(found.items()))

    def seg(self, header: FileHeader, grid: Grid, limits: Limits) -> dict[str, tuple[np.ndarray, tuple[str, ...]]]:
        found = self.rois[header.sop_uid]
        assert isinstance(found, dict)
        return {name: (np.full(grid.shape_zyx, bool(contours)), ()) for name, contours in found.items()}


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    made = Files()
    monkeypatch.setattr(structures, "read_rtstruct", made.rtstruct)
    monkeypatch.setattr(structures, "read_seg", made.seg)
    return made  # type: ignore[return-value]


def drawings(
    *objects: FileHeader,
    moves: dict[str, Registration] | None = None,
    grids: dict[str, Grid] | None = None,
    aliases: dict[str, str] | None = None,
    wanted: tuple[str, ...] = (),
) -> Drawings:
    plan = CasePlan("P1", "P1", (PATIENT,), CT, None, objects, moves or {}, grids or {})
    return read_drawings(plan, aliases or {}, wanted, Limits())


def by_name(found: Drawings) -> dict[str, object]:
    return {one.name if isinstance(one, Structure) else one[0]: one for one in taken(found)}


def test_known_names_become_masks_and_unknown_ones_are_listed(files: Files) -> None:
    rois = {"Parotis li.": (square(1.5, 5.5),), "z_ring": (square(0.5, 9.5),)}
    found = drawings(files.add("5.1", rois))
    parotid = by_name(found)["Parotid_L"]
    assert isinstance(parotid, Structure)
    assert parotid.mask.sum() == 16
    assert parotid.source == "rtstruct"
    assert [drawing.original for drawing in found.unknown] == ["z_ring"]


def test_a_name_in_a_structures_name_is_not_shown(files: Files) -> None:
    found = drawings(files.add("5.1", {"Secretname tumour 4711": (square(1.5, 5.5),)}))
    (drawing,) = found.unknown
    assert "Secret" not in drawing.original
    assert "4711" not in drawing.original


def test_lesions_of_one_set_are_one_target(files: Files) -> None:
    found = drawings(files.add("5.1", {"GTV n1": (square(1.5, 3.5),), "GTV n2": (square(6.5, 8.5),)}))
    nodes = by_name(found)["GTVn"]
    assert isinstance(nodes, Structure)
    assert nodes.mask.sum() == 8


def test_an_organ_that_was_drawn_twice_and_differently_is_not_taken(files: Files) -> None:
    found = drawings(files.add("5.1", {"Mandible": (square(1.5, 3.5),), "mandibula": (square(1.5, 4.5),)}))
    told = by_name(found)["Mandible"]
    assert isinstance(told, tuple)
    assert told[1] == "two_versions"
    assert "mandibula" in told[2]


def test_the_same_in_two_sets_is_one_and_different_is_none(files: Files) -> None:
    first = files.add("5.1", {"Mandible": (square(1.5, 3.5),), "Larynx": (square(1.5, 3.5),)})
    second = files.add("5.2", {"Mandible": (square(1.5, 3.5),), "Larynx": (square(1.5, 6.5),)})
    found = by_name(drawings(first, second))
    assert isinstance(found["Mandible"], Structure)
    assert isinstance(found["Larynx"], tuple)


def test_a_structure_without_voxels_is_told(files: Files) -> None:
    told = by_name(drawings(files.add("5.1", {"Mandible": ()})))["Mandible"]
    assert isinstance(told, tuple)
    assert told[1] == "empty"


@pytest.mark.parametrize("degrees", [0.0, 12.0])
def test_contours_of_another_frame_are_moved_by_the_registration(files: Files, degrees: float) -> None:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = ((1.0, 0.0, 0.0, 0.0), (0.0, c, -s, 0.0), (0.0, s, c, -100.0), (0.0, 0.0, 0.0, 1.0))
    move = Registration("1.2", "1.1", matrix)
    theirs = move_grid(GRID, inverse(move))  # the same slices, where the other scanner had them
    contours = tuple(theirs.to_lps_mm(GRID.to_index_zyx(square(1.5, 5.5, z))) for z in (1, 2, 3))
    item = files.add("5.1", {"Mandible": contours}, frame="1.2")
    found = by_name(drawings(item, moves={"1.2": move}, grids={"1.2": theirs}))["Mandible"]
    assert isinstance(found, Structure)
    true = np.zeros(GRID.shape_zyx, bool)
    true[1:4, 2:6, 2:6] = True
    np.testing.assert_array_equal(found.mask, true)


@pytest.mark.parametrize("modality", ["RTSTRUCT", "SEG"])
def test_another_frame_without_a_registration_is_refused(files: Files, modality: str) -> None:
    found = drawings(files.add("5.1", {"Mandible": (square(1.5, 3.5),)}, "1.9", modality))
    assert [error.reason for _, error in found.refused] == ["other_frame"]
    assert not found.known


def test_one_unreadable_set_does_not_stop_the_others(files: Files) -> None:
    bad = files.add("5.1", RefusedDicomError("truncated", "it is cut short"))
    found = drawings(bad, files.add("5.2", {"Mandible": (square(1.5, 3.5),)}))
    assert [error.reason for _, error in found.refused] == ["truncated"]
    assert list(found.known) == ["Mandible"]


def test_segmentations_are_structures_too(files: Files) -> None:
    found = by_name(drawings(files.add("5.1", {"Spinal Cord": (square(1.5, 3.5),)}, modality="SEG")))["SpinalCord"]
    assert isinstance(found, Structure)
    assert found.source == "seg"


def test_aliases_and_a_list_of_what_is_wanted(files: Files) -> None:
    item = files.add("5.1", {"tronc neu": (square(1.5, 3.5),), "Mandible": (square(1.5, 3.5),)})
    found = drawings(item, aliases={"tronc neu": "BrainStem"}, wanted=("BrainStem",))
    assert list(found.known) == ["BrainStem"]
    assert not found.unknown


def test_a_set_without_a_frame_that_refers_to_the_ct_lies_in_its_frame(files: Files) -> None:
    assert list(drawings(files.add("5.1", {"Mandible": (square(1.5, 3.5),)}, frame="")).known) == ["Mandible"]


def test_the_patients_tags_stay_out_of_what_is_shown() -> None:
    plan = CasePlan("P1", "P1", (PatientTags("SECRET", "Secretname"),), CT, None)
    assert "SECRET" not in repr(plan)
