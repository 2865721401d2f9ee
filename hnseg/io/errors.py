"""What goes wrong with files, in sentences that name the file, what was expected and what to do."""

from __future__ import annotations

from pathlib import Path


class UnreadableImageError(ValueError):
    """A file that cannot be taken as one three-dimensional image with a trustworthy position in the patient.

    Attributes:
        path: the file.
        problem: what was expected and what is there instead.
        remedy: what to do about it.
    """

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        # all three go to args, so that the error survives the way back from a worker process
        super().__init__(path, problem, remedy)
        self.path, self.problem, self.remedy = Path(path), problem, remedy

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}; {self.remedy}."


class DiskFullError(OSError):
    """No room to write; the message names the file. What was at its place before is untouched."""
