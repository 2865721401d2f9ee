"""Which checkpoint files a user means by a run folder, a cross-validation's, a file, a glob, or a list of these."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Spec = str | Path | Sequence[str | Path]
FOLDS = "folds"
"""Where the folder of a cross-validation keeps one run folder a fold."""


def find_checkpoints(spec: Spec) -> list[Path]:
    """Checkpoint files from what a user wrote: a run folder, a file, a glob, or a list of these; each once.

    A run folder stands for its ``checkpoints/best.ckpt``, or ``last.ckpt`` where there is no best; the folder of a
    cross-validation for those of all its folds. The best for a single structure, ``best-<structure>.ckpt``, are taken
    only where they are named or a glob of files matches them.

    Raises:
        ValueError: nothing was found for one of them, or a fold is not finished; the message says what was looked for.
    """
    found = [checkpoint for place in _places(spec) for checkpoint in _checkpoints_of(place)]
    return list(dict.fromkeys(found))


def find_cross_validations(spec: Spec) -> list[Path]:
    """Those among the places that a user wrote that are folders of cross-validations; each once."""
    return list(dict.fromkeys(place for place in _places(spec) if _is_cross_validation(place)))


def _places(spec: Spec) -> list[Path]:
    """Existing files and folders, with globs written out."""
    named = [spec] if isinstance(spec, str | Path) else list(spec)
    if not named:
        raise ValueError("no checkpoint was named; give a run folder, a .ckpt file or a glob")
    return [place for one in named for place in _written_out(Path(one).expanduser())]


def _written_out(path: Path) -> list[Path]:
    if path.exists():
        return [path]
    matches = sorted(_glob(path)) if re.search(r"[*?\[]", str(path)) else []
    places = [match for match in matches if match.is_dir() or match.suffix == ".ckpt"]
    if not places:
        raise ValueError(f"no checkpoint at {path}; give a run folder, a .ckpt file, or a glob that matches some")
    return places


def _checkpoints_of(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    if _is_cross_validation(place):
        return [_checkpoint_of_fold(fold, place) for fold in _folds(place)]
    return [_checkpoint_of_run(place)]


def _checkpoint_of_run(run: Path) -> Path:
    checkpoint = _first_checkpoint(run)
    if checkpoint is None:
        raise ValueError(f"no checkpoint in {run}; looked for {', '.join(map(str, _candidates(run)))}")
    return checkpoint


def _checkpoint_of_fold(fold: Path, cross_validation: Path) -> Path:
    """The checkpoint of a fold that was trained to its end: one in training would be a worse network unnoticed."""
    checkpoint = _first_checkpoint(fold)
    if checkpoint is not None and _manifest(fold).get("finished", True):
        return checkpoint
    missing = "has no checkpoint yet" if checkpoint is None else "is not trained to its end"
    raise ValueError(
        f"{cross_validation} is not finished: fold {fold.name} {missing} ({fold}). Finish it with the command that "
        "started it, or name the folds to average: checkpoint=[FOLD_FOLDER,FOLD_FOLDER]"
    )


def _first_checkpoint(run: Path) -> Path | None:
    return next((candidate for candidate in _candidates(run) if candidate.is_file()), None)


def _candidates(run: Path) -> list[Path]:
    return [folder / name for folder in (run / "checkpoints", run) for name in ("best.ckpt", "last.ckpt")]


def _is_cross_validation(place: Path) -> bool:
    return (place / FOLDS).is_dir()


def _folds(cross_validation: Path) -> list[Path]:
    """Folders of the folds, those that its manifest names included that are not there yet."""
    named = [str(name) for name in _manifest(cross_validation).get("folds", [])]
    there = sorted(path.name for path in (cross_validation / FOLDS).iterdir() if path.is_dir())
    names = named or there
    if not names:
        raise ValueError(f"no checkpoint in {cross_validation}: no fold was trained yet")
    return [cross_validation / FOLDS / name for name in names]


def _manifest(folder: Path) -> dict[str, Any]:
    """What a run says about itself; nothing where it does not."""
    path = folder / "manifest.json"
    try:
        content = json.loads(path.read_text()) if path.is_file() else {}
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({error}); remove it, or name the checkpoints themselves") from error
    return content if isinstance(content, dict) else {}


def _glob(pattern: Path) -> list[Path]:
    anchor = Path(pattern.anchor) if pattern.is_absolute() else Path()
    return list(anchor.glob(str(pattern.relative_to(anchor) if pattern.is_absolute() else pattern)))
