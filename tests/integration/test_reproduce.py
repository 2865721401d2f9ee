"""A paper's table on the phantom, from the command to the printed figures, and what tuning changes in it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from hnseg.report import read_manifest
from tests.integration.tiny import TINY, Command

pytestmark = pytest.mark.slow

OWN = ("split", "fold")
CHOSEN = [argument for argument in TINY if not argument.startswith(OWN)]
CHOSEN += [
    "data=phantom",
    "name=made",
    "trainer.max_epochs=1",
    "split=centres_and_random",
    "split.random_folds=2",
    "cv.folds=[CHUS,random_0]",
]
REPRODUCE = ["-m", "hnseg.run.cli", "reproduce", "iantsen2020_senorm", "table=1", *CHOSEN]


@pytest.fixture(scope="module")
def made(command: Command, environment: dict[str, str]) -> tuple[Path, str]:
    shown = command(*REPRODUCE).stdout
    return Path(environment["HNSEG_ROOT"]) / "runs" / "cv" / "made", shown


def test_cost_comes_first_and_the_table_last(made: tuple[Path, str]) -> None:
    folder, shown = made
    plan, rest = shown.split("fold ", 1)
    assert "An estimate: a step on" in plan
    assert "networks  2, of which 0 are trained already" in plan
    table = rest.split("Table 1 of Iantsen", 1)[1]
    assert "PHANTOM" in table
    lines = [line.split() for line in table.splitlines()]
    assert any(line[:4] == ["CHUS", "paper", "72", "0.744"] for line in lines)
    assert any(line[:2] == ["CHUS", "hnseg"] for line in lines)
    assert any(line[:5] == ["mean", "of", "random", "splits", "hnseg"] for line in lines)
    written = pd.read_csv(folder / "tables" / "iantsen2020_senorm-table1.csv")
    assert written.loc[written["of"] == "hnseg", "phantom"].all()


def test_said_again_it_trains_nothing_and_prints_the_table(made: tuple[Path, str], command: Command) -> None:
    folder, first = made
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("best.ckpt")}
    shown = command(*REPRODUCE).stdout
    assert "networks  2, of which 2 are trained already" in shown
    assert "An estimate" not in shown
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("best.ckpt")} == before
    assert shown.split("Table 1 of Iantsen")[-1] == first.split("Table 1 of Iantsen")[-1]


def test_every_fold_carries_what_was_tuned_on_it_alone(made: tuple[Path, str], command: Command) -> None:
    folder, _ = made
    before = (folder / "cases.csv").read_text()
    tune = ["tune-postprocess", str(folder), "postprocess=drop_small", "space={drop_small.min_volume_mm3:[200,1e9]}"]
    shown = command("-m", "hnseg.run.cli", *tune).stdout
    assert "No test patient was looked at" in shown
    for name in read_manifest(folder)["folds"]:
        run = folder / "folds" / name
        chosen = yaml.safe_load((run / "postprocess.yaml").read_text())
        carried = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["hnseg"]["postprocess"]
        assert carried == chosen
        table = pd.read_csv(run / "tuning.csv")
        assert table.loc[table["best"], "dice_mean"].item() == table["dice_mean"].max()
        assert not table["best"].iloc[-1]  # nobody's tumour is a cubic metre
    assert (folder / "postprocess.yaml").is_file()
    command(*REPRODUCE)
    assert (folder / "cases.csv").read_text() == before
