"""Splits whose patients somebody wrote down: a paper's, hnseg's own of public data, or a user's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, NoReturn

from hnseg.data.splits import Patient, Split, hold_out, sorted_ids

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Listed:
    """Lists of patients for ``train``, ``val`` and ``test``.

    Patients on a list that are not here are passed over and said. A list file without ``val`` has validation held out
    from its training patients.

    Args:
        lists: a list of hnseg's own (``pddca_jain2020``, ``pddca_zhu2018``, ``public_oar``), or a JSON file with
            ``train``, ``test`` and maybe ``val``, each a list of case ids.
        others: patients here that are on no list: ``leave_out`` says who they are and does without them, unless they
            are most; ``train`` trains on them, too.
        final: a final fit: validation patients train as well, so what is seen on them chooses nothing; the last weights
            are then those to test (``callbacks=last_weights``). Jain and Virtanen 2020 report such fits.
        validation_fraction, seed: of validation that is held out.
    """

    lists: str
    others: Literal["leave_out", "train"] = "leave_out"
    final: bool = False
    validation_fraction: float = 0.2
    seed: int = 0

    def __call__(self, patients: Sequence[Patient]) -> Split:
        wanted = read_lists(self.lists)
        here = {patient.case_id: patient for patient in patients}
        parts = {part: [here[i] for i in sorted(wanted.get(part, [])) if i in here] for part in PARTS}
        listed = {i for part in PARTS for i in wanted.get(part, [])}
        _say(self.lists, "on its lists are not here", listed - set(here))
        others = set(here) - listed
        if self.others == "train":
            parts["train"] += [here[i] for i in sorted(others)]
        elif len(others) > len(here) / 2:
            raise ValueError(
                f"split.lists={self.lists} names {len(here) - len(others)} of the {len(here)} patients here: it is of "
                "other data; choose the split of these (split=public_oar, split=kfold, ...), or split.others=train"
            )
        else:
            _say(self.lists, "here are on none of its lists", others)
        if not parts["train"]:
            raise ValueError(
                f"split.lists={self.lists} names none of the {len(here)} patients here to train on "
                f"({', '.join(sorted(here)[:5])}, ...); use split=kfold or lists of these patients"
            )
        train, val, test = (sorted_ids(parts[part]) for part in PARTS)
        if not val:
            train, val = hold_out(parts["train"], self.validation_fraction, self.seed)
        name = f"listed-{Path(self.lists).stem}"
        if self.final:
            return Split(f"{name}-final", "final", tuple(sorted({*train, *val})), tuple(val), tuple(test))
        return Split(name, "inner", tuple(train), tuple(val), tuple(test))

    def folds(self, patients: Sequence[Patient]) -> NoReturn:  # noqa: ARG002
        """Raises ValueError: there is nothing to leave out in turn."""
        raise ValueError(f"split.lists={self.lists} has no folds; train it with train, or use split=kfold")

    def for_fold(self, fold: str | int) -> NoReturn:  # noqa: ARG002
        """Raises ValueError."""
        self.folds([])


def read_lists(lists: str) -> Mapping[str, list[str]]:
    """``{"train": ids, "val": ids, "test": ids}`` of a name or file; ``val`` and ``test`` may be missing.

    Raises:
        ValueError: neither hnseg's own nor a readable file with lists of names, or a patient on two of them.
    """
    folder = files("hnseg.data").joinpath("published")
    own = folder.joinpath(f"{lists}.json")
    path = own if own.is_file() else Path(lists).expanduser()
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        names = sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json"))
        raise ValueError(
            f"split.lists={lists} is neither one of hnseg's own ({', '.join(names)}) nor a readable JSON file: {error}"
        ) from error
    kept = {part: found[part] for part in PARTS if part in found} if isinstance(found, dict) else {}
    ids = [i for part in kept.values() if isinstance(part, list) for i in part]
    if "train" not in kept or not all(isinstance(i, str) for i in ids) or not ids:
        raise ValueError(f"{path} should hold the lists train, test and maybe val, each of case ids")
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise ValueError(f"{path} names patients more than once: {', '.join(twice)}; leave each on one list")
    return kept


def _say(lists: str, what: str, ids: set[str]) -> None:
    if ids:
        shown = ", ".join(sorted(ids)[:5]) + (", ..." if len(ids) > 5 else "")
        print(f"split {lists}: {len(ids)} patients {what}: {shown}")
