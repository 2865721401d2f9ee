import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hnseg.io import read_volume
from hnseg.io.phantom_marker import MARKER, is_phantom
from hnseg.prepare import Case
from hnseg.prepare.case import write_case
from hnseg.prepare.nnunet import export_nnunet
from hnseg.prepare.nnunet_case import nnunet_label
from hnseg.prepare.nnunet_folder import NnunetFolder
from hnseg.types import BoxMm, Grid

GRID = Grid((4, 5, 6), (3.0, 1.0, 1.5), (-7.0, 3.0, 50.0))
NAMES = ("GTVp", "GTVn")


def write_prepared(folder: Path, case_id: str, annotated=(True, True), values=(1, 2), phantom=False) -> Case:
    random = np.random.default_rng(len(case_id) + ord(case_id[-1]))
    label = np.zeros(GRID.shape_zyx, np.uint8)
    label[1, 1:3, 1:3], label[3, 4, 5] = values
    facts = {"centre": "C", "part": "train", "modalities": ("ct", "pt"), "label_names": NAMES, "notes": ()}
    facts |= {"grid": GRID, "image_grid": GRID, "box": BoxMm((0, 0, 0), (1, 1, 1)), "sources": {}, "key": case_id}
    case = Case(folder=folder / case_id, case_id=case_id, annotated=annotated, phantom=phantom, **facts)
    case.folder.mkdir(parents=True)
    ct_hu = random.integers(-1024, 2000, GRID.shape_zyx).astype(np.int16)
    pet_suv = random.uniform(0, 20, GRID.shape_zyx).astype(np.float16)
    write_case(case.folder, case, {"ct": ct_hu, "pt": pet_suv}, label, label)
    return Case.open(case.folder)


@pytest.fixture
def train(tmp_path) -> list[Case]:
    return [write_prepared(tmp_path / "cache", case_id) for case_id in "abcd"]


@pytest.fixture
def folder(tmp_path) -> NnunetFolder:
    return NnunetFolder(tmp_path / "nnunet", 501, "toy")


FOLDS = {"CHGJ": ("cd", "ab"), "CHUS": ("ab", "cd")}


def export(folder, train, test=(), folds=FOLDS, **how):
    return export_nnunet(folder, train, test, folds, **{"workers": 1, "progress": False, **how})


def described(folder: NnunetFolder) -> dict:
    return json.loads((folder.below("raw") / "dataset.json").read_text())


def splits(folder: NnunetFolder) -> list:
    return json.loads((folder.below("preprocessed") / "splits_final.json").read_text())


def times(folder: NnunetFolder) -> dict:
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.below("raw").rglob("*.nii.gz")}


def test_images_and_labels_are_those_of_the_prepared_case(folder, train, tmp_path) -> None:
    test = write_prepared(tmp_path / "cache", "t")
    export(folder, train, [test])
    raw = folder.below("raw")
    assert raw == tmp_path / "nnunet" / "nnUNet_raw" / "Dataset501_toy"
    ct, pet, label = (
        read_volume(raw / name) for name in ("imagesTr/a_0000.nii.gz", "imagesTr/a_0001.nii.gz", "labelsTr/a.nii.gz")
    )
    assert (ct.array.dtype, pet.array.dtype, label.array.dtype) == (np.int16, np.float32, np.uint8)
    for volume, array in zip((ct, pet, label), (*train[0].images, train[0].label), strict=True):
        np.testing.assert_array_equal(volume.array, array)
        assert volume.grid.matches(GRID)
    assert sorted(path.name for path in (raw / "imagesTs").iterdir()) == ["t_0000.nii.gz", "t_0001.nii.gz"]
    assert sorted(path.name for path in (raw / "labelsTr").iterdir()) == [f"{c}.nii.gz" for c in "abcd"]
    assert not is_phantom(raw)


def test_the_description_names_channels_labels_and_folds(folder, train) -> None:
    export(folder, train)
    found = described(folder)
    assert found["channel_names"] == {"0": "CT", "1": "PET"}  # nnU-Net normalises CT as CT, all else by z-score
    assert found["labels"] == {"background": 0, "GTVp": 1, "GTVn": 2}
    assert (found["numTraining"], found["file_ending"]) == (4, ".nii.gz")
    assert found["folds"] == ["CHGJ", "CHUS"]
    assert splits(folder) == [{"train": ["c", "d"], "val": ["a", "b"]}, {"train": ["a", "b"], "val": ["c", "d"]}]


def test_background_is_ignored_where_a_structure_was_not_annotated(folder, train, tmp_path) -> None:
    partly = write_prepared(tmp_path / "cache", "e", annotated=(True, False), values=(1, 0))
    export(folder, [*train, partly], folds={"x": ("abe", "cd")})
    label = read_volume(folder.below("raw") / "labelsTr" / "e.nii.gz").array
    np.testing.assert_array_equal(label, np.where(np.asarray(partly.label) == 1, 1, 3))
    assert described(folder)["labels"] == {"background": 0, "GTVp": 1, "GTVn": 2, "ignore": 3}
    assert set(np.unique(nnunet_label(train[0]))) == {0, 1, 2}


def test_a_patient_with_nothing_but_ignored_voxels_is_set_aside(folder, train, tmp_path) -> None:
    empty = write_prepared(tmp_path / "cache", "e", annotated=(True, False), values=(0, 0))
    found = export(folder, [*train, empty], folds={"x": ("abe", "cd"), "y": ("cd", "abe")})
    assert [failure.case_id for failure in found.failures] == ["e"]
    assert "GTVn" in found.failures[0].message
    assert splits(folder) == [{"train": ["a", "b"], "val": ["c", "d"]}, {"train": ["c", "d"], "val": ["a", "b"]}]
    assert described(folder)["numTraining"] == len(list((folder.below("raw") / "labelsTr").iterdir())) == 4
    assert "ignore" not in described(folder)["labels"]
    assert not list(folder.below("raw").rglob("e*"))


def test_an_empty_mask_of_annotated_structures_is_an_answer(folder, train, tmp_path) -> None:
    empty = write_prepared(tmp_path / "cache", "e", values=(0, 0))
    assert not export(folder, [*train, empty], folds={"x": ("abe", "cd")}).failures
    assert not read_volume(folder.below("raw") / "labelsTr" / "e.nii.gz").array.any()


def test_a_second_call_writes_only_what_changed_or_is_missing(folder, train, tmp_path) -> None:
    assert export(folder, train).written == tuple("abcd")
    before = times(folder)
    assert export(folder, train).kept == tuple("abcd")
    assert times(folder) == before
    (folder.below("raw") / "imagesTr" / "b_0001.nii.gz").unlink()
    again = write_prepared(tmp_path / "prepared anew", "c", values=(2, 1))
    found = export(folder, [*train[:2], again, train[3]])
    assert (found.written, found.kept) == (("b", "c"), ("a", "d"))
    label = read_volume(folder.below("raw") / "labelsTr" / "c.nii.gz").array
    np.testing.assert_array_equal(label, again.label)


def test_a_killed_export_is_not_taken_for_a_whole_one(folder, train, monkeypatch) -> None:
    def killed(*arguments):
        raise KeyboardInterrupt

    export(folder, train)
    monkeypatch.setattr("hnseg.prepare.nnunet.write_splits", killed)
    with pytest.raises(KeyboardInterrupt):
        export(folder, train)
    assert not (folder.below("raw") / "dataset.json").exists()


def test_a_phantom_is_marked_wherever_nnunet_writes(folder, train, tmp_path) -> None:
    phantom = write_prepared(tmp_path / "cache", "e", phantom=True)
    export(folder, [*train, phantom], folds={"x": ("abe", "cd")})
    for part in ("raw", "preprocessed", "results"):
        assert (folder.below(part) / MARKER).is_file()
        assert is_phantom(folder.below(part) / "anything" / "below")
    assert described(folder)["phantom"]
    assert not is_phantom(tmp_path / "nnunet" / "nnUNet_raw" / "Dataset502_other")


def test_several_processes_write_the_same(folder, train, tmp_path) -> None:
    export(folder, train)
    other = NnunetFolder(tmp_path / "other", 501, "toy")
    export(other, train, workers=2)
    for path in folder.below("raw").rglob("*_0001.nii.gz"):
        np.testing.assert_array_equal(
            read_volume(path).array, read_volume(other.below("raw") / path.relative_to(folder.below("raw"))).array
        )
    assert times(other).keys() == {other.below("raw") / p.relative_to(folder.below("raw")) for p in times(folder)}


def test_other_patients_and_other_folds_are_thrown_away_only_when_asked(folder, train) -> None:
    export(folder, train)
    with pytest.raises(ValueError, match="another export"):
        export(folder, train[:3], folds={"x": ("ab", "c")})
    with pytest.raises(ValueError, match="other folds"):
        export(folder, train, folds={"x": ("ab", "cd")})
    export(folder, train[:3], folds={"x": ("ab", "c")}, overwrite=True)
    assert described(folder)["numTraining"] == len(list((folder.below("raw") / "labelsTr").iterdir())) == 3


def test_a_number_belongs_to_one_data_set(folder, train) -> None:
    export(folder, train)
    with pytest.raises(ValueError, match="Dataset501_toy, which takes the number"):
        export(NnunetFolder(folder.root, 501, "other"), train)
    export(NnunetFolder(folder.root, 502, "other"), train)


@pytest.mark.parametrize(("number", "name"), [(0, "toy"), (1000, "toy"), (5, "two words"), (5, "")])
def test_numbers_and_names_that_nnunet_cannot_use(number, name, tmp_path) -> None:
    with pytest.raises(ValueError, match="dataset_"):
        NnunetFolder(tmp_path, number, name)


def test_a_fold_with_nobody_left_and_a_reserved_name_are_errors(folder, train) -> None:
    with pytest.raises(ValueError, match="fold y has 4 patients to train and 0 to test"):
        export(folder, train, folds={"x": ("ab", "cd"), "y": ("abcd", "")})
    with pytest.raises(ValueError, match="'ignore'"):
        export(folder, [replace(train[0], label_names=("GTVp", "ignore"))], folds={"x": ("a", "a")})
