"""What several cross-validations left on disk that differ in how a click is used; what is not there is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

import pandas as pd

from hnseg.evaluate.five_methods import KEYS, METHODS
from hnseg.report.manifest import MANIFEST_NAME, read_manifest
from hnseg.report.reading import read_csv
from hnseg.report.run_folder import TRUE_WORDS, RunFolder

ARM_METHODS = {
    "cnnonly": {"dice": "CNNonly", "dice_filtered_random": "CNNrand", "dice_filtered_centre": "CNNcm"},
    "rand1cnn": {"dice": "rand1CNN"},
    "cm1cnn": {"dice": "cm1CNN"},
}
"""What the columns of an arm's ``slices.csv`` are Dice of."""
NEEDED = {"slices": ("case", "slice", "pixels", "dice"), "empty_slices": ("case", "predicted_pixels", "predicted_ml")}
JOINED = (*KEYS, "pixels")
"""With its true pixels: a slice that was scored against two truths is two slices."""


@dataclass(frozen=True, eq=False)
class ArmFold:
    """A fold of an arm.

    Attributes:
        name: of its folder.
        folder: where it lies.
        lacking: what it still lacks, in words; empty where its slices are scored.
        threshold: above which a pixel is positive; None where nobody noted it.
        slices, empty: its tables; without rows where it lacks something, or has none.
    """

    name: str
    folder: Path
    lacking: str
    threshold: float | None
    slices: pd.DataFrame
    empty: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Arm:
    """One of the cross-validations, as far as it got."""

    name: str
    folder: Path
    manifest: dict[str, Any]
    folds: tuple[ArmFold, ...]

    @property
    def done(self) -> tuple[ArmFold, ...]:
        """The folds whose slices are scored."""
        return tuple(fold for fold in self.folds if not fold.lacking)


@dataclass(frozen=True, eq=False)
class ArmsFolder:
    """All arms.

    Attributes:
        whole: the folder above them, read as if it was a run: manifest, configuration, what was typed.
        arms: in the order of the manifest.
        folds: names of all arms' folds.
        scores: a row a slice, with ``KEYS`` and the methods that any fold was scored with.
        empty: a row a slice without tumour and arm, with ``method``.
        left_out: slices that only some of the arms that finished their fold were scored on; they are in no table.
    """

    whole: RunFolder
    arms: tuple[Arm, ...]
    folds: tuple[str, ...]
    scores: pd.DataFrame
    empty: pd.DataFrame
    left_out: int

    @classmethod
    def open(cls, folder: Path) -> ArmsFolder:
        """Read all arms.

        Raises:
            ValueError: there is no readable manifest, a table of a fold cannot be read or lacks a column.
        """
        whole = RunFolder.open(folder)
        names = [str(name) for name in whole.manifest.get("arms", ARM_METHODS)]
        arms = tuple(_open_arm(folder / "arms" / name) for name in names)
        folds = tuple(dict.fromkeys(fold.name for arm in arms for fold in arm.folds))
        scores, left_out = _joined([arm for arm in arms if arm.name in ARM_METHODS], folds)
        tables = [table for arm in arms for fold in arm.folds for table in (fold.slices, fold.empty)]
        marks = [arm.manifest.get("phantom", False) for arm in arms]
        marked = whole.phantom or any(map(_says_true, marks)) or any(map(_mark_in, tables))
        return cls(replace(whole, phantom=marked), arms, folds, scores, _empty(arms), left_out)

    @property
    def finished(self) -> bool:
        """Whether every fold of every arm is scored."""
        return bool(self.folds) and all(len(arm.done) == len(self.folds) for arm in self.arms)

    @property
    def missing_arms(self) -> tuple[str, ...]:
        """The arms of the five methods that have no scored fold."""
        done = {arm.name for arm in self.arms if arm.done}
        return tuple(name for name in ARM_METHODS if name not in done)

    def fold_of(self, arm_name: str, fold_name: str) -> ArmFold | None:
        """None where it is not scored."""
        found = [fold for arm in self.arms if arm.name == arm_name for fold in arm.done if fold.name == fold_name]
        return found[0] if found else None


def _open_arm(folder: Path) -> Arm:
    manifest = read_manifest(folder) if (folder / MANIFEST_NAME).is_file() else {}
    below = sorted(path.name for path in (folder / "folds").glob("*") if path.is_dir())
    names = manifest.get("folds") or below
    return Arm(folder.name, folder, manifest, tuple(_open_fold(folder / "folds" / str(name)) for name in names))


def _open_fold(folder: Path) -> ArmFold:
    manifest = read_manifest(folder) if (folder / MANIFEST_NAME).is_file() else None
    tables = {name: pd.DataFrame(columns=list(columns)) for name, columns in NEEDED.items()}
    lacking = _lacking(folder, manifest)
    if not lacking:
        tables = {name: _read(folder / f"{name}.csv", columns) for name, columns in NEEDED.items()}
    threshold = (manifest or {}).get("threshold")
    noted = float(threshold) if isinstance(threshold, int | float) else None
    return ArmFold(folder.name, folder, lacking, noted, tables["slices"], tables["empty_slices"])


def _lacking(folder: Path, manifest: dict[str, Any] | None) -> str:
    if manifest is None:
        return "not started"
    if not manifest.get("finished", False):
        return "not finished"
    return "" if (folder / "slices.csv").is_file() else "finished, but its slices are not scored"


def _read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    table = read_csv(path)
    if table.empty:  # a fold may have no slice without tumour, and then no such table
        return pd.DataFrame(columns=list(columns))
    if missing := [name for name in columns if name not in table.columns]:
        raise ValueError(
            f"{path} lacks the columns {missing}; delete it and cases.csv beside it, and say the same command again"
        )
    return table


def _joined(arms: Sequence[Arm], folds: Sequence[str]) -> tuple[pd.DataFrame, int]:
    """Slices by fold, patient and place, and how many had to be left out."""
    tables = [_arm_table(arm) for arm in arms if arm.done]
    if not tables:
        return pd.DataFrame(columns=[*KEYS, *METHODS]), 0
    joined = reduce(lambda a, b: a.merge(b, on=list(JOINED), how="outer"), tables)
    order = {name: place for place, name in enumerate(folds)}
    places = joined["fold"].map(order)
    joined = joined.assign(place=places).sort_values(["place", "case", "slice"]).drop(columns=["place", "pixels"])
    lonely = pd.Series(data=False, index=joined.index)
    for arm in arms:
        of_arm = joined["fold"].isin([fold.name for fold in arm.done])
        if arm.done:
            lonely |= of_arm & joined[ARM_METHODS[arm.name]["dice"]].isna()
    return joined[~lonely].reset_index(drop=True), int(lonely.sum())


def _arm_table(arm: Arm) -> pd.DataFrame:
    names = ARM_METHODS[arm.name]
    rows = pd.concat([fold.slices.assign(fold=fold.name) for fold in arm.done], ignore_index=True)
    kept = [name for name in names if name in rows.columns]
    return rows[[*JOINED, *kept]].rename(columns=names)


def _empty(arms: Sequence[Arm]) -> pd.DataFrame:
    """Of an arm with clicks, what its network does without one: there is nothing to click on."""
    tables = []
    for arm in arms:
        method = ARM_METHODS.get(arm.name, {}).get("dice")
        name = method if method == METHODS[0] else f"{method} without a click"
        tables += [fold.empty.assign(method=name, fold=fold.name) for fold in arm.done if method and len(fold.empty)]
    columns = ["method", "fold", *NEEDED["empty_slices"]]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _mark_in(table: pd.DataFrame) -> bool:
    return "phantom" in table.columns and any(_says_true(value) for value in table["phantom"])


def _says_true(value: Any) -> bool:
    return str(value).strip().lower() in TRUE_WORDS
