"""What a report says in sentences: how far the run got, how it was evaluated, and what a reader should beware of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from hnseg.report.curves import series
from hnseg.report.run_folder import RunFolder


class Sentence(NamedTuple):
    """One statement; ``warning`` is set where it limits what the numbers mean."""

    text: str
    warning: bool = False


def status(run: RunFolder) -> Sentence:
    """Whether training ended by itself."""
    last = int(run.epochs.index.max()) + 1 if len(run.epochs) else 0
    reached = f"{last} {'epoch' if last == 1 else 'epochs'}"
    if run.manifest.get("finished", False):
        return Sentence(f"finished after {reached}" if last else "finished")
    return Sentence(f"not finished: stopped or still running after {reached}", warning=True)


def evaluation(run: RunFolder) -> list[Sentence]:
    """How the patients were divided, how often the test patients were looked at, and who is missing."""
    split = run.manifest.get("split", {})
    parts = {name: list(split.get(name, [])) for name in ("train", "val", "test")}
    sentences = [_division(split.get("name", ""), parts)]
    sentences += _protocol(split.get("protocol", ""), parts)
    sentences += _looks(run, parts["test"])
    sentences += _monitored(run)
    sentences += _missing(run, parts["test"])
    return sentences


def duration(seconds: float | None) -> str:
    """``1 h 02 min``, ``2 min 05 s``; empty where unknown."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def listing(names: Sequence[str], most: int = 12) -> str:
    """Names with commas; a long list is cut and says how many follow."""
    shown = ", ".join(str(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def patients(count: int) -> str:
    """``1 patient``, ``3 patients``."""
    return f"{count} patient" if count == 1 else f"{count} patients"


def _division(name: str, parts: dict[str, list[str]]) -> Sentence:
    train, val, test = (len(parts[part]) for part in ("train", "val", "test"))
    counts = f"{patients(train)} for training, {val} for validation, {test} for the test"
    return Sentence(f"Split “{name}”: {counts}." if name else f"{counts}.")


def _protocol(protocol: str, parts: dict[str, list[str]]) -> list[Sentence]:
    both = sorted(set(parts["val"]) & set(parts["test"]))
    sentences = []
    if protocol == "paper" or both:
        text = "Protocol “paper”: the left-out centre was also used for validation, so the epoch was chosen on "
        if protocol != "paper":
            text = f"{patients(len(both))} of the test also served for validation, so the epoch was chosen on "
        sentences.append(
            Sentence(text + "patients that are scored below and the scores are too favourable.", warning=True)
        )
    elif protocol == "inner":
        text = "Protocol “inner”: the validation patients, on whom the epoch was chosen, come from the training side"
        sentences.append(Sentence(f"{text}; no test patient had a part in it."))
    elif protocol == "final":
        text = "Protocol “final”: the validation patients trained as well, so what was measured on them says nothing"
        sentences.append(Sentence(f"{text} and chose no epoch; no test patient had a part in it.", warning=True))
    learned = sorted(set(parts["train"]) & set(parts["test"]))
    if learned:
        text = f"{patients(len(learned))} of the test also served for training: {listing(learned)}."
        sentences.append(Sentence(f"{text} The scores mean nothing.", warning=True))
    return sentences


def _looks(run: RunFolder, test: list[str]) -> list[Sentence]:
    looks = int(run.manifest.get("test_looks", 0))
    if run.cases.empty:
        text = "This run has not looked at its test patients: what is reported was measured on the validation patients."
        return [Sentence(text if test else "This run has no test patients.", warning=True)]
    if looks == 0:
        return []
    if looks == 1:
        return [Sentence("The test patients of this split have been looked at once, by this run.")]
    text = (
        f"The test patients of this split have been looked at {looks} times, so choices may have been fitted to them."
    )
    return [Sentence(text, warning=True)]


def _monitored(run: RunFolder) -> list[Sentence]:
    best, monitor = run.manifest.get("best_epoch"), run.manifest.get("monitor")
    if best is None or not monitor or best < 0:
        return []
    value = series(run.epochs, monitor).get(best)
    reached = "" if value is None or pd.isna(value) else f", which reached {value:.3f}"
    return [Sentence(f"The checkpoint of epoch {best} was kept by {monitor} on the validation patients{reached}.")]


def _missing(run: RunFolder, test: list[str]) -> list[Sentence]:
    if run.cases.empty:
        return []
    absent = [case for case in test if str(case) not in set(run.cases["case"])]
    if not absent:
        return []
    text = f"{patients(len(absent))} of the test without a score, in no mean below: {listing(absent)}."
    return [Sentence(text, warning=True)]
