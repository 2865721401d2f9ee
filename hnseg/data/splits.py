"""Who trains, who validates, who is tested: always whole patients, always from a seed or a published list.

A fold that is left out is the test set. Validation (best epoch, thresholds, early stopping) comes from the training
patients, unless ``protocol: paper`` asks for the papers' way, in which the left-out patients are validation and test
at once, or ``protocol: final`` for a final fit, in which validation patients train as well; reports name both.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from hnseg.data.sampling import sample_rng

Validation = Literal["inner", "paper", "final"]


class Patient(Protocol):
    """What a split may know of a case."""

    @property
    def case_id(self) -> str: ...
    @property
    def centre(self) -> str: ...
    @property
    def part(self) -> str: ...


@dataclass(frozen=True)
class Split:
    """Case ids of the three parts.

    Only ``protocol: paper`` lets validation and test be the same patients, and only ``final`` validation and training.
    """

    name: str
    protocol: Validation
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        train, val, test = set(self.train), set(self.val), set(self.test)
        shared = train & test
        if self.protocol != "final":
            shared |= train & val
        if self.protocol != "paper":
            shared |= val & test
        if shared:
            raise ValueError(f"split {self.name}: patients in more than one part: {', '.join(sorted(shared))}")
        for part in ("train", "val"):
            if not getattr(self, part):
                work = "train" if part == "train" else "validate"
                raise ValueError(f"split {self.name} leaves no patients to {work} on")

    @property
    def key(self) -> str:
        """A hash of who is where, for the ledger of test looks."""
        plain = json.dumps([self.protocol, sorted(self.train), sorted(self.val), sorted(self.test)])
        return hashlib.sha256(plain.encode()).hexdigest()[:12]

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "protocol": self.protocol,
            "train": list(self.train),
            "val": list(self.val),
            "test": list(self.test),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Split:
        """The split that `to_dict` wrote."""
        return cls(plain["name"], plain["protocol"], *(tuple(plain[part]) for part in ("train", "val", "test")))


class Splitter(Protocol):
    """Any class of :mod:`hnseg.data.splitters`, and whatever a user writes in their place.

    Only cross-validation asks for the folds and for a splitter of each.
    """

    def __call__(self, patients: Sequence[Patient]) -> Split: ...

    def folds(self, patients: Sequence[Patient]) -> list[str] | list[int]:
        """What `fold` may be with these patients, in the order in which they are trained."""
        ...

    def for_fold(self, fold: str | int) -> Splitter:
        """The same with another fold left out."""
        ...


def deal_out(splitter: Splitter, patients: Sequence[Patient]) -> Split:
    """What a splitter makes of the patients, with all cases of one patient on one side.

    Of a patient with several cases (``patient`` is the same) the splitter sees the first, and the others follow it.
    """
    of_one: dict[tuple[str, str], list[Patient]] = defaultdict(list)
    for case in patients:
        of_one[getattr(case, "patient", "") or case.case_id, case.part].append(case)
    if len(of_one) == len(patients):
        return splitter(patients)
    split = splitter([cases[0] for cases in of_one.values()])
    theirs = {cases[0].case_id: [case.case_id for case in cases] for cases in of_one.values()}
    train, val, test = (
        tuple(case_id for first in part for case_id in theirs[first]) for part in (split.train, split.val, split.test)
    )
    return Split(split.name, split.protocol, train, val, test)


def sorted_ids(patients: Iterable[Patient]) -> list[str]:
    """Their case ids, in order."""
    return sorted(patient.case_id for patient in patients)


def hold_out(patients: Sequence[Patient], fraction: float, seed: int) -> tuple[list[str], list[str]]:
    """(the rest, held out): from every centre its share of patients, at least one patient in all, by ``seed``."""
    if not 0 < fraction < 1:
        raise ValueError(f"split.validation_fraction={fraction} must lie between 0 and 1")
    by_centre: dict[str, list[str]] = defaultdict(list)
    for patient in patients:
        by_centre[patient.centre].append(patient.case_id)
    ranked = []
    for number, centre in enumerate(sorted(by_centre)):
        ids = sorted(by_centre[centre])
        order = sample_rng(seed, number).permutation(len(ids))
        # a patient's place within its centre, as a fraction: cutting the merged ranking takes evenly from all centres
        ranked += [((place + 0.5) / len(ids), ids[index]) for place, index in enumerate(order)]
    count = max(1, round(fraction * len(ranked)))
    held = {case_id for _, case_id in sorted(ranked)[:count]}
    return [i for i in sorted_ids(patients) if i not in held], sorted(held)


def deal(
    name: str, protocol: Validation, pool: Sequence[Patient], test: Sequence[Patient], fraction: float, seed: int
) -> Split:
    """``test`` is held out; validation is held out from the ``pool``, or is ``test`` under the papers' protocol."""
    if protocol == "paper":
        return Split(name, protocol, tuple(sorted_ids(pool)), tuple(sorted_ids(test)), tuple(sorted_ids(test)))
    train, val = hold_out(pool, fraction, seed)
    return Split(name, protocol, tuple(train), tuple(val), tuple(sorted_ids(test)))
