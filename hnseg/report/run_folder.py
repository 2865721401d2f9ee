"""What a run left on disk, read once; what is not there is said, not guessed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from hnseg.report.curves import by_epoch
from hnseg.report.manifest import read_manifest
from hnseg.report.reading import read_cases, read_csv, read_mapping, read_official, read_overrides, read_text
from hnseg.report.settings import label_names
from hnseg.report.structures import has_many, ordered_rows

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
        names = label_names(read_mapping(folder / "config.yaml") or {})
        cases = ordered_rows(read_cases(folder / "cases.csv"), names)
        return cls(
            folder=folder,
            manifest=manifest,
            epochs=by_epoch(read_csv(folder / "metrics.csv")),
            cases=cases,
            postprocessed=ordered_rows(read_cases(folder / "postprocessed" / "cases.csv"), names),
            official=read_official(folder / "official.json"),
            configuration=read_text(folder / "config.yaml"),
            overrides=read_overrides(folder / "overrides.yaml") or read_overrides(folder / ".hydra" / "overrides.yaml"),
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

    @cached_property
    def config(self) -> dict[str, Any]:
        """``config.yaml``; empty where there is none that can be read."""
        return read_mapping(self.folder / "config.yaml") or {}

    @property
    def label_names(self) -> tuple[str, ...]:
        """All structures, in the order of their label values; empty where the configuration does not say."""
        return label_names(self.config)

    @property
    def many(self) -> bool:
        """Whether there are so many structures that each is a line rather than a block of the page."""
        return has_many(self.cases, self.label_names)

    def target_of(self, part: str) -> str:
        """The class that ``config.yaml`` names for ``model`` or ``loss``, without its package; empty for none."""
        node: Any = self.config
        for name in (part, "net"):
            node = node.get(name, node) if isinstance(node, dict) else None
        return str(node.get("_target_", "")).rpartition(".")[2] if isinstance(node, dict) else ""

    def chain(self) -> dict[str, Any]:
        """The steps that the masks in ``postprocessed/`` went through, and their settings; empty for none.

        What these masks say of themselves comes before what was configured.
        """
        if self.postprocessed.empty:
            return {}
        own = read_mapping(self.folder / "postprocessed" / "postprocess.yaml")
        configured = self.config.get("postprocess")
        return own if own is not None else configured if isinstance(configured, dict) else {}


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
