from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hnseg.io import write_volume
from hnseg.run.command import run
from hnseg.types import Grid, Volume

GRID = Grid((8, 10, 12), (3.0, 1.0, 1.0))


def write(path: Path, start: int, stop: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    array = np.zeros(GRID.shape_zyx, np.uint8)
    array[2:6, 3:8, start:stop] = 1
    write_volume(Volume(array, GRID), path)


@pytest.fixture
def evaluate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    places = [f"{name}={tmp_path / name}" for name in ("truth", "predictions")]
    return lambda *arguments: run("evaluate", [*places, f"output={tmp_path / 'out'}", *arguments])


@pytest.fixture
def pddca(tmp_path: Path) -> Path:
    for case_id in ("0522c0001", "0522c0002"):
        for organ, start in (("BrainStem", 1), ("Mandible", 5)):
            write(tmp_path / "truth" / case_id / "structures" / f"{organ}.nrrd", start, start + 4)
            write(tmp_path / "predictions" / case_id / f"{organ}.nii.gz", start, start + 4)
    return tmp_path


def test_tumours_keep_their_tables(evaluate, tmp_path: Path, capsys) -> None:
    write(tmp_path / "truth" / "CHUS1_gtvt.nii.gz", 2, 6)
    write(tmp_path / "predictions" / "CHUS1.nii.gz", 3, 7)
    assert evaluate() == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"cases.csv", "summary.csv", "official.json"}
    rows = pd.read_csv(tmp_path / "out" / "cases.csv")
    assert rows[["structure", "dice", "tolerance_mm"]].to_numpy().tolist() == [["GTVt", 0.75, 1.0]]
    assert "hd95_median_mm" in capsys.readouterr().out
    assert "note" not in pd.read_csv(tmp_path / "out" / "summary.csv")


def test_organs_are_known_by_their_folders_and_few_patients_have_no_mean(evaluate, pddca: Path, capsys) -> None:
    assert evaluate() == 0
    shown = capsys.readouterr().out
    assert ["BrainStem", "2", "too", "few"] in [line.split() for line in shown.splitlines()]
    assert "mean of 0 organs" in shown
    assert evaluate("least_n=2", "tolerance_mm={BrainStem: 4}") == 0
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    stem = next(line for line in shown if line[:1] == ["BrainStem"])
    assert (stem[1:5], stem[-1]) == (["2", "100.0", "±", "0.0"], "4.00")
    assert pd.read_csv(pddca / "out" / "organs.csv").set_index("structure")["n"]["Mandible"] == 2


def test_what_is_not_there_is_said_and_makes_the_code_one(evaluate, pddca: Path, capsys) -> None:
    (pddca / "predictions" / "0522c0001" / "Mandible.nii.gz").unlink()
    assert evaluate() == 1
    assert "not outlined: 0522c0001, Mandible (scored as an empty mask)" in capsys.readouterr().out
    assert evaluate("second_reader=true") == 0
    assert "not outlined: 0522c0001, Mandible (left out)" in capsys.readouterr().out


def test_two_readers_are_named_by_their_folders(evaluate, pddca: Path) -> None:
    for case_id in ("0522c0001", "0522c0002"):
        write(pddca / "truth" / case_id / "second" / "brain_stem.nrrd", 2, 6)
    arguments = ["prediction_structures=second", "truth_structures=[oncologist,structures]", "second_reader=true"]
    assert evaluate(f"predictions={pddca / 'truth'}", *arguments) == 0
    assert pd.read_csv(pddca / "out" / "cases.csv")["dice"].tolist() == [0.75, 0.75]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["least_n=0"], "least_n=0 is no number of patients"),
        (["tolerance_mm=-1"], "tolerance_mm of BrainStem"),
        (["truth_structures=other"], "has no folder CASE/other"),
    ],
)
def test_what_cannot_be_is_one_sentence(evaluate, pddca: Path, arguments, sentence, capsys) -> None:
    assert evaluate(*arguments) == 2
    assert sentence in capsys.readouterr().err


def test_keys_for_organs_need_organs(evaluate, tmp_path: Path, capsys) -> None:
    write(tmp_path / "truth" / "CHUS1_gtvt.nii.gz", 2, 6)
    assert evaluate("second_reader=true") == 2
    assert "second_reader is for a truth with a file a structure" in capsys.readouterr().err


def test_label_maps_are_read_with_the_names_that_the_predictions_have(evaluate, tmp_path: Path, capsys) -> None:
    """Of `predict` on imported DICOM: GTVt is 1 there, and would be the first of nine organs by default."""
    write(tmp_path / "truth" / "P1" / "structures" / "GTVt.nii.gz", 2, 6)
    write(tmp_path / "predictions" / "P1.nii.gz", 3, 7)
    (tmp_path / "predictions" / "predictions.csv").write_text("case,file,GTVt_ml\nP1,P1.nii.gz,0.3\n")
    assert evaluate() == 0
    rows = pd.read_csv(tmp_path / "out" / "cases.csv")
    assert rows[["structure", "dice"]].to_numpy().tolist() == [["GTVt", 0.75]]
    assert evaluate("label_names=[GTVp,GTVn]") == 2
    assert "says that these predictions are of ['GTVt']" in capsys.readouterr().err
