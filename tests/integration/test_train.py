import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from tests.integration.tiny import TINY, Command


def test_a_run_leaves_what_the_documentation_says(trained: Path) -> None:
    for name in ("config.yaml", "overrides.yaml", "manifest.json", "metrics.csv", "cases.csv", "report.html"):
        assert (trained / name).stat().st_size > 0, name
    manifest = json.loads((trained / "manifest.json").read_text())
    assert manifest["finished"]
    assert manifest["phantom"]
    assert manifest["test_looks"] == 1
    cases = pd.read_csv(trained / "cases.csv")
    assert sorted(cases["case"]) == sorted(manifest["split"]["test"])
    assert all((trained / "predictions" / f"{case}.nii.gz").is_file() for case in cases["case"])


def test_the_report_of_a_phantom_carries_the_watermark(trained: Path) -> None:
    assert "PHANTOM" in (trained / "report.html").read_text().upper()


def test_metrics_have_a_row_a_step(trained: Path) -> None:
    metrics = pd.read_csv(trained / "metrics.csv")
    assert metrics["step"].is_unique
    trained_steps = metrics[metrics["test/dice"].isna()]
    assert trained_steps["train/loss"].notna().all()
    assert list(trained_steps["step"]) == list(range(6))  # 3 epochs of 4 patients, 2 a batch
    assert metrics["val/dice"].notna().sum() == 3


def test_checkpoints_hold_plain_data_and_explain_themselves(trained: Path) -> None:
    for name in ("best", "last"):
        content = torch.load(trained / "checkpoints" / f"{name}.ckpt", weights_only=True)
        assert content["hnseg"]["phantom"] is True
        assert content["hnseg"]["labels"] == {"names": ["GTVt"], "activation": "sigmoid"}
        assert content["hnseg"]["config"] == yaml.safe_load((trained / "config.yaml").read_text())


def test_the_same_command_again_says_that_it_is_finished(trained: Path, command: Command) -> None:
    before = (trained / "manifest.json").read_bytes()
    shown = command("train.py", *TINY, "name=whole").stdout
    assert "is finished" in shown
    assert str(trained / "report.html") in shown
    assert (trained / "manifest.json").read_bytes() == before


def test_another_configuration_under_the_same_name_is_refused(trained: Path, command: Command) -> None:
    done = command("train.py", *TINY, "name=whole", "optimizer.lr=0.5", expect=2)
    assert "optimizer.lr: 0.01 -> 0.5" in done.stderr


def test_predict_gives_what_the_test_stage_gave(trained: Path, command: Command, tmp_path: Path) -> None:
    from hnseg.io import read_volume

    data = trained.parents[2] / "data" / "phantom"
    boxes = data / "hecktor_train" / "bbox.csv"  # as the test stage had them
    given = (f"checkpoint={trained}", f"input={data}", f"output={tmp_path}", f"boxes={boxes}")
    command("predict.py", *given, "device=cpu")
    for tested in (trained / "predictions").glob("*.nii.gz"):
        ours, theirs = read_volume(tmp_path / tested.name), read_volume(tested)
        assert ours.grid.matches(theirs.grid)
        assert np.array_equal(ours.array, theirs.array)


def test_evaluate_gives_what_the_test_stage_gave(trained: Path, command: Command, tmp_path: Path) -> None:
    data = trained.parents[2] / "data" / "phantom" / "hecktor_train" / "hecktor_nii"
    given = (f"predictions={trained / 'predictions'}", f"truth={data}", f"output={tmp_path}")
    done = command("-m", "hnseg.run.cli", "evaluate", *given, expect=1)
    assert "no prediction" in done.stdout  # the training patients were not predicted
    ours = pd.read_csv(tmp_path / "cases.csv").set_index("case")["dice"]
    theirs = pd.read_csv(trained / "cases.csv").set_index("case")["dice"]
    pd.testing.assert_series_equal(ours[theirs.index], theirs)


@pytest.mark.slow
def test_prepare_a_second_time_does_nothing(trained: Path, command: Command) -> None:
    shown = command("-m", "hnseg.run.cli", "prepare", *TINY).stdout
    assert "nothing to do" in shown


def test_two_processes_train_the_same_network(trained: Path, command: Command, runs: Path) -> None:
    two_devices = ("trainer.devices=2", "trainer.strategy=ddp", "trainer.use_distributed_sampler=false")
    command("train.py", *TINY, "name=two", *two_devices)
    one, two = (pd.read_csv(runs / name / "metrics.csv") for name in ("whole", "two"))
    # the same batches, summed up in another order; Adam makes more of that from step to step
    np.testing.assert_allclose(two["train/loss"][:2], one["train/loss"][:2], rtol=1e-5)
    for column in ("train/loss", "val/loss", "val/dice"):
        np.testing.assert_allclose(two[column], one[column], rtol=0.02, atol=0.01)
    assert sorted(pd.read_csv(runs / "two" / "cases.csv")["case"]) == sorted(pd.read_csv(trained / "cases.csv")["case"])


def test_wandb_offline(command: Command, runs: Path) -> None:
    command("train.py", *TINY, "name=logged", "logger=wandb", "logger.wandb.offline=true", "trainer.max_epochs=1")
    assert list((runs / "logged" / "wandb").glob("offline-run-*/*.wandb"))
    assert (runs / "logged" / "metrics.csv").is_file()


@pytest.mark.slow
def test_mixed_precision_and_channels_last(command: Command) -> None:
    command(
        "train.py",
        *TINY,
        "name=bf16",
        "trainer.precision=bf16-mixed",
        "model.channels_last=true",
        "model.net.checkpointing=true",
        "trainer.max_epochs=1",
    )
