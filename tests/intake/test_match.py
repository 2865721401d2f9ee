"""Frames of reference, registrations and structure sets of one patient, all in memory."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hnseg.intake.match import Match, by_study, groups, match
from hnseg.io.dicom.objects import FileHeader, PatientTags, Registration, Series
from hnseg.io.dicom.stack import stack
from hnseg.types import Grid
from tests.io.dicom.making import make_headers

GRID = Grid((6, 8, 8), (3.0, 2.0, 2.0))
SHIFT = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 500.0), (0.0, 0.0, 0.0, 1.0))


def series(uid: str, modality: str = "ct", frame: str = "1.1", grid: Grid = GRID, **others: object) -> Series:
    return stack(make_headers(grid, modality, series_uid=uid, frame_uid=frame, **others))


def structure_set(*references: str, frame: str = "1.1", modality: str = "RTSTRUCT") -> FileHeader:
    uid = "9." + ".".join(references or ("0",))
    return FileHeader(Path("rs"), modality, "", uid, uid, "1", frame, "", PatientTags(), references=references)


class Left:
    """What was left out, by reason."""

    def __init__(self) -> None:
        self.reasons: list[tuple[str, str]] = []

    def __call__(self, item: Series | FileHeader, reason: str, message: str) -> None:
        uid = item.series_uid
        assert uid not in message
        self.reasons.append((uid, reason))


def matched(
    images: list[Series], objects: tuple[FileHeader, ...] = (), moves: tuple[Registration, ...] = ()
) -> tuple[list[Match], Left]:
    left = Left()
    found = groups(images, objects, moves, left)
    return [one for group in found if (one := match(group, moves, left)) is not None], left


def test_ct_and_pet_of_one_frame_are_one_case() -> None:
    (one,), left = matched([series("2.1"), series("2.2", "pt")], (structure_set("2.1"),))
    assert one.ct is not None
    assert one.pt is not None
    assert (one.ct.series_uid, one.pt.series.series_uid, len(one.objects)) == ("2.1", "2.2", 1)
    assert not one.pt.registered
    assert left.reasons == []


def test_pet_of_another_frame_is_refused_without_a_registration() -> None:
    (case,), left = matched([series("2.1"), series("2.2", "pt", "1.2")], (structure_set("2.2", frame="1.2"),))
    assert case.ct is not None
    assert case.pt is None
    assert left.reasons == [("2.2", "other_frame"), ("9.2.2", "other_frame")]


def test_pet_of_another_examination_is_a_case_of_its_own() -> None:
    cases, left = matched([series("2.1"), series("2.2", "pt", "1.2", study_uid="3.3")])
    assert [(case.ct is None, case.pt is None) for case in cases] == [(False, True), (True, False)]
    assert left.reasons == []


def test_a_registration_takes_the_pet_to_the_ct() -> None:
    far = Grid(GRID.shape_zyx, GRID.spacing_mm, (0.0, 0.0, -500.0))
    (one,), left = matched([series("2.1"), series("2.2", "pt", "1.2", far)], moves=(Registration("1.2", "1.1", SHIFT),))
    assert one.pt is not None
    assert one.pt.registered
    assert one.pt.grid.matches(GRID)
    assert one.pt.series.grid.matches(far), "masks of a PET network go back to the PET's own frame"
    assert left.reasons == []
    assert list(one.moves) == ["1.2"]
    assert one.grids["1.2"].matches(far), "what was drawn on the PET lies on its slices"


def test_pet_that_hardly_meets_the_ct_is_left_out() -> None:
    (one,), left = matched([series("2.1"), series("2.2", "pt", grid=replace(GRID, origin_mm=(0.0, 0.0, 12.0)))])
    assert one.pt is None
    assert left.reasons == [("2.2", "no_overlap")]


def test_the_ct_that_was_drawn_on_is_taken_and_the_other_told() -> None:
    long = Grid((20, 8, 8), (3.0, 2.0, 2.0))
    (one,), left = matched([series("2.1"), series("2.3", grid=long)], (structure_set("2.1"),))
    assert one.ct is not None
    assert one.ct.series_uid == "2.1"
    assert left.reasons == [("2.3", "other_ct")]
    (one,), left = matched([series("2.1"), series("2.3", grid=long)])
    assert one.ct is not None
    assert one.ct.series_uid == "2.3", "without structures the longer one"


def test_of_two_pets_the_one_that_covers_more_is_taken() -> None:
    half = Grid((9, 8, 8), (1.0, 2.0, 2.0))  # more slices, in half of the place
    (one,), left = matched([series("2.1"), series("2.4", "pt", grid=half), series("2.5", "pt")])
    assert one.pt is not None
    assert one.pt.series.series_uid == "2.5"
    assert left.reasons == [("2.4", "other_pet")]


def test_pet_without_a_dose_is_left_out_and_the_ct_goes_on() -> None:
    pet = series("2.2", "pt", injection={"RadionuclideTotalDose": None})
    (one,), left = matched([series("2.1"), pet])
    assert one.ct is not None
    assert one.pt is None
    assert left.reasons == [("2.2", "no_dose")]


def test_a_structure_set_whose_images_are_not_here_is_told() -> None:
    _, left = matched([series("2.1")], (structure_set("7.7", frame="1.9"),))
    assert left.reasons == [("9.7.7", "no_image")]


def test_a_structure_set_finds_its_images_by_the_frame_alone() -> None:
    (one,), left = matched([series("2.1")], (structure_set(frame="1.1"),))
    assert len(one.objects) == 1
    assert left.reasons == []


def test_series_without_a_frame_share_it_with_nobody() -> None:
    (case,), left = matched([series("2.1", frame=""), series("2.2", "pt", "")], (structure_set("2.1", frame=""),))
    assert len(case.objects) == 1
    assert case.pt is None
    assert left.reasons == [("2.2", "no_frame")]


def test_registrations_that_disagree_cost_the_pet_and_nothing_else() -> None:
    other = ((*SHIFT[0][:3], 5.0), *SHIFT[1:])
    moves = (Registration("1.2", "1.1", SHIFT), Registration("1.2", "1.1", other))
    images = [series("2.2", "pt", "1.2"), series("2.1")]
    (case,), left = matched(images, (structure_set("2.2", frame="1.2"),), moves)
    assert case.ct is not None
    assert case.pt is None
    assert [reason for _, reason in left.reasons] == ["several_registrations", "several_registrations"]
    cases, left = matched([series("2.1"), series("2.3", frame="1.2", study_uid="3.3")], (), moves)
    assert len(cases) == 2, "each CT is a case of its own"
    assert left.reasons == []


def test_a_structure_set_in_a_frame_without_images_is_joined_by_a_registration() -> None:
    (case,), left = matched([series("2.1")], (structure_set(frame="1.5"),), (Registration("1.5", "1.1", SHIFT),))
    assert len(case.objects) == 1
    assert list(case.moves) == ["1.5"]
    assert left.reasons == []


def test_without_structures_the_ct_that_others_are_registered_to_is_taken() -> None:
    long = Grid((20, 8, 8), (3.0, 2.0, 2.0))
    moves = (Registration("1.2", "1.1", tuple(map(tuple, np.eye(4)))),)
    (case,), left = matched([series("2.1"), series("2.3", frame="1.2", grid=long, study_uid="3.3")], (), moves)
    assert case.ct is not None
    assert case.ct.series_uid == "2.1"
    assert left.reasons == [("2.3", "other_ct")]


def test_examinations_that_a_registration_joins_are_cases_of_their_own() -> None:
    moves = (Registration("1.2", "1.1", tuple(map(tuple, np.eye(4)))),)
    left = Left()
    images = [series("2.1"), series("2.3", frame="1.2", study_uid="3.3"), series("2.2", "pt", "1.2", study_uid="3.3")]
    objects = [structure_set("2.1"), structure_set("2.3", frame="1.2")]
    (group,) = groups(images, objects, moves, left)
    plan, pet = sorted(by_study(group), key=lambda part: part.ct[0].series_uid)
    assert [item.references for item in plan.objects] == [("2.1",)]
    assert [item.references for item in pet.objects] == [("2.3",)]
    for part in (plan, pet):
        case = match(part, moves, left)
        assert case is not None
        assert case.pt is not None
        assert case.pt.registered == (part is plan)
    assert left.reasons == []


def test_the_group_with_structures_comes_first() -> None:
    long = Grid((20, 8, 8), (3.0, 2.0, 2.0))
    cases, _ = matched([series("2.1"), series("2.6", frame="1.6", grid=long)], (structure_set("2.1"),))
    assert [case.ct.series_uid for case in cases if case.ct] == ["2.1", "2.6"]


@pytest.mark.parametrize("degrees", [0, 30])
def test_a_chain_of_registrations_is_followed(degrees: float) -> None:
    turn = np.eye(4)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn[:2, :2] = [[c, -s], [s, c]]
    chain = (
        Registration("1.3", "1.2", tuple(map(tuple, turn))),
        Registration("1.2", "1.1", tuple(map(tuple, np.linalg.inv(turn)))),
    )
    (one,), _ = matched([series("2.1"), series("2.2", "pt", "1.3")], moves=chain)
    assert one.pt is not None
    assert one.pt.grid.matches(GRID)
