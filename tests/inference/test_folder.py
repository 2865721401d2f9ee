import csv
import json

import numpy as np
import pytest

from hnseg.inference.folder import PROBABILITIES, TABLE, predict_folder
from hnseg.inference.predictor import Predictor
from hnseg.io import read_volume, write_volume
from hnseg.postprocess import DropSmall, Postprocess
from hnseg.prepare.images import read_images
from hnseg.types import AXIAL_DIRECTION, BoxMm, Grid, Study, Volume

CT_GRID = Grid((12, 40, 36), (3.0, 1.0, 1.0), (-18.0, -20.0, -18.0))
PET_GRID = Grid((18, 20, 20), (2.0, 2.0, 2.0), (-19.0, -19.0, -18.0))
BOX = BoxMm((-16.0, -16.0, -16.0), (16.0, 16.0, 16.0))
HOT_ML = 8 * 8 * 9 / 1000  # what the fixture makes hot: 8 by 8 mm in plane, three CT slices


@pytest.fixture
def study(tmp_path, rotation):
    """Writes a patient whose PET is hot in a block; each patient's CT lies on a grid of its own."""

    def write(case_id, degrees=0.0, **changes):
        direction = rotation((0, 0, degrees)) @ AXIAL_DIRECTION
        grid = Grid(CT_GRID.shape_zyx, CT_GRID.spacing_mm, CT_GRID.origin_mm, direction)
        pet = np.zeros(PET_GRID.shape_zyx, np.float32)
        pet[6:12, 7:13, 7:13] = 4.0
        images = {name: tmp_path / "in" / f"{case_id}_{name}.nii.gz" for name in ("ct", "pt")}
        write_volume(Volume(np.zeros(grid.shape_zyx, np.int16), grid), images["ct"])
        write_volume(Volume(pet, PET_GRID), images["pt"])
        return Study(case_id, images, **{"box": BOX, **changes})

    return write


@pytest.fixture
def predictor(pet_threshold):
    return Predictor([pet_threshold()])


def rows_of(folder):
    with (folder / TABLE).open(newline="") as file:
        return {row["case"]: row for row in csv.DictReader(file)}


def test_one_mask_a_patient_on_that_patients_grid(study, predictor, tmp_path):
    studies = [study("A-1"), study("B.2", degrees=9)]
    result = predict_folder(predictor, studies, tmp_path / "out", progress=False)
    assert [path.name for path in result.written] == ["A-1.nii.gz", "B.2.nii.gz"]
    assert not result.failures
    for patient, path in zip(studies, result.written, strict=True):
        mask, ct = read_volume(path), read_volume(patient.images["ct"])
        assert mask.grid.matches(ct.grid)
        assert mask.array.dtype == np.uint8
        assert mask.array.sum() > 100
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["A-1.nii.gz", "B.2.nii.gz", TABLE]


def test_table_says_volume_notes_and_phantom(study, predictor, tmp_path):
    predict_folder(predictor, [study("A"), study("P", phantom=True)], tmp_path / "out", progress=False)
    rows = rows_of(tmp_path / "out")
    mask = read_volume(tmp_path / "out" / "A.nii.gz")
    assert float(rows["A"]["GTVt_ml"]) == pytest.approx(mask.array.sum() * 3.0 / 1000, abs=1e-3)
    assert float(rows["A"]["GTVt_ml"]) > HOT_ML
    assert rows["A"]["file"] == "A.nii.gz"
    assert "published" in rows["A"]["notes"]
    assert float(rows["A"]["seconds"]) > 0
    assert (rows["A"]["phantom"], rows["P"]["phantom"]) == ("False", "True")
    assert rows["A"]["checkpoints"].endswith("best.ckpt")


def test_network_trained_on_the_phantom_marks_every_row(study, pet_threshold, tmp_path):
    predict_folder(Predictor([pet_threshold(phantom=True)]), [study("A")], tmp_path / "out", progress=False)
    assert rows_of(tmp_path / "out")["A"]["phantom"] == "True"


def test_bad_patients_are_reported_and_the_others_go_on(study, predictor, tmp_path):
    truncated, no_pet, nan, good = study("A"), study("B"), study("C"), study("D")
    path = truncated.images["ct"]
    path.write_bytes(path.read_bytes()[:200])
    no_pet.images["pt"].unlink()
    pet = read_volume(nan.images["pt"])
    pet.array[0, 0, 0] = np.nan
    write_volume(pet, nan.images["pt"])
    result = predict_folder(predictor, [truncated, no_pet, nan, good], tmp_path / "out", progress=False)
    assert [path.name for path in result.written] == ["D.nii.gz"]
    assert [failure.case_id for failure in result.failures] == ["A", "B", "C"]
    for failure, name in zip(result.failures, ("A_ct.nii.gz", "B_pt.nii.gz", "C_pt.nii.gz"), strict=True):
        assert name in failure.message
    assert list(rows_of(tmp_path / "out")) == ["D"]
    assert not list((tmp_path / "out").glob("[ABC]*"))


def test_failure_warns_of_an_older_mask(study, predictor, tmp_path):
    patient = study("A")
    predict_folder(predictor, [patient], tmp_path / "out", progress=False)
    patient.images["pt"].unlink()
    result = predict_folder(predictor, [patient], tmp_path / "out", progress=False)
    assert "is of an earlier call" in result.failures[0].message


def test_resume_keeps_what_the_same_checkpoints_left(study, predictor, pet_threshold, tmp_path, monkeypatch):
    studies, output = [study("A"), study("B")], tmp_path / "out"
    predict_folder(predictor, studies[:1], output, progress=False)
    before = (output / "A.nii.gz").stat().st_mtime_ns
    result = predict_folder(predictor, studies, output, resume=True, progress=False)
    assert [path.name for path in result.kept] == ["A.nii.gz"]
    assert [path.name for path in result.written] == ["B.nii.gz"]
    assert (output / "A.nii.gz").stat().st_mtime_ns == before
    assert set(rows_of(output)) == {"A", "B"}
    other = Predictor([pet_threshold(name="other.ckpt")])
    assert len(predict_folder(other, studies, output, resume=True, progress=False).written) == 2


def test_without_resume_masks_are_replaced(study, predictor, tmp_path):
    patient, output = study("A"), tmp_path / "out"
    predict_folder(predictor, [patient], output, progress=False)
    (output / "A.nii.gz").write_bytes(b"stale")
    predict_folder(predictor, [patient], output, progress=False)
    assert read_volume(output / "A.nii.gz").array.sum() > 100


def test_probabilities_lie_in_a_folder_of_their_own(study, predictor, tmp_path):
    predict_folder(predictor, [study("A")], tmp_path / "out", save_probabilities=True, progress=False)
    probability = read_volume(tmp_path / "out" / PROBABILITIES / "A_GTVt.nii.gz")
    mask = read_volume(tmp_path / "out" / "A.nii.gz")
    assert probability.grid.matches(mask.grid)
    assert np.array_equal(probability.array > 0.5, mask.array > 0)


def test_several_networks_leave_sd_maps_and_an_uncertainty(study, pet_threshold, tmp_path):
    output = tmp_path / "out"
    several = Predictor([pet_threshold(name=f"{suv}.ckpt", suv=suv) for suv in (1.0, 2.0, 3.0)])
    patient = study("A")
    predict_folder(several, [patient], output, save_probabilities=True, progress=False)
    mask, sd = read_volume(output / "A.nii.gz"), read_volume(output / PROBABILITIES / "A_GTVt_sd.nii.gz")
    assert sorted(path.name for path in (output / PROBABILITIES).iterdir()) == ["A_GTVt.nii.gz", "A_GTVt_sd.nii.gz"]
    assert sd.grid.matches(mask.grid)
    again = several.predict(read_images(patient.images, ("ct", "pt")), "A", BOX, save_probabilities=True)
    assert np.array_equal(sd.array, again.probability_sds["GTVt"].array)
    assert float(rows_of(output)["A"]["GTVt_uncertainty"]) == pytest.approx(again.uncertainty["GTVt"], abs=1e-6)
    assert 0.01 < again.uncertainty["GTVt"] < 0.5


def test_uncertainty_is_empty_where_nothing_was_outlined_and_no_column_for_one_network(study, pet_threshold, tmp_path):
    blind = Predictor([pet_threshold(name=f"{suv}.ckpt", suv=suv) for suv in (70.0, 80.0)])
    predict_folder(blind, [study("A")], tmp_path / "out", progress=False)
    row = rows_of(tmp_path / "out")["A"]
    assert (row["GTVt_ml"], row["GTVt_uncertainty"]) == ("0.0", "")
    assert not (tmp_path / "out" / PROBABILITIES).exists()
    predict_folder(Predictor([pet_threshold()]), [study("A")], tmp_path / "alone", progress=False)
    assert "GTVt_uncertainty" not in rows_of(tmp_path / "alone")["A"]


def test_a_chain_acts_on_the_written_masks_and_stands_in_the_table(study, pet_threshold, tmp_path):
    patient, chain = study("A"), Postprocess({"drop_small": DropSmall(min_volume_mm3=1e5)})
    predict_folder(Predictor([pet_threshold()], postprocess=chain), [patient], tmp_path / "out", progress=False)
    assert read_volume(tmp_path / "out" / "A.nii.gz").array.max() == 0
    assert json.loads(rows_of(tmp_path / "out")["A"]["postprocess"]) == chain.to_dict()
    predict_folder(Predictor([pet_threshold()]), [patient], tmp_path / "raw", progress=False)
    assert rows_of(tmp_path / "raw")["A"]["postprocess"] == ""


def test_resume_makes_masks_of_another_chain_anew(study, predictor, pet_threshold, tmp_path):
    studies, output = [study("A")], tmp_path / "out"
    predict_folder(predictor, studies, output, progress=False)
    small = Predictor([pet_threshold()], postprocess=Postprocess({"drop": DropSmall(min_volume_mm3=1)}))
    assert len(predict_folder(small, studies, output, resume=True, progress=False).written) == 1
    assert len(predict_folder(small, studies, output, resume=True, progress=False).kept) == 1
    assert len(predict_folder(predictor, studies, output, resume=True, progress=False).written) == 1


def test_notes_are_printed(study, predictor, tmp_path, capsys):
    predict_folder(predictor, [study("A")], tmp_path / "out", progress=True)
    assert "A: box: published" in capsys.readouterr().out


@pytest.mark.parametrize("names", [("A", "A"), ("../A",), (".A",)])
def test_names_that_would_write_elsewhere(study, predictor, tmp_path, names):
    studies = [Study(name, study("A").images, box=BOX) for name in names]
    with pytest.raises(ValueError, match="name"):
        predict_folder(predictor, studies, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()
