"""The arms of a comparison: cross-validations that differ in a few overrides, each a `cv` in a process of its own."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hydra import compose

from hnseg.report import read_manifest, write_manifest, write_report
from hnseg.run.folds import exit_code, folds_below, override_key, run_to_its_end
from hnseg.run.positionals import quoted
from hnseg.run.resolvers import to_plain
from hnseg.run.validate import validate

OWN_KEYS = ("name", "paths.output", "overwrite")
"""What the comparison decides for all arms, or has for itself."""
CHAINS = "postprocess"
"""Key of the manifest: the post-processing of each arm that is finished."""
NOT_FOR_ARMS = (*OWN_KEYS, "fold", "cv", "cv.arms", "cv.folds")


@dataclass(frozen=True)
class Arm:
    """One cross-validation of a comparison: its name, its folder, and what is said for it beside what the user said."""

    name: str
    folder: Path
    words: tuple[str, ...]

    @property
    def manifest(self) -> dict[str, Any]:
        """Its cross-validation's; empty before there is one."""
        return read_manifest(self.folder) if (self.folder / "manifest.json").is_file() else {}

    @property
    def finished(self) -> bool:
        """Whether all of its folds are."""
        return bool(self.manifest.get("finished"))

    def has(self, folds: Any) -> bool:
        """Whether the folds that were to be trained are finished; ``cv.folds``, None for all."""
        if folds is None:
            return self.finished
        chosen = folds if isinstance(folds, list) else [folds]
        return all(fold.finished for fold in folds_below(self.folder, chosen))


def arms_of(plain: Mapping[str, Any], folder: Path) -> list[Arm]:
    """The arms that a configuration asks for, in its order; none where it asks for one cross-validation.

    Raises:
        ValueError: an arm has no usable name, or is no list of overrides, or sets what the comparison sets.
    """
    said = plain["cv"].get("arms") or {}
    if not isinstance(said, Mapping):
        raise ValueError(f"cv.arms={said}: expected a mapping of names to lists of overrides, as {{a: [clicks=none]}}")
    arms = [Arm(str(name), folder / "arms" / str(name), _words(str(name), words)) for name, words in said.items()]
    if wrong := [arm.name for arm in arms if not re.fullmatch(r"\w[\w.-]*", arm.name, re.ASCII)]:
        raise ValueError(f"cv.arms: {wrong[0]!r} becomes a folder; name it with letters, digits, '.', '_' and '-' only")
    return arms


def _words(name: str, words: Any) -> tuple[str, ...]:
    if not isinstance(words, list) or not all(isinstance(word, str) and "=" in word for word in words):
        raise ValueError(f"cv.arms.{name}: expected a list of overrides, as [clicks=none], found {words!r}")
    if own := [word for word in words if override_key(word) in NOT_FOR_ARMS]:
        raise ValueError(f"cv.arms.{name}: {own[0]} is said for all arms together; leave it out here")
    return tuple(words)


def arm_overrides(typed: Iterable[str], run_name: str, arm: Arm) -> list[str]:
    """What `cv` is told for one arm: what the user typed, then the arm's own words, which win.

    Args:
        typed: to `cv`.
        run_name: the comparison's.
        arm: the arm.
    """
    kept = [word for word in typed if override_key(word) not in OWN_KEYS and not _is_of_arms(override_key(word))]
    place = [f"name={quoted(f'{run_name}-{arm.name}')}", f"paths.output={quoted(str(arm.folder))}"]
    return [*kept, *arm.words, "cv.arms=null", *place]


def run_arms(plain: Mapping[str, Any], folder: Path, typed: Sequence[str]) -> int:
    """Cross-validate every arm that is not finished, then compare them; the exit code, as that of `cv`.

    All arms are composed and checked before the first one starts. One that fails stops the others: they share data.

    Raises:
        ValueError: an arm cannot be composed or built.
    """
    arms = arms_of(plain, folder)
    overrides = {arm.name: arm_overrides(typed, plain["name"], arm) for arm in arms}
    chains = {arm.name: _composed(arm, overrides[arm.name])["postprocess"] for arm in arms}
    _describe(folder, plain, arms)
    worst, folds = 0, plain["cv"]["folds"]
    for number, arm in enumerate(arms, start=1):
        place = f"arm {arm.name} ({number} of {len(arms)})"
        if arm.finished and read_manifest(folder).get(CHAINS, {}).get(arm.name) == chains[arm.name]:
            print(f"{place} is finished", flush=True)
            continue
        print(place, flush=True)
        command = [sys.executable, "-m", "hnseg.run.cli", "cv", *overrides[arm.name]]
        worst = max(worst, exit_code(run_to_its_end(command)))
        _describe(folder, plain, arms)
        if not arm.has(folds):
            print(f"arm {arm.name} did not finish", flush=True)
            break
        if arm.finished:
            _note_chain(folder, arm, chains[arm.name])
    return _conclude(folder, arms, folds, worst)


def _conclude(folder: Path, arms: Sequence[Arm], folds: object, worst: int) -> int:
    """Report on what is there; the exit code."""
    done = sum(arm.finished for arm in arms)
    scored = any((arm.folder / "cases.csv").is_file() for arm in arms)
    print(f"{done} of {len(arms)} arms are finished" + (f"; report: {write_report(folder)}" if scored else ""))
    if not all(arm.has(folds) for arm in arms):
        print("The same command again goes on at the first unfinished arm.")
        return max(worst, 1)
    return 1 if any(arm.manifest.get("failed_cases") for arm in arms) else worst


def _composed(arm: Arm, overrides: Sequence[str]) -> dict[str, Any]:
    try:
        plain = to_plain(compose("cv", overrides=list(overrides)))
        validate(plain, plain["trust"])
    except Exception as error:  # Hydra's own have no ancestor in common
        raise ValueError(f"cv.arms.{arm.name} ({', '.join(arm.words)}) cannot be composed: {error}") from error
    return plain


def _describe(folder: Path, plain: Mapping[str, Any], arms: Sequence[Arm]) -> None:
    """The manifest of the comparison, with what its arms know by now."""
    known = [manifest for arm in arms if (manifest := arm.manifest)]
    before = read_manifest(folder) if (folder / "manifest.json").is_file() else {}
    write_manifest(
        folder,
        name=folder.name,
        task="arms",
        arms=[arm.name for arm in arms],
        finished=all(arm.finished for arm in arms),
        started=before.get("started", datetime.now(UTC).isoformat(timespec="seconds")),
        seed=plain["seed"],
        phantom=any(bool(manifest["phantom"]) for manifest in known),
        data=known[0]["data"] if known else {"name": plain["data"]["name"]},
        split=known[0]["split"] if known else {"protocol": plain["split"].get("protocol", "inner")},
    )


def _note_chain(folder: Path, arm: Arm, chain: Any) -> None:
    """With what post-processing an arm was finished: with another one it is to be scored again."""
    known = read_manifest(folder).get(CHAINS, {})
    write_manifest(folder, **{CHAINS: {**known, arm.name: chain}})


def _is_of_arms(key: str) -> bool:
    return key == "cv.arms" or key.startswith("cv.arms.")
