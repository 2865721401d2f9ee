import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra.core.global_hydra import GlobalHydra

from hnseg.io import write_volume
from hnseg.io.phantom_marker import MARKER
from hnseg.report.canvas import PHANTOM_TEXT
from hnseg.run.cli import main
from hnseg.run.positionals import quoted
from hnseg.types import Grid, Volume

GRID = Grid((8, 10, 12), (3.0, 1.0, 1.0))


@pytest.fixture(autouse=True)
def _own_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path / "root"))
    monkeypatch.setattr(sys, "argv", ["hnseg"])
    GlobalHydra.instance().clear()


@pytest.fixture
def raters(tmp_path) -> Path:
    """Truth of four patients, a rater who is right and one who is a voxel off; their folder has an odd name."""
    root = tmp_path / "a, b [it's]"
    for name, start in (("truth", 2), ("right", 2), ("off", 3)):
        for case_id in ("CHUM001", "CHUM002", "CHUS003", "CHUS004"):
            array = np.zeros(GRID.shape_zyx, np.uint8)
            array[2:6, 3:8, start : start + 4] = 1
            write_volume(Volume(array, GRID), root / name / f"{case_id}.nii.gz")
    return root


def test_two_raters_side_by_side(raters, tmp_path, capsys) -> None:
    output, truth = tmp_path / "out", quoted(str(raters / "truth"))
    given = [str(raters / "right"), str(raters / "off"), f"truth={truth}", f"output={output}"]
    assert main(["compare", *given, "label_names=[GTVt]"]) == 0
    assert sorted(path.name for path in output.iterdir()) == ["cases.csv", "comparison.csv", "dice.png", "pairs.csv"]
    table = pd.read_csv(output / "comparison.csv").set_index("source")
    assert table["dice_mean"].to_dict() == {"right": 1, "off": 0.75}
    pair = pd.read_csv(output / "pairs.csv").iloc[0]
    assert (pair["source"], pair["reference"], pair["n"]) == ("off", "right", 4)
    assert pair["dice_difference_mean"] == -0.25
    assert len(pd.read_csv(output / "cases.csv")) == 8
    assert PHANTOM_TEXT.encode() not in (output / "dice.png").read_bytes()
    assert not pd.read_csv(output / "cases.csv")["phantom"].any()
    assert "difference from right" in capsys.readouterr().out


def test_patients_that_cannot_be_compared_are_named_and_the_code_is_1(raters, capsys) -> None:
    shutil.move(raters / "off" / "CHUM002.nii.gz", raters / "off" / "other.nii.gz")
    (raters / "right" / MARKER).touch()
    plain = raters.rename(raters.with_name("plain"))
    arguments = ["compare", str(plain / "right"), str(plain / "off"), f"truth={plain / 'truth'}", "label_names=[GTVt]"]
    assert main(arguments) == 1
    shown = capsys.readouterr().out
    assert "not compared (not in off): CHUM002" in shown
    assert "not compared (not in right): other" in shown
    output = raters.parent / "root" / "runs" / "compare" / "right-vs-off"
    assert pd.read_csv(output / "comparison.csv")["n"].tolist() == [3, 3]
    for name in ("comparison", "pairs", "cases"):
        assert pd.read_csv(output / f"{name}.csv")["phantom"].all()
    assert PHANTOM_TEXT.encode() in (output / "dice.png").read_bytes()


def test_one_folder_is_no_comparison(raters, capsys) -> None:
    assert main(["compare", str(raters / "right")]) == 2
    assert "at least two folders" in capsys.readouterr().err
