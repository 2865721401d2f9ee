"""A run's folder belongs to one configuration."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hnseg.run.resume import CONFIG, OVERRIDES, differences, repeatable


def claim(folder: Path, plain: Mapping[str, Any], overrides: Sequence[str], what: str) -> None:
    """Make the folder this run's own, or find that it already is.

    Args:
        folder: made where missing; emptied where the configuration says ``overwrite``.
        plain: the resolved configuration.
        overrides: what was typed.
        what: the folder holds, for the message: a cross-validation.

    Raises:
        ValueError: the folder holds one of another configuration.
    """
    if plain["overwrite"]:
        shutil.rmtree(folder, ignore_errors=True)
    stored = yaml.safe_load((folder / CONFIG).read_text()) if (folder / CONFIG).is_file() else plain
    if changed := [*differences(stored, plain), *changed_arms(stored, plain)]:
        listed = "\n  ".join(changed)
        raise ValueError(
            f"{folder} holds a {what} of another configuration:\n  {listed}\n"
            "give this one a name of its own (name=...), or overwrite=true to throw the other away"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(yaml.safe_dump(dict(plain), sort_keys=False))
    (folder / OVERRIDES).write_text(yaml.safe_dump(repeatable(overrides)))


def changed_arms(stored: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """``key: before -> now`` of every arm that is not what it was in an earlier configuration; new ones may come."""
    before, after = (dict(plain.get("cv", {}).get("arms") or {}) for plain in (stored, now))
    if bool(before) != bool(after):
        return [f"cv.arms: {', '.join(before) or None} -> {', '.join(after) or None}"]
    changed = [name for name, words in before.items() if after.get(name) != words]
    return [f"cv.arms.{name}: {before[name]} -> {after.get(name)}" for name in changed]
