from pathlib import Path

import pandas as pd

from hnseg.modules.metrics_csv import MetricsCsv


def test_rows_columns_and_empty_cells(tmp_path: Path) -> None:
    log = MetricsCsv(tmp_path / "metrics.csv")
    log.log_metrics({"epoch": 0, "train/loss": 1.5}, 0)
    log.log_metrics({"epoch": 0, "train/loss": 1.25}, 1)
    log.log_metrics({"epoch": 0, "val/dice": 0.5}, 1)
    table = pd.read_csv(tmp_path / "metrics.csv")
    assert list(table.columns) == ["epoch", "step", "train/loss", "val/dice"]
    assert table["step"].tolist() == [0, 1]
    assert table["train/loss"].tolist() == [1.5, 1.25]
    assert table["val/dice"].isna().tolist() == [True, False]


def test_a_resumed_run_appends_and_cuts_what_it_will_log_again(tmp_path: Path) -> None:
    first = MetricsCsv(tmp_path / "metrics.csv")
    for step in range(5):
        first.log_metrics({"train/loss": step}, step)
    resumed = MetricsCsv(tmp_path / "metrics.csv")
    resumed.cut(3)
    assert pd.read_csv(tmp_path / "metrics.csv")["step"].tolist() == [0, 1, 2]
    resumed.log_metrics({"train/loss": 30}, 3)
    assert pd.read_csv(tmp_path / "metrics.csv")["train/loss"].tolist() == [0, 1, 2, 30]


def test_numbers_keep_their_digits(tmp_path: Path) -> None:
    MetricsCsv(tmp_path / "metrics.csv").log_metrics({"x": 0.1 + 0.2}, 0)
    assert pd.read_csv(tmp_path / "metrics.csv", float_precision="round_trip")["x"][0] == 0.1 + 0.2
