"""The five sets of patients of Rainio et al. 2024."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Literal

from hnseg.data.splits import Patient, Split, hold_out

FOLDS = 5


@dataclass(frozen=True)
class Rainio2024:
    """Every fifth patient is tested, in the order of their numbers (section 2.2, doi:10.1007/s13721-024-00483-0).

    With 89 patients these are the published sets (19, 17, 19, 17 and 17 patients, 191 to 194 slices each). Training
    and validation are always of different patients; the authors' 30 % were the last slices of the training list, which
    can cut a patient in two.

    Args:
        fold: 0 to 4.
        validation: ``last`` takes the last patients of the training list, as the authors do; ``random`` draws them.
        validation_fraction: of the training patients.
        seed: of the draw.
    """

    fold: int = 0
    validation: Literal["last", "random"] = "random"
    validation_fraction: float = 0.3
    seed: int = 0

    def __call__(self, patients: Sequence[Patient]) -> Split:
        pool = sorted((p for p in patients if p.part != "test"), key=lambda p: by_number(p.case_id))
        if self.fold not in range(FOLDS):
            raise ValueError(f"fold={self.fold} must be one of 0 to {FOLDS - 1}")
        if len(pool) < FOLDS + 1:
            raise ValueError(f"{len(pool)} patients with a tumour are too few for {FOLDS} sets and validation")
        tested = set(_tested(self.fold, len(pool)))
        test = [p.case_id for place, p in enumerate(pool) if place in tested]
        rest = [p for place, p in enumerate(pool) if place not in tested]
        if self.validation == "last":
            count = max(1, round(self.validation_fraction * len(rest)))
            train, val = [p.case_id for p in rest[:-count]], [p.case_id for p in rest[-count:]]
        else:
            train, val = hold_out(rest, self.validation_fraction, self.seed)
        return Split(f"rainio2024-{self.fold}", "inner", tuple(train), tuple(val), tuple(test))

    def folds(self, patients: Sequence[Patient]) -> list[int]:  # noqa: ARG002
        """0 to 4, whoever the patients are."""
        return list(range(FOLDS))

    def for_fold(self, fold: str | int) -> Rainio2024:
        return replace(self, fold=int(fold))


def by_number(case_id: str) -> list[tuple[int, str]]:
    """Sorts 2 before 12, and words by their letters."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", case_id) if part]


def _tested(fold: int, patients: int) -> list[int]:
    """Places of the patients of a set, in a cohort of the paper's size the published ones."""
    published = json.loads(files("hnseg.data").joinpath("published", "rainio2024.json").read_text())
    if patients == published["patients"]:
        return list(published["sets"][fold])
    return list(range(fold, patients, FOLDS))
