"""A small export of two patients, one of them broken, through the whole import."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from hnseg.intake.carry_out import Settings
from hnseg.intake.importer import Imported, import_folder
from hnseg.intake.pseudonyms import Pseudonyms
from hnseg.intake.to_predict import dicom_patients
from hnseg.io import read_rows, read_volume
from hnseg.io.dicom.objects import FileHeader, PatientTags
from hnseg.io.dicom.rtstruct_write import write_rtstruct
from hnseg.io.dicom.stack import stack
from hnseg.prepare import table
from hnseg.types import Grid
from tests.io.dicom.making import PATIENT, write_series

NAMES = Pseudonyms(b"k" * 32)
GRID = Grid((4, 16, 16), (3.0, 2.0, 2.0))
RNG = np.random.default_rng(0)
HU = RNG.integers(-1000, 1500, GRID.shape_zyx).astype(np.int16)
GOOD, BROKEN = NAMES.case(PATIENT.patient_id, ""), NAMES.case("B-2", "")


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A patient with CT, PET and a structure set; one whose CT lacks a slice; one whose pixels cannot be decoded."""
    root = tmp_path_factory.mktemp("export")
    ct = write_series(root / "a", HU, GRID)
    write_series(root / "a", np.full(GRID.shape_zyx, 5000.0), GRID, "pt")
    box = np.zeros(GRID.shape_zyx, bool)
    box[1:3, 4:9, 5:12] = True
    write_rtstruct(root / "a" / "rs", {"GTV Secretname": box, "Mandible": box}, stack(ct))
    others = {"series_uid": "2.9", "frame_uid": "1.9", "study_uid": "3.9", "patient": PatientTags("B-2", "Other^Name")}
    for header in write_series(root / "b", HU, GRID, **others)[2:3]:
        header.path.unlink()
    (root / "notes.txt").write_text("Secretname called")
    return root


@pytest.fixture(scope="module")
def imported(export: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Imported, Path]:
    output = tmp_path_factory.mktemp("imported") / "cases"
    settings = Settings(aliases={"GTV Secretname": "GTVt"})
    return import_folder(export, output, NAMES, settings), output


def test_the_good_patient_is_there_voxel_by_voxel(imported: tuple[Imported, Path]) -> None:
    _, output = imported
    ct, pt = read_volume(output / GOOD / "ct.nii.gz"), read_volume(output / GOOD / "pt.nii.gz")
    assert ct.array.dtype == np.int16
    np.testing.assert_array_equal(ct.array, HU)
    assert ct.grid.matches(GRID, 1e-3)
    # 5000 Bq/ml, 70 kg, 350 MBq an hour before the scan
    np.testing.assert_allclose(pt.array, 5000 * 70e3 / (350e6 * 0.5 ** (3600 / 6586.2)), rtol=1e-3)
    mask = read_volume(output / GOOD / "structures" / "GTVt.nii.gz").array
    assert mask.sum() == 2 * 5 * 7


def test_the_table_is_one_that_hnseg_reads(imported: tuple[Imported, Path]) -> None:
    _, output = imported
    found = table.find_studies(output / "cases.csv", ("ct", "pt"), ("GTVt", "Mandible"))
    (study,) = found.studies
    assert (study.case_id, study.patient) == (GOOD, GOOD)
    assert set(study.masks) == {"GTVt", "Mandible"}
    assert not found.problems


def test_the_bad_ones_are_told_and_stop_nobody(imported: tuple[Imported, Path]) -> None:
    result, output = imported
    rows = {(row["kind"], row["reason"]): row for row in read_rows(output / "skipped.csv")}
    assert rows.keys() == {("series", "missing_slices"), ("file", "no_dicom")}
    assert rows["series", "missing_slices"]["case"] == BROKEN
    assert result.record["counts"]["cases"] == 1


def test_no_name_is_told(imported: tuple[Imported, Path], export: Path) -> None:
    _, output = imported
    for path in output.rglob("*.*"):
        content = path.read_bytes()
        for secret in (PATIENT.patient_id, "Secretname", PATIENT.birth_date, "Other", "B-2", str(export), "notes.txt"):
            assert secret.encode() not in content, path


def test_another_wish_makes_the_case_anew(imported: tuple[Imported, Path], export: Path) -> None:
    _, output = imported
    again = import_folder(export, output, NAMES, Settings(structures=("Mandible",)))
    assert again.record["counts"]["kept"] == 0
    assert [path.name for path in (output / GOOD / "structures").iterdir()] == ["Mandible.nii.gz"]


def spoil(headers: tuple[FileHeader, ...]) -> None:
    """Pixels that say they are JPEG and are not."""
    for header in headers:
        dataset = pydicom.dcmread(header.path)
        dataset.PixelRepresentation, dataset.file_meta.TransferSyntaxUID = 1, "1.2.840.10008.1.2.4.70"
        dataset.PixelData = pydicom.encaps.encapsulate([b"\xff\xd8 this is no JPEG"])
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
        dataset.save_as(header.path)


def test_pixels_that_cannot_be_decoded_cost_their_case_alone(tmp_path: Path) -> None:
    spoil(write_series(tmp_path / "in" / "a", HU, GRID))
    write_series(tmp_path / "in" / "b", HU, GRID, patient=PatientTags("B-2"), frame_uid="1.9", series_uid="2.9")
    result = import_folder(tmp_path / "in", tmp_path / "out", NAMES, Settings())
    assert [entry["case"] for entry in result.record["cases"]] == [BROKEN]
    (failed,) = [one for one in result.skipped if one.case_id == GOOD]
    assert (failed.kind, failed.modality) == ("series", "CT")


def test_patients_to_predict_on(export: Path, tmp_path: Path) -> None:
    patients = dicom_patients(export, tmp_path, ("ct", "pt"), NAMES, Settings(), "study", 2)
    (study,) = patients.findings.studies
    assert study.case_id == GOOD
    assert patients.series[GOOD].modality == "ct"
    assert not (tmp_path / GOOD / "structures").exists(), "nobody asked for masks"
    assert [problem.case_id for problem in patients.findings.problems] == [BROKEN]


def test_a_changed_file_and_a_lost_one_make_the_case_anew(tmp_path: Path) -> None:
    headers = write_series(tmp_path / "in", HU, GRID)
    write_series(tmp_path / "in", np.full(GRID.shape_zyx, 5000.0), GRID, "pt")
    first = import_folder(tmp_path / "in", tmp_path / "out", NAMES, Settings())
    assert first.record["counts"]["kept"] == 0
    (tmp_path / "out" / GOOD / "pt.nii.gz").unlink()
    again = import_folder(tmp_path / "in", tmp_path / "out", NAMES, Settings())
    assert again.record["counts"]["kept"] == 0
    assert (tmp_path / "out" / GOOD / "pt.nii.gz").is_file()
    dataset = pydicom.dcmread(headers[2].path)
    dataset.RescaleIntercept = 0
    dataset.save_as(headers[2].path)
    import_folder(tmp_path / "in", tmp_path / "out", NAMES, Settings())
    np.testing.assert_array_equal(read_volume(tmp_path / "out" / GOOD / "ct.nii.gz").array[2], HU[2] + 1024)


def test_pet_that_is_no_suv_or_cannot_be_decoded_is_told(tmp_path: Path) -> None:
    write_series(tmp_path / "in" / "a", HU, GRID)
    # a dose in kBq written as Bq: body-weight SUV of thousands
    counts = np.full(GRID.shape_zyx, 20000.0)
    write_series(tmp_path / "in" / "a", counts, GRID, "pt", injection={"RadionuclideTotalDose": "3500000"})
    other = {"patient": PatientTags("B-2"), "frame_uid": "1.9", "study_uid": "3.9"}
    write_series(tmp_path / "in" / "b", HU, GRID, series_uid="2.9", **other)
    spoil(write_series(tmp_path / "in" / "b", counts, GRID, "pt", series_uid="2.8", **other))
    result = import_folder(tmp_path / "in", tmp_path / "out", NAMES, Settings())
    entries = {entry["case"]: entry for entry in result.record["cases"]}
    assert any("hardly be SUV" in note for note in entries[GOOD]["pt"]["notes"])
    assert entries[BROKEN]["pt"] is None
    assert [(one.case_id, one.modality) for one in result.skipped] == [(BROKEN, "PT")]


def test_a_trouble_that_nobody_thought_of_costs_one_case_and_names_no_path(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise PermissionError(13, "denied", "/elsewhere/Secretname")

    monkeypatch.setattr("hnseg.intake.carry_out.write_volume", fail)
    result = import_folder(export, tmp_path, NAMES, Settings())
    told = {one.reason: one for one in result.skipped}
    assert "PermissionError" in told["failed"].message
    assert "Secretname" not in (tmp_path / "import.json").read_text()


def test_a_phantom_and_patients_do_not_share_a_folder(
    export: Path, imported: tuple[Imported, Path], tmp_path: Path
) -> None:
    _, output = imported
    write_series(tmp_path / "phantom", HU, GRID, tags={"QualityControlImage": "YES"})
    with pytest.raises(ValueError, match="a folder of its own"):
        import_folder(tmp_path / "phantom", output, NAMES, Settings())
    import_folder(tmp_path / "phantom", tmp_path / "out", NAMES, Settings())
    (study,) = table.find_studies(tmp_path / "out" / "cases.csv", ("ct",)).studies
    assert study.phantom
    with pytest.raises(ValueError, match="a folder of its own"):
        import_folder(export, tmp_path / "out", NAMES, Settings())


@pytest.mark.parametrize(
    ("made", "said"), [("nothing", "is no folder"), ("empty", "holds no files"), ("inside", "lies inside")]
)
def test_what_is_no_export_is_refused(made: str, said: str, tmp_path: Path) -> None:
    source = tmp_path / "in"
    if made != "nothing":
        source.mkdir()
    if made == "inside":
        (source / "x").write_text("x")
    with pytest.raises(ValueError, match=said):
        import_folder(source, source / "out" if made == "inside" else tmp_path / "out", NAMES, Settings())
