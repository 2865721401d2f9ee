"""The marker that tells hnseg's phantom from patients."""

from __future__ import annotations

from pathlib import Path

MARKER = "PHANTOM.json"
"""Lies at the root of every folder that hnseg's phantom writer fills."""


def is_phantom(folder: Path) -> bool:
    """Whether ``folder`` (or a file in it) belongs to a phantom: the marker lies in it or in a folder above it."""
    here = Path(folder).absolute()
    return any((level / MARKER).is_file() for level in (here, *here.parents))
