"""What a look at a user's folder or table brings: studies that can be used, and why the others cannot."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hnseg.types import Study

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


def usable_case_id(case_id: str) -> bool:
    """Whether a name can be a folder and a column entry everywhere: letters, digits, dot, underscore, hyphen; no
    leading dot."""
    return CASE_ID.fullmatch(case_id) is not None and not case_id.startswith(".")
