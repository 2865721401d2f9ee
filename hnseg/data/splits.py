"""Who trains, who validates, who is tested: always whole patients, always from a seed or a published list.

A fold that is left out is the test set. Validation (best epoch, thresholds, early stopping) comes from the training
patients, unless ``protocol: paper`` asks for the papers' way, in which the left-out patients are validation and test
at once; reports name it.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, Protocol

from hnseg.data.sampling import sample_rng

Validation = Literal["inner", "paper"]


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
    """Case ids of the three parts. Only ``protocol: paper`` lets validation and test be the same patients."""

    name: str
    protocol: Validation
    train: tuple[str, ...]
    val: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        shared = set(self.train) & (set(self.val) | set(self.test))
        if self.protocol == "inner":
            shared |= set(self.val) & set(self.test)
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


class Splitter(Protocol):
    """Any of the classes below, and whatever a user writes in their place."""

    def __call__(self, patients: Sequence[Patient]) -> Split: ...


def _ids(patients: Iterable[Patient]) -> list[str]:
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
    return [i for i in _ids(patients) if i not in held], sorted(held)


def _split(
    name: str, protocol: Validation, pool: Sequence[Patient], test: Sequence[Patient], fraction: float, seed: int
) -> Split:
    if protocol == "paper":
        return Split(name, protocol, tuple(_ids(pool)), tuple(_ids(test)), tuple(_ids(test)))
    train, val = hold_out(pool, fraction, seed)
    return Split(name, protocol, tuple(train), tuple(val), tuple(_ids(test)))


@dataclass(frozen=True)
class LeaveOneCentreOut:
    """The patients of one hospital are the test set."""

    centre: str
    protocol: Validation = "inner"
    validation_fraction: float = 0.2
    seed: int = 0

    def __call__(self, patients: Sequence[Patient]) -> Split:
        pool = [p for p in patients if p.part == "train"]
        test = [p for p in pool if p.centre == self.centre]
        if not test:
            centres = ", ".join(sorted({p.centre for p in pool}))
            raise ValueError(f"fold={self.centre} has no patients here; the centres are {centres}")
        rest = [p for p in pool if p.centre != self.centre]
        return _split(f"leave-out-{self.centre}", self.protocol, rest, test, self.validation_fraction, self.seed)


@dataclass(frozen=True)
class KFold:
    """Fold ``fold`` of ``folds`` is the test set; patients are dealt out centre by centre, in a seeded order."""

    fold: int = 0
    folds: int = 5
    protocol: Validation = "inner"
    validation_fraction: float = 0.2
    seed: int = 0

    def __call__(self, patients: Sequence[Patient]) -> Split:
        pool = sorted((p for p in patients if p.part == "train"), key=lambda p: p.case_id)
        if self.fold not in range(self.folds):
            raise ValueError(f"fold={self.fold} must be one of 0 to {self.folds - 1}")
        if len(pool) < self.folds + 1:
            raise ValueError(f"{len(pool)} patients cannot be split into {self.folds} folds and a validation set")
        order = sample_rng(self.seed).permutation(len(pool))
        shuffled = sorted((pool[i] for i in order), key=lambda p: p.centre)
        test = shuffled[self.fold :: self.folds]
        held = {p.case_id for p in test}
        rest = [p for p in pool if p.case_id not in held]
        name = f"fold-{self.fold}-of-{self.folds}"
        return _split(name, self.protocol, rest, test, self.validation_fraction, self.seed)


@dataclass(frozen=True)
class Official:
    """The data set's own parts: its training patients train, its testing patients are the test set.

    Validation is the part that the data set calls so (the ``split`` column of a user's table), else it is held out from
    the training patients. Testing patients without masks are predicted but cannot be scored.
    """

    validation_fraction: float = 0.2
    seed: int = 0

    def __call__(self, patients: Sequence[Patient]) -> Split:
        pool = [p for p in patients if p.part == "train"]
        val = [p for p in patients if p.part == "val"]
        test = [p for p in patients if p.part == "test"]
        if val:
            return Split("official", "inner", tuple(_ids(pool)), tuple(_ids(val)), tuple(_ids(test)))
        return _split("official", "inner", pool, test, self.validation_fraction, self.seed)


@dataclass(frozen=True)
class Published:
    """One of the eight splits of the HECKTOR 2020 winners (Iantsen et al. 2021, doi:10.1007/978-3-030-67194-5_4).

    ``split_0`` to ``split_3`` leave out CHGJ, CHUS, CHUM and CHMR; ``new_split_0`` to ``new_split_3`` are random.
    The authors' validation list is the held-out part; with ``protocol: inner`` validation is taken from their
    training list.
    """

    fold: str = "split_0"
    protocol: Validation = "inner"
    validation_fraction: float = 0.2
    seed: int = 0

    def __call__(self, patients: Sequence[Patient]) -> Split:
        lists = published_hecktor2020()
        if self.fold not in lists:
            raise ValueError(f"fold={self.fold} is not published; use one of {', '.join(lists)}")
        by_id = {p.case_id: p for p in patients if p.part == "train"}
        listed = [i for part in ("train", "val") for i in lists[self.fold][part]]
        missing = sorted(set(listed) - set(by_id))
        if missing:
            raise ValueError(
                f"the published {self.fold} names {len(missing)} patients that are not here "
                f"({', '.join(missing[:5])}, ...); "
                "prepare the whole training set of HECKTOR 2020, or use split=leave_one_centre_out"
            )
        train, held = ([by_id[i] for i in lists[self.fold][part]] for part in ("train", "val"))
        return _split(f"published-{self.fold}", self.protocol, train, held, self.validation_fraction, self.seed)


def published_hecktor2020() -> dict[str, Mapping[str, list[str]]]:
    """The published lists: fold name to ``{"train": ids, "val": ids}``."""
    text = files("hnseg.data").joinpath("published", "hecktor2020.json").read_text()
    return json.loads(text)  # type: ignore[no-any-return]
