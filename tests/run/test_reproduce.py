import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hnseg.io import write_volume
from hnseg.prepare.organs import PDDCA
from hnseg.run.command import run
from hnseg.run.published_tables import paper_table
from hnseg.run.reproduce import task_overrides
from hnseg.types import Grid, Volume

TINY = [
    "data=phantom",
    "data.phantom={patients: 8, seed: 0, coarse: 4.0}",
    "data.spacing_mm=[4.5,4.5,4.5]",
    "view.size_zyx=[32,32,32]",
    "model.net.filters=2",
    "trainer.max_epochs=2",
    "trainer.check_val_every_n_epoch=1",
    "trainer.accelerator=cpu",
    "workers=0",
    "threads=1",
]


def test_the_papers_own_lists_are_for_the_papers_own_patients() -> None:
    table = paper_table("iantsen2020_senorm", 1)
    typed = ["experiment=iantsen2020_senorm", "data.root=DIR", "table=1", "plan_only=true"]
    assert task_overrides(table, typed, "hecktor2020") == ["split=published2020", *typed[:2]]
    assert task_overrides(table, typed, "phantom") == ["split=centres_and_random", *typed[:2]]


def test_what_the_user_chose_stands() -> None:
    typed = ["experiment=iantsen2020_senorm", "split=kfold", "+table=1"]
    assert task_overrides(paper_table("iantsen2020_senorm", 1), typed, "hecktor2020") == typed[:2]


def test_a_paper_with_one_split_is_trained_once() -> None:
    table = paper_table("jain2020_model_l", 2)
    typed = ["experiment=jain2020_model_l", "table=2", "data.root=DIR"]
    assert task_overrides(table, typed, "miccai2015") == [typed[0], typed[2]]
    assert task_overrides(table, typed, "miccai2015", phantom=True) == ["split=official", typed[0], typed[2]]
    with pytest.raises(ValueError, match=r"jain2020_model_l has one split and is trained once; leave cv\.folds out"):
        task_overrides(table, [*typed, "cv.folds=[0]"], "miccai2015")


@pytest.fixture
def reproduce(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    monkeypatch.delenv("HNSEG_DATA", raising=False)
    return lambda *arguments: run("reproduce", arguments)


def test_the_plan_says_what_it_will_cost_and_starts_nothing(reproduce, tmp_path: Path, capsys) -> None:
    assert reproduce("iantsen2020_senorm", "table=1", "plan_only=true", *TINY) == 0
    shown = capsys.readouterr().out
    assert "hnseg cv split=centres_and_random" in shown
    assert "8 training patients of CHGJ, CHMR, CHUM, CHUS" in shown
    assert "PHANTOM" in shown
    assert "networks  8, of which 0 are trained already" in shown
    # 4 times 5 patients to train on and 1 to validate on, in batches of 2, for 2 epochs, and as often with random folds
    assert "8 networks x 2 epochs: 48 steps of 2 x 32 x 32 x 32 voxels, 16 patients through validation" in shown
    assert "An estimate: a step on 32 x 32 x 32 took" in shown
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "data" / "prepared").exists()


def test_a_disk_without_room_stops_it_before_anything_starts(reproduce, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("hnseg.run.cost.free_bytes", lambda _: 1000)
    assert reproduce("iantsen2020_senorm", "table=1", *TINY) == 2
    assert "has 0.0 GB left" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()
    assert reproduce("iantsen2020_senorm", "table=1", "plan_only=true", *TINY) == 0
    assert "NOT ENOUGH ROOM" in capsys.readouterr().out


def test_organs_are_trained_once_and_shown_beside_the_papers(reproduce, tmp_path: Path, monkeypatch, capsys) -> None:
    commands = []

    def train(command: list[str]) -> int:
        """What a training leaves behind."""
        commands.append(command)
        run = tmp_path / "run"
        run.mkdir()
        scores = {"dice": 0.8, "dice_slices": 0.7, "surface_dice": 0.9, "hd95_mm": 3.0, "tolerance_mm": 2.5}
        rows = [{"case": f"P{i}", "centre": "", "structure": n, **scores} for i in range(5) for n in PDDCA]
        pd.DataFrame(rows).to_csv(run / "cases.csv", index=False)
        (run / "manifest.json").write_text(json.dumps({"phantom": True, "finished": True}))
        return 0

    monkeypatch.setattr("hnseg.run.reproduce.run_to_its_end", train)
    chosen = ["data.phantom={patients: 4, test_patients: 2, seed: 0, coarse: 4.0}", "data.spacing_mm=[5,4.5,4.5]"]
    chosen += ["view.size_zyx=[1,64,64]", "model.net.filters=2", "trainer.max_epochs=1", "trainer.accelerator=cpu"]
    chosen += ["threads=1", f"paths.output={tmp_path / 'run'}"]
    assert reproduce("jain2020_model_l", "table=2", *chosen) == 0
    assert commands[0][3:5] == ["train", "split=official"]
    shown = capsys.readouterr().out
    assert "4 training patients, 2 test patients" in shown
    assert "1 networks x 1 epochs: at most" in shown
    lines = [line.split() for line in shown.splitlines()]
    assert ["BrainStem", "paper", "0.864"] in lines
    assert ["BrainStem", "hnseg", "5", "0.800", "±", "0.000", "0.700", "±", "0.000"] in lines
    assert "PHANTOM: hnseg's figures" in shown


def test_every_arm_of_a_comparison_is_planned(reproduce, tmp_path: Path, capsys) -> None:
    lines = ["case,pet,mask"]
    for number in range(6):
        for name in ("pet", "mask"):
            volume = Volume(np.ones((7, 8, 8), np.float32), Grid((7, 8, 8), (4.0, 2.0, 2.0)))
            write_volume(volume, tmp_path / f"{number}_{name}.nii")
        lines.append(f"P{number},{number}_pet.nii,{number}_mask.nii")
    (tmp_path / "mine.csv").write_text("\n".join(lines))
    trained = tmp_path / "five" / "arms" / "rand1cnn" / "folds" / "3"
    trained.mkdir(parents=True)
    (trained / "manifest.json").write_text(json.dumps({"finished": True}))
    (trained / "cases.csv").write_text("case")
    typed = [f"data.csv={tmp_path / 'mine.csv'}", f"paths.output={tmp_path / 'five'}", "plan_only=true"]
    assert reproduce("rainio2024", "table=1", *typed, "trainer.accelerator=cpu", "threads=1") == 0
    shown = capsys.readouterr().out
    assert "networks  15, of which 1 are trained already" in shown
    assert "14 networks x 50 epochs: at most 700 steps of 32 x 128 x 128 voxels" in shown  # 7 slices of 2 to 4 patients
    assert "a step on 64 x 64 took" in shown


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["iantsen2020_senorm", "table=1"], "data.root=DIR"),
        (["rainio2024", "table=1"], "data.root=DIR"),
        (["iantsen2020_senorm", "table=7"], "has no table 7"),
        (["hecktor2022_baseline"], "hecktor2022_baseline has no table 1 of a paper"),
        ([], "name the paper"),
    ],
)
def test_what_cannot_be_reproduced_is_answered_in_a_sentence(reproduce, arguments, sentence, capsys) -> None:
    assert reproduce(*arguments) == 2
    assert sentence in capsys.readouterr().err
