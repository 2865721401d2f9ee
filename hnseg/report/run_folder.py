"""What a run left on disk, read once; what is not there is said, not guessed."""

from __future__ import annotations

import json
import re
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
        postprocessed: the same after post-processing; empty where there was none.
        official: the scores of the challenges; empty where they were not computed.
        configuration: the text of ``config.yaml``, empty where there is none.
        overrides: what the user changed on the command line.
        phantom: whether anything in the run says that it saw a phantom.
    """

    folder: Path
    manifest: dict[str, Any]
    epochs: pd.DataFrame
    cases: pd.DataFrame
    postprocessed: pd.DataFrame
    official: dict[str, Any]
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
        cases = read_cases(folder / "cases.csv")
        return cls(
            folder=folder,
            manifest=manifest,
            epochs=by_epoch(_read_csv(folder / "metrics.csv")),
            cases=cases,
            postprocessed=read_cases(folder / "postprocessed" / "cases.csv"),
            official=_read_official(folder / "official.json"),
            configuration=_read_text(folder / "config.yaml"),
            overrides=_read_overrides(folder / "overrides.yaml")
            or _read_overrides(folder / ".hydra" / "overrides.yaml"),
            phantom=_is_phantom(manifest, cases),
        )

    def prediction_of(self, case_id: str) -> Path | None:
        """The label map that the run predicted, on the patient's own CT grid; None where there is none."""
        path = self.folder / "predictions" / f"{case_id}.nii.gz"
        return path if path.is_file() else None

    def refined_of(self, case_id: str) -> Path | None:
        """The same after post-processing."""
        path = self.folder / "postprocessed" / "predictions" / f"{case_id}.nii.gz"
        return path if path.is_file() else None

    def prepared(self, case_id: str) -> Path | None:
        """The folder of the prepared case; None where it is not known or was deleted since."""
        named = self.manifest.get("cases", {}).get(case_id)
        return Path(named) if named and Path(named).is_dir() else None

    def target_of(self, part: str) -> str:
        """The class that ``config.yaml`` names for ``model`` or ``loss``, without its package; empty for none."""
        node: Any = _read_mapping(self.folder / "config.yaml")
        for name in (part, "net"):
            node = node.get(name, node) if isinstance(node, dict) else None
        return str(node.get("_target_", "")).rpartition(".")[2] if isinstance(node, dict) else ""

    def chain(self) -> dict[str, Any]:
        """The steps that the masks in ``postprocessed/`` went through, and their settings; empty for none.

        What these masks say of themselves comes before what was configured.
        """
        if self.postprocessed.empty:
            return {}
        own = _read_mapping(self.folder / "postprocessed" / "postprocess.yaml")
        configured = (_read_mapping(self.folder / "config.yaml") or {}).get("postprocess")
        return own if own is not None else configured if isinstance(configured, dict) else {}


def read_cases(path: Path) -> pd.DataFrame:
    """A table of patients; empty where there is none. Names stay text, whatever they look like.

    Raises:
        ValueError: it cannot be read.
    """
    cases = _read_csv(path)
    for name in ("case", "centre", "structure"):
        # a table without centres, say, has one nameless centre
        cases[name] = cases[name].fillna("").astype(str) if name in cases.columns else ""
    return cases


def as_file_name(name: str) -> str:
    """A name as that of a file or folder, as cross-validation names those of its folds."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)


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


def _read_csv(path: Path) -> pd.DataFrame:
    if not path.is_file() or path.stat().st_size == 0:
        return pd.DataFrame()
    names = {"case": str, "centre": str, "structure": str, "fold": str, "phantom": str}
    try:
        # a patient or a centre may well be called NA
        return pd.read_csv(path, dtype=names, keep_default_na=False, na_values=["", "nan", "NaN"])
    except (ValueError, pd.errors.ParserError) as error:
        raise ValueError(f"{path} is not a readable table ({error}); resume the run to write it again") from error


def _read_official(path: Path) -> dict[str, Any]:
    """Empty where there are no scores, or none that can be read: whoever reads a page wants the rest of it."""
    try:
        scores = json.loads(_read_text(path) or "{}")
    except ValueError:
        return {}
    return scores if isinstance(scores, dict) else {}


def _read_mapping(path: Path) -> dict[str, Any] | None:
    """None where there is no file; empty where there is nothing in it that can be read."""
    if not path.is_file():
        return None
    try:
        node = yaml.safe_load(_read_text(path))
    except yaml.YAMLError:
        return {}
    return node if isinstance(node, dict) else {}


def _read_text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _read_overrides(path: Path) -> tuple[str, ...]:
    try:
        entries = yaml.safe_load(_read_text(path))
    except yaml.YAMLError:
        return ()
    return tuple(str(entry) for entry in entries) if isinstance(entries, list) else ()
