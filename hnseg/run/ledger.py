"""Who looked at which test patients how often: the ledger that reports quote."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

LEDGER = "test_looks.csv"
COLUMNS = ("when", "run", "data", "split", "key")


def record_look(runs: Path, run: str, data: str, split: str, key: str) -> int:
    """Add a look at the test patients of a split and return how many there have been, this one included.

    Args:
        runs: the folder of all runs; the ledger lies there, beside them.
        run: name of the run that looks.
        data: name of the data set.
        split: name of the split.
        key: hash of who is where (:attr:`hnseg.data.Split.key`).
    """
    path = runs / LEDGER
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a", newline="") as file:  # one short line: appends of several processes do not mix
        writer = csv.writer(file)
        if new:
            writer.writerow(COLUMNS)
        writer.writerow([datetime.now(UTC).isoformat(timespec="seconds"), run, data, split, key])
    with path.open(newline="") as file:
        return sum(row["data"] == data and row["key"] == key for row in csv.DictReader(file))
