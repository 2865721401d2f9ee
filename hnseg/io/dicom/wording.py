"""Counts in sentences about DICOM files."""

from __future__ import annotations


def counted(count: int, one: str, many: str) -> str:
    """The number with the words that agree with it: ``1 slice is``, ``2 slices are``."""
    return f"{count} {one if count == 1 else many}"
