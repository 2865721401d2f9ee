"""Which checkpoint files a user means by a run folder, a file, a glob, or a list of these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path


def find_checkpoints(spec: str | Path | Sequence[str | Path]) -> list[Path]:
    """Checkpoint files from what a user wrote: a run folder, a file, a glob, or a list of these; each once.

    A run folder stands for its ``checkpoints/best.ckpt``, or ``last.ckpt`` where there is no best.

    Raises:
        ValueError: nothing was found for one of them; the message says what was looked for.
    """
    if isinstance(spec, str | Path):
        return _find_one(Path(spec).expanduser())
    found = [path for one in spec for path in _find_one(Path(one).expanduser())]
    if not found:
        raise ValueError("no checkpoint was named; give a run folder, a .ckpt file or a glob")
    return list(dict.fromkeys(found))


def _find_one(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        candidates = [folder / name for folder in (path / "checkpoints", path) for name in ("best.ckpt", "last.ckpt")]
        existing = [candidate for candidate in candidates if candidate.is_file()]
        if existing:
            return existing[:1]
        raise ValueError(f"no checkpoint in {path}; looked for {', '.join(map(str, candidates))}")
    matches = sorted(_glob(path)) if re.search(r"[*?\[]", str(path)) else []
    found = [
        checkpoint for match in matches if match.is_dir() or match.suffix == ".ckpt" for checkpoint in _find_one(match)
    ]
    if not found:
        raise ValueError(f"no checkpoint at {path}; give a run folder, a .ckpt file, or a glob that matches some")
    return found


def _glob(pattern: Path) -> list[Path]:
    anchor = Path(pattern.anchor) if pattern.is_absolute() else Path()
    return list(anchor.glob(str(pattern.relative_to(anchor) if pattern.is_absolute() else pattern)))
