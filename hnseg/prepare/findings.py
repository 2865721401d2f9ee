"""What a look at a user's folder or table brings: studies that can be used, why the others cannot, what is odd."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hnseg.types import Study

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")

Say = Callable[[Level, Path | str, str, str], None]
"""Takes level, file, message and remedy of a `Finding` about the patient at hand."""

CASE_ID = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Failure:
    """One patient that was set aside, with a sentence that names the file, what was expected and what to do."""

    case_id: str
    message: str

    def __str__(self) -> str:
        return f"{self.case_id}: {self.message}" if self.case_id else self.message


@dataclass(frozen=True)
class Findings:
    """Studies sorted by name, and the patients that could not become one."""

    studies: tuple[Study, ...]
    problems: tuple[Failure, ...] = ()

    @classmethod
    def of(cls, studies: Iterable[Study], problems: Iterable[Failure]) -> Findings:
        return cls(
            tuple(sorted(studies, key=lambda study: study.case_id)),
            tuple(sorted(problems, key=lambda problem: (problem.case_id, problem.message))),
        )


@dataclass(frozen=True)
class Finding:
    """One thing that a user should know.

    Attributes:
        case_id: the patient, empty where it is about the whole data set.
        level: ``error``: the patient cannot be prepared; ``warning``: look at it; ``note``: to know.
        file: what it is about, empty where it is about no file.
        message: what was found and what was expected.
        remedy: what to do.
    """

    case_id: str
    level: Level
    file: str
    message: str
    remedy: str


def usable_case_id(case_id: str) -> bool:
    """Whether a name can be a folder and a column entry everywhere: letters, digits, dot, underscore, hyphen; no
    leading dot."""
    return CASE_ID.fullmatch(case_id) is not None and not case_id.startswith(".")
