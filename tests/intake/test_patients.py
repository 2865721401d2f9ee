"""Headers of a scan into cases: who is who, what is left out, and that nothing names anybody."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from hnseg.intake.patients import plan_cases
from hnseg.intake.plan import Plan
from hnseg.intake.pseudonyms import Pseudonyms
from hnseg.io.dicom.objects import FileHeader, PatientTags, RefusedDicomError
from hnseg.io.dicom.scan import Scan
from hnseg.io.dicom.stack import stack
from hnseg.types import Grid
from tests.io.dicom.making import PATIENT, make_headers

GRID = Grid((4, 6, 6), (3.0, 2.0, 2.0))
NAMES = Pseudonyms(b"k" * 32)


def planned(*headers: FileHeader, unit: str = "patient", names: Pseudonyms = NAMES, skipped: tuple = ()) -> Plan:
    return plan_cases(Scan(tuple(headers), skipped), names, unit)  # type: ignore[arg-type]


def ct(
    uid: str = "2.1", frame: str = "1.1", patient: PatientTags = PATIENT, **others: object
) -> tuple[FileHeader, ...]:
    return make_headers(GRID, series_uid=uid, frame_uid=frame, patient=patient, **others)


def other(modality: str, uid: str = "5.1") -> FileHeader:
    return FileHeader(Path("x"), modality, "", uid, uid, "1", "", "", PATIENT)


def test_files_of_two_patients_become_two_cases_in_whatever_order() -> None:
    two = (*ct("2.1", "1.1", PatientTags("A")), *ct("2.2", "1.2", PatientTags("B")))
    plan = planned(*two)
    assert [case.case_id for case in plan.cases] == sorted(NAMES.case(name, "") for name in "AB")
    again = planned(*reversed(two))
    assert [case.anchor.series_uid for case in again.cases] == [case.anchor.series_uid for case in plan.cases]
    assert plan.files == 8


def test_of_two_examinations_one_is_taken_or_both_become_cases() -> None:
    two = (*ct("2.1", "1.1"), *ct("2.2", "1.2"))
    plan = planned(*two)
    assert len(plan.cases) == 1
    assert [(one.reason, one.files) for one in plan.skipped] == [("other_study", 4)]
    both = planned(*two, unit="study")
    name = NAMES.case(PATIENT.patient_id, "")
    assert all(re.fullmatch(rf"{name}-[A-Z2-7]{{5}}", case.case_id) for case in both.cases)
    assert {case.patient for case in both.cases} == {name}
    swapped = planned(*reversed(two), unit="study")
    assert [case.anchor.series_uid for case in swapped.cases] == [case.anchor.series_uid for case in both.cases]
    third = planned(*two, *ct("2.3", "1.3"), unit="study")
    kept = {case.case_id: case.anchor.series_uid for case in third.cases}
    assert all(kept[case.case_id] == case.anchor.series_uid for case in both.cases), "a new one renames none"


def test_what_cannot_be_used_is_told_with_its_kind() -> None:
    broken = [replace(header, image=None) for header in ct("2.9")]
    file = (Path("/elsewhere/Secretname/file"), RefusedDicomError("no_dicom", "it is no DICOM file"))
    plan = planned(*ct(), *broken, other("MR"), other("SR", "5.2"), skipped=(file,))
    told = {(one.kind, one.modality, one.reason) for one in plan.skipped}
    assert ("file", "", "no_dicom") in told
    assert ("series", "MR", "not_used") in told
    assert ("series", "SR", "not_used") in told
    assert any(kind == "series" and modality == "CT" for kind, modality, _ in told)
    assert plan.files == 4 + 4 + 2 + 1


def test_nothing_that_a_plan_tells_names_anybody() -> None:
    plan = planned(*ct(), *ct("2.7", "1.7"), other("MR"))
    told = repr(plan.cases) + repr([vars(one) for one in plan.skipped])
    for secret in (PATIENT.patient_id, "Secretname", PATIENT.birth_date, "2.7", "1.7", "never-written"):
        assert secret not in told


def test_a_structure_set_that_was_exported_twice_counts_once() -> None:
    item = FileHeader(Path("a"), "RTSTRUCT", "", "8.1", "8.1", "1", "1.1", "", PATIENT, references=("2.1",))
    (case,) = planned(*ct(), item, replace(item, path=Path("b"))).cases
    assert len(case.objects) == 1


def test_two_people_under_one_id_make_one_wonder() -> None:
    stranger = replace(PATIENT, birth_date="19800101")
    (case,) = planned(*ct(), *ct("2.8", patient=stranger)).cases
    assert any("birth date" in note for note in case.notes)
    assert "1980" not in "".join(case.notes)


def test_the_users_own_names_win_and_strangers_are_set_aside() -> None:
    names = Pseudonyms(b"k" * 32, {"A": {"case": "HN001", "centre": "Nord", "split": "test"}})
    plan = planned(*ct("2.1", "1.1", PatientTags("A")), *ct("2.2", "1.2", PatientTags("B")), names=names)
    (case,) = plan.cases
    assert (case.case_id, case.centre, case.part) == ("HN001", "Nord", "test")
    assert [one.reason for one in plan.skipped] == ["not_in_mapping"]


def test_a_phantom_is_known_by_the_standards_own_tag() -> None:
    (case,) = planned(*ct(tags={"QualityControlImage": "YES"})).cases
    assert case.phantom


@pytest.mark.parametrize("unit", ["patient", "study"])
def test_without_an_id_the_study_stands_in(unit: str) -> None:
    plan = planned(*ct(patient=PatientTags()), unit=unit)
    assert [case.case_id for case in plan.cases] == [NAMES.case("", ct()[0].study_uid)]


def test_two_patients_never_share_a_name() -> None:
    one = (*ct("2.1", "1.1", PatientTags("A")), *ct("2.2", "1.2", PatientTags("A")))
    first = planned(*one, unit="study", names=Pseudonyms(b"k" * 32, {"A": {"case": "X"}}))
    taken = first.cases[0].case_id
    names = Pseudonyms(b"k" * 32, {"A": {"case": "X"}, "B": {"case": taken.lower()}})
    plan = planned(*one, *ct("2.3", "1.3", PatientTags("B")), unit="study", names=names)
    assert len({case.case_id.casefold() for case in plan.cases}) == len(plan.cases) == 2
    assert [one.reason for one in plan.skipped] == ["same_name"]


def test_a_phantom_beside_patients_is_left_out() -> None:
    phantom = ct("2.4", "1.4", PatientTags("Q"), tags={"QualityControlImage": "YES"})
    plan = planned(*ct(), *phantom)
    assert [case.phantom for case in plan.cases] == [False]
    assert [one.reason for one in plan.skipped] == ["phantom"]


def test_every_name_that_the_files_have_is_known_to_the_case() -> None:
    real = FileHeader(
        Path("a"), "RTSTRUCT", "", "8.1", "8.1", "1", "1.1", "", PatientTags(PATIENT.patient_id, "Real^Name")
    )
    (case,) = planned(*ct(patient=replace(PATIENT, name="ANON")), replace(real, references=("2.1",))).cases
    assert {tags.name for tags in case.tags} == {"ANON", "Real^Name"}


def test_structures_of_images_that_were_refused_are_told() -> None:
    item = FileHeader(Path("a"), "RTSTRUCT", "", "8.1", "8.1", "1", "1.1", "", PATIENT, references=("7.7",))
    (case,) = planned(*ct(), item).cases
    assert any("drawn on images that were refused" in note for note in case.notes)


def test_a_patient_whom_nobody_thought_of_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(headers: list[FileHeader]) -> None:
        if headers[0].patient.patient_id == "B":
            raise ZeroDivisionError("of Secretname")
        return stack(headers)

    monkeypatch.setattr("hnseg.intake.patients.stack", fail)
    plan = planned(*ct(), *ct("2.2", "1.2", PatientTags("B")))
    assert len(plan.cases) == 1
    (one,) = plan.skipped
    assert (one.reason, one.files) == ("failed", 4)
    assert "Secretname" not in one.message


def test_padding_around_an_id_makes_no_other_patient() -> None:
    plan = planned(*ct("2.1", "1.1", PatientTags("A")), *ct("2.2", "1.1", PatientTags(" A ")))
    assert len(plan.cases) == 1
    assert [one.reason for one in plan.skipped] == ["other_ct"]
