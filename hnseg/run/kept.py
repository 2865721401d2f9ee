"""Tables of features that take long to make, kept beside a run until what they are made of changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from hnseg.io import atomic_path, write_json
from hnseg.prepare import Failure
from hnseg.survival.code_key import code_key

KEY = "kept.json"


@dataclass(frozen=True, eq=False)
class Made:
    """Tables by name, who is in none of them, and anything plain that belongs to them."""

    tables: Mapping[str, pd.DataFrame]
    failures: tuple[Failure, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def kept(folder: Path, made_of: Any, make: Callable[[], Made]) -> Made:
    """What ``make`` returns, or what it returned before where ``made_of`` (JSON types) is as it was then.

    The key holds the code that makes features, too. It is written last, so that tables that a kill left half-done are
    made again, and only where nothing failed, because a disk or a process may do better the next time.
    """
    made_by = code_key("geometry", "inference", "models", "radiomics", "survival")
    key = hashlib.sha256(json.dumps([made_by, made_of], sort_keys=True, default=str).encode()).hexdigest()
    path = folder / KEY
    if (plain := _whole(folder)) is not None and plain["key"] == key:
        return Made({name: _read(folder / f"{name}.csv") for name in plain["tables"]}, (), plain["facts"])
    made = make()
    path.unlink(missing_ok=True)
    for name, table in made.tables.items():
        with atomic_path(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index_label="patient")
    if not made.failures:
        digests = {name: _digest(folder / f"{name}.csv") for name in made.tables}
        write_json(path, {"key": key, "tables": digests, "facts": dict(made.facts)})
    return made


def _whole(folder: Path) -> dict[str, Any] | None:
    """What was kept, unless anything of it is missing or was changed."""
    try:
        plain: dict[str, Any] = json.loads((folder / KEY).read_text(encoding="utf-8"))
        same = all(_digest(folder / f"{name}.csv") == digest for name, digest in plain["tables"].items())
        return plain if same and {"key", "facts"} <= set(plain) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # damaged by whatever: it is made again
        return None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(path: Path) -> pd.DataFrame:
    table = pd.read_csv(
        path, dtype={"patient": str}, float_precision="round_trip", keep_default_na=False, na_values=[""]
    )
    return table.set_index("patient").astype(float)
