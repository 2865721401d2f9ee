"""What code and which packages a kept result was made by, so that it is made again where they are others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

import hnseg

PACKAGES = ("lifelines", "numpy", "pandas", "scikit-learn", "scikit-survival", "scipy", "torch")
"""Whose version may change a result. One that is not installed has none."""

_ROOT = Path(hnseg.__file__).parent


@cache
def code_key(*rooms: str) -> str:
    """A hash of some rooms' code, of hnseg's version and of the versions of :data:`PACKAGES`.

    Args:
        rooms: folders of hnseg, such as ``survival``; their order does not matter.
    """
    assert rooms
    return digest([_ROOT / room for room in rooms], _versions())


def digest(rooms: Iterable[Path], versions: Iterable[str]) -> str:
    """A hash of the Python files in these folders, at whatever depth, and of the versions."""
    code = hashlib.sha256("\n".join(sorted(versions)).encode())
    for room in sorted(set(rooms)):
        files = sorted(room.rglob("*.py"))
        assert files, f"no code in {room}"
        for file in files:
            name = file.relative_to(room.parent).as_posix()
            code.update(f"\n{name} {file.stat().st_size}\n".encode() + file.read_bytes())
    return code.hexdigest()


def _versions() -> list[str]:
    found = [f"hnseg {hnseg.__version__}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            found.append(f"{package} none")
    return found
