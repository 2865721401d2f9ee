"""The ways to deal patients out. Each is called with all patients, and knows what its folds are called."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import NoReturn

from hnseg.data.sampling import sample_rng
from hnseg.data.splits import Patient, Split, Validation, deal, sorted_ids


def _centres(patients: Iterable[Patient]) -> list[str]:
    return sorted({p.centre for p in patients if p.part == "train"})


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
            raise ValueError(f"fold={self.centre} has no patients here; the centres are {', '.join(_centres(pool))}")
        rest = [p for p in pool if p.centre != self.centre]
        return deal(f"leave-out-{self.centre}", self.protocol, rest, test, self.validation_fraction, self.seed)

    def folds(self, patients: Sequence[Patient]) -> list[str]:
        """The centres, sorted."""
        centres = _centres(patients)
        if len(centres) < 2:
            raise ValueError(
                f"all training patients are of one centre ({', '.join(centres)}), which cannot be left out; "
                "use split=kfold"
            )
        return centres

    def for_fold(self, fold: str | int) -> LeaveOneCentreOut:
        return replace(self, centre=str(fold))


class KFold:
    """Fold ``fold`` of ``folds`` is the test set; patients are dealt out centre by centre, in a seeded order."""

    # not a dataclass, whose field would be in the way of the method: the key is split.folds

    def __init__(
        self,
        fold: int = 0,
        folds: int = 5,
        protocol: Validation = "inner",
        validation_fraction: float = 0.2,
        seed: int = 0,
    ) -> None:
        self.fold, self.count, self.protocol = fold, folds, protocol
        self.validation_fraction, self.seed = validation_fraction, seed

    def __call__(self, patients: Sequence[Patient]) -> Split:
        pool = sorted((p for p in patients if p.part == "train"), key=lambda p: p.case_id)
        if self.fold not in range(self.count):
            raise ValueError(f"fold={self.fold} must be one of 0 to {self.count - 1}")
        if len(pool) < self.count + 1:
            raise ValueError(f"{len(pool)} patients cannot be split into {self.count} folds and a validation set")
        order = sample_rng(self.seed).permutation(len(pool))
        shuffled = sorted((pool[i] for i in order), key=lambda p: p.centre)
        test = shuffled[self.fold :: self.count]
        held = {p.case_id for p in test}
        rest = [p for p in pool if p.case_id not in held]
        name = f"fold-{self.fold}-of-{self.count}"
        return deal(name, self.protocol, rest, test, self.validation_fraction, self.seed)

    def folds(self, patients: Sequence[Patient]) -> list[int]:  # noqa: ARG002
        """0 to the number of folds - 1, whoever the patients are."""
        return list(range(self.count))

    def for_fold(self, fold: str | int) -> KFold:
        return KFold(int(fold), self.count, self.protocol, self.validation_fraction, self.seed)


@dataclass(frozen=True)
class CentresAndRandom:
    """Every centre left out once, and as many random folds beside them: the scheme of Iantsen et al. 2021 on any data.

    They averaged the networks of four centres and of four random splits (section 2.6,
    doi:10.1007/978-3-030-67194-5_4); their own lists are :class:`Published`. A patient is tested on twice: in the fold
    of their centre and in a random one.

    Args:
        fold: a centre, or ``random_0`` and so on.
        random_folds: how many; null: as many as there are centres.
        protocol, validation_fraction, seed: as of the other splits.
    """

    fold: str
    random_folds: int | None = None
    protocol: Validation = "inner"
    validation_fraction: float = 0.2
    seed: int = 0

    def __call__(self, patients: Sequence[Patient]) -> Split:
        if self.fold not in self.folds(patients):
            raise ValueError(f"fold={self.fold} is none of {', '.join(self.folds(patients))}")
        if self.fold in _centres(patients):
            centre = LeaveOneCentreOut(self.fold, self.protocol, self.validation_fraction, self.seed)
            return centre(patients)
        number, count = int(self.fold.removeprefix("random_")), self._count(patients)
        return KFold(number, count, self.protocol, self.validation_fraction, self.seed)(patients)

    def folds(self, patients: Sequence[Patient]) -> list[str]:
        """The centres, sorted, then the random folds."""
        centres = LeaveOneCentreOut("").folds(patients)
        return [*centres, *(f"random_{number}" for number in range(self._count(patients)))]

    def for_fold(self, fold: str | int) -> CentresAndRandom:
        return replace(self, fold=str(fold))

    def _count(self, patients: Sequence[Patient]) -> int:
        count = len(_centres(patients)) if self.random_folds is None else self.random_folds
        if count < 2:
            raise ValueError(f"split.random_folds={count} must be at least 2; split=leave_one_centre_out has none")
        return count


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
            return Split("official", "inner", *(tuple(sorted_ids(part)) for part in (pool, val, test)))
        return deal("official", "inner", pool, test, self.validation_fraction, self.seed)

    def folds(self, patients: Sequence[Patient]) -> NoReturn:  # noqa: ARG002
        """Raises ValueError: there is nothing to leave out in turn."""
        raise ValueError("split=official has no folds; use split=kfold or split=leave_one_centre_out")

    def for_fold(self, fold: str | int) -> NoReturn:  # noqa: ARG002
        """Raises ValueError."""
        self.folds([])


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
        return deal(f"published-{self.fold}", self.protocol, train, held, self.validation_fraction, self.seed)

    def folds(self, patients: Sequence[Patient]) -> list[str]:
        """The names of the lists; raises ValueError where their patients are not all here."""
        names = list(published_hecktor2020())
        for name in names:
            self.for_fold(name)(patients)
        return names

    def for_fold(self, fold: str | int) -> Published:
        return replace(self, fold=str(fold))


def published_hecktor2020() -> dict[str, Mapping[str, list[str]]]:
    """The published lists: fold name to ``{"train": ids, "val": ids}``."""
    text = files("hnseg.data").joinpath("published", "hecktor2020.json").read_text()
    return json.loads(text)  # type: ignore[no-any-return]
