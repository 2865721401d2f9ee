import csv
import json

import numpy as np
import pytest
import torch

from hnseg.inference.folder import predict_folder
from hnseg.inference.output import PROBABILITIES
from hnseg.inference.predictor import Predictor
from hnseg.io import read_volume, write_volume
from hnseg.io.clicks import FileClick
from hnseg.io.tables import PREDICTIONS
from hnseg.labels import LabelSet
from hnseg.postprocess import ClickFilter, DropSmall, Postprocess
from hnseg.prepare.images import read_images
from hnseg.prepare.intensity import Normalization, Standardise
from hnseg.prepare.recipe import Recipe
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
    with (folder / PREDICTIONS).open(newline="") as file:
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
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["A-1.nii.gz", "B.2.nii.gz", PREDICTIONS]


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


ORGANS = LabelSet(("Chiasm", "Parotid_L", "Parotid_R"), "softmax")


@pytest.fixture
def organs(checkpoint):
    """A network of three structures that outlines the second one where the PET is above 2, and nothing else."""

    def predictor(labels=ORGANS):
        network = torch.nn.Conv3d(2, 4, 1)
        torch.nn.init.zeros_(network.weight)
        torch.nn.init.zeros_(network.bias)
        network.weight.data[2, 1], network.bias.data[2] = 1.0, -2.0
        network.bias.data[[1, 3]] = -50.0
        return Predictor(
            [
                checkpoint(
                    net={"_target_": "torch.nn.Conv3d", "in_channels": 2, "out_channels": 4, "kernel_size": 1},
                    network=network,
                    labels=labels,
                    recipe=Recipe(label_names=labels.names, regions=("image",)),
                    normalization=Normalization(("ct", "pt"), ct=Standardise(0, 1), pt=Standardise(0, 1)),
                    trust=("torch.nn",),
                )
            ]
        )

    return predictor


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd"])
def test_a_file_a_structure_on_the_same_grid_empty_ones_included(study, organs, tmp_path, suffix, capsys):
    patient, output = study("A", degrees=12), tmp_path / "out"
    predict_folder(organs(), [patient], output, structure_files=suffix)
    mask = read_volume(output / "A.nii.gz")
    assert np.unique(mask.array).tolist() == [0, 2]
    assert sorted(path.name for path in (output / "A").iterdir()) == [f"{name}.{suffix}" for name in ORGANS.names]
    for value, name in enumerate(ORGANS.names, start=1):
        volume = read_volume(output / "A" / f"{name}.{suffix}")
        assert volume.array.dtype == np.uint8
        assert volume.grid.matches(read_volume(patient.images["ct"]).grid)
        assert np.array_equal(volume.array, mask.array == value)
    row = rows_of(output)["A"]
    assert row["empty"] == "Chiasm; Parotid_R"
    assert (row["Chiasm_ml"], row["Parotid_R_ml"]) == ("0.0", "0.0")
    assert float(row["Parotid_L_ml"]) > HOT_ML
    assert "nothing outlined: Chiasm, Parotid_R" in capsys.readouterr().out


def test_resume_makes_anew_what_lacks_a_structures_file(study, organs, tmp_path):
    patients, output, predictor = [study("A")], tmp_path / "out", organs()
    again = {"resume": True, "progress": False, "structure_files": "nii.gz"}
    predict_folder(predictor, patients, output, progress=False)
    assert not (output / "A").exists()
    assert len(predict_folder(predictor, patients, output, **again).written) == 1
    assert len(predict_folder(predictor, patients, output, **again).kept) == 1
    (output / "A" / "Chiasm.nii.gz").unlink()
    assert len(predict_folder(predictor, patients, output, **again).written) == 1
    assert (output / "A" / "Chiasm.nii.gz").is_file()


@pytest.mark.parametrize("name", ["../stolen", "a/b", "C:x", ".."])
def test_a_checkpoints_structures_write_nowhere_else(study, organs, tmp_path, name):
    hostile, output = organs(LabelSet(("Chiasm", name, "Parotid_R"), "softmax")), tmp_path / "out"
    for asked in ({"structure_files": "nii.gz"}, {"save_probabilities": True}):
        with pytest.raises(ValueError, match="cannot be names of files"):
            predict_folder(hostile, [study("A")], output, progress=False, **asked)
    assert not output.exists()
    assert predict_folder(hostile, [study("A")], output, progress=False).written


def test_an_unknown_kind_of_file(study, organs, tmp_path):
    with pytest.raises(ValueError, match=r"'dcm' are not known; use one of \('nii.gz', 'nrrd'\)"):
        predict_folder(organs(), [study("A")], tmp_path / "out", structure_files="dcm")


def test_notes_are_printed(study, predictor, tmp_path, capsys):
    predict_folder(predictor, [study("A")], tmp_path / "out", progress=True)
    assert "A: box: published" in capsys.readouterr().out


@pytest.mark.parametrize("names", [("A", "A"), ("../A",), (".A",)])
def test_names_that_would_write_elsewhere(study, predictor, tmp_path, names):
    studies = [Study(name, study("A").images, box=BOX) for name in names]
    with pytest.raises(ValueError, match="name"):
        predict_folder(predictor, studies, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


PLACE = FileClick((2.0, -1.0, 6.0), "LPS", True)  # in what the fixture makes hot: x -5 to 7, y -5 to 7, z -6 to 6


@pytest.fixture
def filtering(pet_threshold):
    return Predictor([pet_threshold()], postprocess=Postprocess({"filter": ClickFilter()}))


def test_clicks_are_given_by_patient_and_stand_in_the_table(study, clickable, tmp_path):
    """A click in RAS and one in voxels (x, y, z) of a turned CT, each of its patient; the third patient has none."""
    patients, output = [study("A"), study("B", degrees=9), study("C")], tmp_path / "out"
    predictor = Predictor([clickable(suv=9.0)])
    clicks = {
        "A": (FileClick((-10.0, 8.0, 9.0), "RAS", True), FileClick((0.0, 0.0, 0.0), "LPS", False)),
        "B": (FileClick((30.0, 24.0, 9.0), "voxel", True),),
    }
    result = predict_folder(predictor, patients, output, progress=False, clicks=clicks)
    assert not result.failures
    rows = rows_of(output)
    assert {case: row["clicks"] for case, row in rows.items()} == {"A": "2", "B": "1", "C": ""}
    assert rows["A"]["clicked"] == "positive RAS -10.0 8.0 9.0; negative LPS 0.0 0.0 0.0"
    masks = {case: read_volume(output / f"{case}.nii.gz") for case in rows}
    middle = masks["A"].grid.to_lps_mm(np.argwhere(masks["A"].array)).mean(axis=0)
    np.testing.assert_allclose(middle, (10.0, -8.0, 9.0), atol=1)
    np.testing.assert_allclose(np.argwhere(masks["B"].array).mean(axis=0), (9, 24, 30), atol=1)
    assert not masks["C"].array.any()


def test_resume_makes_masks_of_other_clicks_anew(study, filtering, tmp_path):
    patients, output = [study("A"), study("B")], tmp_path / "out"

    def again(clicks):
        result = predict_folder(filtering, patients, output, resume=True, progress=False, clicks=clicks)
        return [path.name[0] for path in result.written]

    assert again(None) == ["A", "B"]
    assert again({}) == []
    assert again({"A": (PLACE,)}) == ["A"]
    assert again({"A": (PLACE,)}) == []
    assert again({"A": (FileClick((2.0, -1.0, 6.0), "RAS", True),)}) == ["A"]
    assert again({"A": (PLACE, PLACE), "B": (PLACE,)}) == ["A", "B"]
    assert again(None) == ["A", "B"]


def test_clicks_of_nobody_are_reported(study, filtering, tmp_path, capsys):
    stray = FileClick((0.0, 0.0, 0.0), "LPS", True, place="clicks.csv, line 7")
    result = predict_folder(filtering, [study("A")], tmp_path / "out", clicks={"A": (PLACE,), "a": (stray,)})
    assert [path.name for path in result.written] == ["A.nii.gz"]
    assert [str(failure) for failure in result.failures] == [
        "a: there are 1 clicks (clicks.csv, line 7) but no such patient; correct the name or leave them out"
    ]
    assert "no such patient" in capsys.readouterr().out


def test_a_click_that_cannot_be_meant_costs_that_patient_alone(study, filtering, tmp_path):
    clicks = {"A": (FileClick((200.0, 0.0, 0.0), "LPS", True),), "B": (PLACE,)}
    result = predict_folder(filtering, [study("A"), study("B")], tmp_path / "out", progress=False, clicks=clicks)
    assert [path.name for path in result.written] == ["B.nii.gz"]
    assert "A: positive click 1, at LPS (200.0, 0.0, 0.0) mm" in result.failures[0].message


def test_clicks_that_nothing_looks_at_stop_before_the_first_patient(study, predictor, tmp_path):
    with pytest.raises(ValueError, match="the networks take none"):
        predict_folder(predictor, [study("A")], tmp_path / "out", progress=False, clicks={"A": (PLACE,)})
    assert not (tmp_path / "out").exists()
