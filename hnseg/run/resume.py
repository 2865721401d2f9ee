"""`resume=RUN` is the command that started RUN, said again; and the same command said again is a resume."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hnseg.run.positionals import quoted
from hnseg.run.resolvers import NOT_IDENTITY

OVERRIDES, CONFIG = "overrides.yaml", "config.yaml"


NEUTRAL: dict[str, Any] = {
    "clicks._target_": "hnseg.clicks.NoClicks",
    "clicks.channels": 0,
    "threshold": 0.5,
    "data.background.identity": 0,
}
"""What runs from before these keys did without saying so."""


def expand_resume(arguments: Sequence[str]) -> list[str]:
    """Replace ``resume=RUN`` by what RUN was started with; what is said beside it wins.

    Raises:
        ValueError: RUN is not a run's folder.
    """
    given = [a for a in arguments if a.startswith("resume=") and a != "resume=null"]
    if not given:
        return list(arguments)
    folder = Path(given[-1].removeprefix("resume=").strip("'\"")).expanduser().resolve()
    stored = folder / OVERRIDES
    if not stored.is_file():
        raise ValueError(f"resume={folder}: no {OVERRIDES} there; give the folder of a run (runs/train/NAME)")
    others = [a for a in arguments if not a.startswith("resume=")]
    before = repeatable(yaml.safe_load(stored.read_text()) or [])
    return [
        *before,
        *others,
        f"paths.output={quoted(str(folder))}",
        f"name={folder.name}",
        f"resume={quoted(str(folder))}",
    ]


def repeatable(overrides: Sequence[str]) -> list[str]:
    """What was typed, without what must not be done a second time: to throw the run away."""
    return [override for override in overrides if not override.lstrip("+").startswith("overwrite=")]


def differences(stored: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """``key: before -> now`` for everything that decides what is trained and is not as it was."""
    before, after = dict(_flat(stored)), dict(_flat(now))
    for known, value in NEUTRAL.items():
        # also where a group is plugged in elsewhere: model.clicks.channels
        before |= {key: value for key in set(after) - set(before) if f".{key}".endswith(f".{known}")}
    changed = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    said_once = [key for key in changed if not any(key.endswith(f".{other}") for other in changed)]
    trained = [key for key in said_once if not {key, key.split(".")[0]} & set(NOT_IDENTITY)]
    return [f"{key}: {before.get(key)} -> {after.get(key)}" for key in trained]


def _flat(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _flat(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, node
