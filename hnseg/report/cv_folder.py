"""What a cross-validation left on disk, read once; a fold that is not there yet is said, not guessed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from hnseg.report.reading import read_cases
from hnseg.report.run_folder import RunFolder, as_file_name


@dataclass(frozen=True, eq=False)
class FoldFolder:
    """A fold, as far as it got.

    Attributes:
        name: of its folder below ``folds/``.
        run: None where nothing can be read yet.
        lacking: what it still lacks, in words; empty for a fold whose patients are in the cross-validation's tables.
    """

    name: str
    run: RunFolder | None
    lacking: str

    @property
    def looks(self) -> int:
        """How often its left-out patients were looked at."""
        return 0 if self.run is None else int(self.run.manifest.get("test_looks", 0))


@dataclass(frozen=True, eq=False)
class CvFolder:
    """A cross-validation.

    Attributes:
        whole: its folder, read as if it was a run: manifest, out-of-fold tables and masks, configuration.
        folds: in the order in which they are trained.
        test: rows of the ensemble on test patients; empty where they have no masks, or nobody looked.
        test_postprocessed: the same after post-processing.
    """

    whole: RunFolder
    folds: tuple[FoldFolder, ...]
    test: pd.DataFrame
    test_postprocessed: pd.DataFrame

    @classmethod
    def open(cls, folder: Path) -> CvFolder:
        """Read a cross-validation.

        Raises:
            ValueError: there is no readable manifest, or a table of the cross-validation cannot be read.
        """
        whole = RunFolder.open(folder)
        scored = {as_file_name(fold) for fold in _column(whole.cases, "fold")}
        names = whole.manifest.get("folds") or sorted(path.name for path in (folder / "folds").glob("*"))
        folds = tuple(_open_fold(folder / "folds" / str(name), scored) for name in names)
        test, processed = (read_cases(folder / "test" / part / "cases.csv") for part in ("", "postprocessed"))
        marked = [whole.phantom, *(fold.run.phantom for fold in folds if fold.run)]
        return cls(replace(whole, phantom=any(marked)), folds, test, processed)

    @property
    def missing(self) -> tuple[FoldFolder, ...]:
        """Folds that are in no table yet."""
        return tuple(fold for fold in self.folds if fold.lacking)

    @property
    def outlined(self) -> int:
        """How many test patients the ensemble outlined."""
        return len(list((self.whole.folder / "test" / "predictions").glob("*.nii.gz")))

    def chains(self) -> dict[str, str]:
        """Post-processing (``crf, drop_small``; ``none``) to the folds that were tuned to it; empty without any."""
        if self.whole.postprocessed.empty:
            return {}
        found: dict[str, list[str]] = {}
        for fold in self.folds:
            if fold.run:
                found.setdefault(", ".join(fold.run.chain()) or "none", []).append(fold.name)
        return {chain: ", ".join(names) for chain, names in found.items()}

    def test_chain(self) -> str:
        """The post-processing of the ensemble's masks."""
        try:
            stamp = json.loads((self.whole.folder / "test" / "ensemble.json").read_text(encoding="utf-8"))
            return ", ".join(stamp["chain"])
        except (OSError, ValueError, TypeError, KeyError):
            return ""


def _open_fold(folder: Path, scored: set[str]) -> FoldFolder:
    if not (folder / "manifest.json").is_file():
        return FoldFolder(folder.name, None, "not started")
    try:
        run = RunFolder.open(folder)
    except ValueError as error:
        return FoldFolder(folder.name, None, f"cannot be read: {error}")
    return FoldFolder(folder.name, run, _lacking(run, folder.name in scored))


def _lacking(run: RunFolder, in_tables: bool) -> str:
    if not run.manifest.get("finished", False):
        epochs = int(run.epochs.index.max()) + 1 if len(run.epochs) else 0
        return f"not finished: stopped or still running after {epochs} epoch" + ("s" if epochs != 1 else "")
    if run.cases.empty:
        return "trained, but its left-out patients are not scored"
    return "" if in_tables else "finished, but not in the tables yet"


def _column(rows: pd.DataFrame, name: str) -> list[str]:
    return [str(value) for value in dict.fromkeys(rows[name])] if name in rows.columns else []
