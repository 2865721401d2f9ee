"""Files of a run as they are read: tables, text, plain mappings; what is not there is empty."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

TEXT = ("case", "patient", "centre", "structure", "fold", "phantom", "model", "features", "feature", "group")
"""Columns that stay text, whatever stands in them: a patient may be called 007, a feature 12."""


def read_cases(path: Path) -> pd.DataFrame:
    """A table of patients; empty where there is none. Names stay text, whatever they look like.

    Raises:
        ValueError: it cannot be read.
    """
    cases = read_csv(path)
    for name in ("case", "centre", "structure"):
        # a table without centres, say, has one nameless centre
        cases[name] = cases[name].fillna("").astype(str) if name in cases.columns else ""
    return cases


def read_csv(path: Path) -> pd.DataFrame:
    """A table as it was written; empty where there is none.

    Raises:
        ValueError: it cannot be read.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return pd.DataFrame()
    names = dict.fromkeys(TEXT, str)
    try:
        # a patient or a centre may well be called NA
        return pd.read_csv(path, dtype=names, keep_default_na=False, na_values=["", "nan", "NaN"])
    except (ValueError, pd.errors.ParserError) as error:
        raise ValueError(f"{path} is not a readable table ({error}); resume the run to write it again") from error


def read_official(path: Path) -> dict[str, Any]:
    """Empty where there are no scores, or none that can be read: whoever reads a page wants the rest of it."""
    try:
        scores = json.loads(read_text(path) or "{}")
    except ValueError:
        return {}
    return scores if isinstance(scores, dict) else {}


def read_mapping(path: Path) -> dict[str, Any] | None:
    """None where there is no file; empty where there is nothing in it that can be read."""
    if not path.is_file():
        return None
    try:
        node = yaml.safe_load(read_text(path))
    except yaml.YAMLError:
        return {}
    return node if isinstance(node, dict) else {}


def read_text(path: Path) -> str:
    """What a file says; empty where there is none."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def read_overrides(path: Path) -> tuple[str, ...]:
    """A list of overrides; empty where there is none that can be read."""
    try:
        entries = yaml.safe_load(read_text(path))
    except yaml.YAMLError:
        return ()
    return tuple(str(entry) for entry in entries) if isinstance(entries, list) else ()
