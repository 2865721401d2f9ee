"""A logger that survives being killed: metrics.csv is cut to the restored step and appended, never started anew."""

from __future__ import annotations

import csv
from argparse import Namespace
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities.rank_zero import rank_zero_only  # type: ignore[attr-defined]

from hnseg.io import write_rows

FIRST_COLUMNS = ("epoch", "step")


class MetricsCsv(Logger):
    """One row a logged step, one column a metric; empty where a metric was not logged in that step.

    Lightning's own CSVLogger removes an existing file, so that a resumed run would lose its past.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self.path = Path(path)
        self._rows: dict[int, dict[str, Any]] = {}
        self._columns: list[str] = list(FIRST_COLUMNS)
        if self.path.exists():
            with self.path.open(newline="") as file:
                reader = csv.DictReader(file)
                self._columns = list(reader.fieldnames or FIRST_COLUMNS)
                self._rows = {int(row["step"]): {k: v for k, v in row.items() if v != ""} for row in reader}

    @property
    def name(self) -> str:
        return "metrics"

    @property
    def version(self) -> str:
        return ""

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing: the run's folder holds config.yaml."""

    def cut(self, step: int) -> None:
        """Forget what was logged at ``step`` and later: a resumed run is about to log it again."""
        self._rows = {known: row for known, row in self._rows.items() if known < step}
        if self.path.exists():
            self._rewrite()

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        assert step is not None, "Lightning gives the step"
        row = self._rows.setdefault(step, {"step": step})
        again = len(row) > 1
        row.update({key: _plain(value) for key, value in metrics.items()})
        new = [key for key in row if key not in self._columns]
        self._columns += new
        if again or new or not self.path.exists():
            self._rewrite()
        else:
            with self.path.open("a", newline="") as file:
                csv.DictWriter(file, self._columns, restval="").writerow(row)

    def _rewrite(self) -> None:
        rows = [{key: row.get(key, "") for key in self._columns} for _, row in sorted(self._rows.items())]
        write_rows(self.path, rows, self._columns)


def _plain(value: Any) -> Any:
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 1e15 else number
