"""What a run left on disk, read once; what is not there is said, not guessed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from hnseg.report.curves import by_epoch
from hnseg.report.manifest import read_manifest

TRUE_WORDS = {"true", "1", "1.0", "yes"}


@dataclass(frozen=True, eq=False)
class RunFolder:
    """A run, as far as it got.

    Attributes:
        folder: where it lies.
        manifest: ``manifest.json``.
        epochs: the training log, a row an epoch; empty where there is none.
        cases: a row a test patient and structure; empty where no test patient was looked at.
        configuration: the text of ``config.yaml``, empty where there is none.
        overrides: what the user changed on the command line.
        phantom: whether anything in the run says that it saw a phantom.
    """

    folder: Path
    manifest: dict[str, Any]
    epochs: pd.DataFrame
    cases: pd.DataFrame
    configuration: str
    overrides: tuple[str, ...]
    phantom: bool

    @classmethod
    def open(cls, folder: Path) -> RunFolder:
        """Read a run.

        Raises:
            ValueError: there is no readable manifest, or a table of the run cannot be read.
        """
        manifest = read_manifest(folder)
        cases = _read_cases(folder / "cases.csv")
        return cls(
            folder=folder,
            manifest=manifest,
            epochs=by_epoch(_read_csv(folder / "metrics.csv")),
            cases=cases,
            configuration=_read_text(folder / "config.yaml"),
            overrides=_read_overrides(folder / "overrides.yaml")
            or _read_overrides(folder / ".hydra" / "overrides.yaml"),
            phantom=_is_phantom(manifest, cases),
        )

    def prediction_of(self, case_id: str) -> Path | None:
        """The label map that the run predicted, on the patient's own CT grid; None where there is none."""
        path = self.folder / "predictions" / f"{case_id}.nii.gz"
        return path if path.is_file() else None

    def prepared(self, case_id: str) -> Path | None:
        """The folder of the prepared case; None where it is not known or was deleted since."""
        named = self.manifest.get("cases", {}).get(case_id)
        return Path(named) if named and Path(named).is_dir() else None

    def target_of(self, part: str) -> str:
        """The class that ``config.yaml`` names for ``model`` or ``loss``, without its package; empty for none."""
        try:
            node = yaml.safe_load(self.configuration)
        except yaml.YAMLError:
            return ""
        for name in (part, "net"):
            node = node.get(name, node) if isinstance(node, dict) else None
        return str(node.get("_target_", "")).rpartition(".")[2] if isinstance(node, dict) else ""


def _is_phantom(manifest: dict[str, Any], cases: pd.DataFrame) -> bool:
    """A single mark is enough, wherever it stands: manifest, table of patients, or any prepared case."""
    if _says_true(manifest.get("phantom", False)):
        return True
    if "phantom" in cases.columns and any(_says_true(value) for value in cases["phantom"]):
        return True
    return any(_case_is_marked(Path(folder)) for folder in manifest.get("cases", {}).values())


def _case_is_marked(folder: Path) -> bool:
    try:
        about = json.loads((folder / "case.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return _holds_mark(about)


def _holds_mark(node: Any) -> bool:
    if isinstance(node, list):
        return any(_holds_mark(part) for part in node)
    if isinstance(node, dict):
        return _says_true(node.get("phantom", False)) or any(_holds_mark(part) for part in node.values())
    return False


def _says_true(value: Any) -> bool:
    return str(value).strip().lower() in TRUE_WORDS


def _read_cases(path: Path) -> pd.DataFrame:
    cases = _read_csv(path)
    for name in ("case", "centre", "structure"):
        # a table without centres, say, has one nameless centre
        cases[name] = cases[name].fillna("").astype(str) if name in cases.columns else ""
    return cases


def _read_csv(path: Path) -> pd.DataFrame:
    if not path.is_file() or path.stat().st_size == 0:
        return pd.DataFrame()
    names = {"case": str, "centre": str, "structure": str, "phantom": str}
    try:
        # a patient or a centre may well be called NA
        return pd.read_csv(path, dtype=names, keep_default_na=False, na_values=["", "nan", "NaN"])
    except (ValueError, pd.errors.ParserError) as error:
        raise ValueError(f"{path} is not a readable table ({error}); resume the run to write it again") from error


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _read_overrides(path: Path) -> tuple[str, ...]:
    try:
        entries = yaml.safe_load(_read_text(path))
    except yaml.YAMLError:
        return ()
    return tuple(str(entry) for entry in entries) if isinstance(entries, list) else ()
