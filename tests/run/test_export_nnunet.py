import json
import shutil
import sys
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from hnseg.phantom import write_hecktor
from hnseg.run.cli import main

COARSE = ["data.spacing_mm=[9,9,9]", "data.prepare_workers=1", "view.size_zyx=[16,16,16]"]


@pytest.fixture(autouse=True)
def _own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("HNSEG_DATA", "")
    monkeypatch.setattr(sys, "argv", ["hnseg"])
    GlobalHydra.instance().clear()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sound")
    return write_hecktor(root, year=2022, patients=7, seed=0, test_patients=1, coarse=4.0, workers=1, progress=False)


def test_every_fold_leaves_out_whom_hnseg_tests_on(sound, tmp_path, capsys) -> None:
    arguments = ["export-nnunet", "data=hecktor2022", f"data.root={sound}", f"output={tmp_path / 'nnunet'}", *COARSE]
    assert main([*arguments, "split=leave_one_centre_out"]) == 0
    shown = capsys.readouterr().out
    raw = tmp_path / "nnunet" / "nnUNet_raw" / "Dataset501_hecktor2022"
    description = json.loads((raw / "dataset.json").read_text())
    splits = json.loads((tmp_path / "nnunet" / "nnUNet_preprocessed" / raw.name / "splits_final.json").read_text())
    exported = {path.name.removesuffix(".nii.gz") for path in (raw / "labelsTr").iterdir()}
    assert len(splits) == len(description["folds"]) >= 2
    for fold, split in zip(description["folds"], splits, strict=True):
        assert {case_id.split("-")[0] for case_id in split["val"]} == {fold}
        assert set(split["train"]) | set(split["val"]) == exported  # inner validation patients train, too
        assert not set(split["train"]) & set(split["val"])
    assert len(list((raw / "imagesTs").iterdir())) == 2
    assert f"0 = {description['folds'][0]}" in shown
    assert f"export nnUNet_raw='{raw.parent}'" in shown
    assert main([*arguments, "split=leave_one_centre_out"]) == 0
    assert "0 patients written, 8 were there" in capsys.readouterr().out


def test_broken_patients_are_set_aside_by_name(sound, tmp_path, capsys) -> None:
    root = tmp_path / "broken"
    shutil.copytree(sound, root)
    broken = sorted(root.rglob("imagesTr/*__CT.nii.gz"))[0]
    broken.write_bytes(b"not an image")
    arguments = ["export-nnunet", "data=hecktor2022", f"data.root={root}", f"output={tmp_path / 'nnunet'}", *COARSE]
    assert main([*arguments, "split=kfold", "split.folds=2", "dataset_id=77", "dataset_name=mine"]) == 1
    shown = capsys.readouterr().out
    assert "1 patients were set aside" in shown
    assert broken.name.split("__")[0] in shown
    written = tmp_path / "nnunet" / "nnUNet_preprocessed" / "Dataset077_mine" / "splits_final.json"
    splits = json.loads(written.read_text())
    assert sorted(len(split["val"]) for split in splits) == [3, 3]


def test_a_split_without_folds_says_what_to_use(sound, tmp_path, capsys) -> None:
    output = f"output={tmp_path / 'nnunet'}"
    assert main(["export-nnunet", "data=hecktor2022", f"data.root={sound}", output, *COARSE, "split=official"]) == 2
    assert "use split=kfold" in capsys.readouterr().err
