"""What the page of an experiment on outcomes says in sentences, all of it made from the numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from hnseg.report.five_views import p_text, signed
from hnseg.report.survival_folder import SurvivalFolder
from hnseg.report.survival_rows import (
    CHANCE,
    SIGNIFICANT,
    best_row,
    features_name,
    gained,
    model_name,
    reference_of,
    set_name,
)
from hnseg.report.tables import interval, number
from hnseg.report.words import Sentence

Row = Mapping[Any, Any]


def survival_status(folder: SurvivalFolder, table: pd.DataFrame) -> Sentence:
    """How much is done."""
    done = f"{combinations(len(table))} of model and features scored"
    if not folder.manifest.get("finished", False):
        return Sentence(f"not finished: stopped or still running; {done}", warning=True)
    return Sentence(f"finished: {done}")


def verdict(folder: SurvivalFolder, table: pd.DataFrame) -> list[Sentence]:
    """Which set is best, whether it beats its reference, how far the paper's protocol flatters, and what chance is."""
    best = best_row(table)
    if best is None:
        why = "the honest protocol was not run" if table["paper"].notna().any() else "nothing is scored yet"
        return [Sentence(f"Nothing can be said of how well outcomes are predicted: {why}.", warning=True)]
    return [
        *_best(best, len(table.dropna(subset="c_index"))),
        _against_reference(best, reference_of(table, best), len(set(table["features"]))),
        *_near(folder, best),
        *_optimism(table),
        *_comparisons(table),
        Sentence(
            "A C-index of 0.5 is what guessing gives, 1 is every pair of patients in the right order. Risk has one "
            "direction everywhere: greater means that the event is expected earlier."
        ),
    ]


def _best(best: Row, count: int) -> list[Sentence]:
    ends = interval("c_index", best["low"], best["high"])
    text = f"Best of {count} under the honest protocol: " if count > 1 else "Under the honest protocol: "
    text += f"{_named(best)}, with a C-index of {number('c_index', best['c_index'])}"
    said = [Sentence(f"{text} (95 % interval {ends})." if ends else f"{text}; its interval is not known.")]
    if best["low"] <= CHANCE:
        said.append(Sentence("Its interval contains 0.5: it cannot be told from guessing.", warning=True))
    return said


def _against_reference(best: Row, reference: Row | None, sets: int) -> Sentence:
    features = features_name(best["reference"])
    if sets == 1:
        return Sentence(f"No feature set was run but {features_name(best['features'])}: nothing says what others add.")
    if best["features"] == best["reference"]:
        return Sentence(f"Nothing that was added to the {features} features made any model better than this.")
    if reference is None or math.isnan(reference["c_index"]):
        text = (
            f"Whether it beats {features} features alone is not known: {model_name(best['model'])} has no score there."
        )
        return Sentence(text, warning=True)
    text = f"{model_name(best['model'])} on {features} features alone reaches {number('c_index', reference['c_index'])}"
    text += f", a difference of {signed(gained(best, reference))}"
    if math.isnan(best["p"]):
        return Sentence(f"{text}; it was not tested, so it may be chance.", warning=True)
    text += f" (p = {p_text(best['p'])}, corrected resampled t-test; {p_text(best['p_holm'])} after Holm)"
    if best["p_holm"] < SIGNIFICANT:
        return Sentence(f"{text}: better than {features} features alone.")
    if best["p"] < SIGNIFICANT:
        return Sentence(f"{text}: not when all tests that were made are counted.", warning=True)
    return Sentence(f"{text}: that may be chance.", warning=True)


def _near(folder: SurvivalFolder, best: Row) -> list[Sentence]:
    if math.isnan(folder.best_c_index):
        text = "The best C-index that can be reached is not known: the phantom left no true hazards."
        return [Sentence(text)] if folder.phantom else []
    reached = f"The phantom's true hazards would score {number('c_index', folder.best_c_index)}"
    if math.isnan(best["near"]):
        return [Sentence(f"{reached}: outcomes depend on nothing that is known, and nobody can do better than guess.")]
    if best["near"] < 0:
        return [Sentence(f"{reached}: nobody can do better. No combination even reaches 0.5.", warning=True)]
    share = f"{100 * best['near']:.0f} %"
    return [Sentence(f"{reached}: nobody can do better. The best combination comes {share} of the way there from 0.5.")]


def _optimism(table: pd.DataFrame) -> list[Sentence]:
    both = table.dropna(subset="optimism")
    if both.empty:
        return []
    mean, low, high = (float(both["optimism"].agg(how)) for how in ("mean", "min", "max"))
    text = f"The paper's protocol scores {abs(mean):.3f} {'higher' if mean > 0 else 'lower'} "
    if len(both) > 1:
        text += f"on average over {combinations(len(both))} ({signed(low)} to {signed(high)}) "
    text += "than the honest one: " + ("optimism, as far as it is not chance." if mean > 0 else "no optimism.")
    if len(both) == 1:
        return [Sentence(text, warning=mean > 0)]
    first = both.sort_values("paper", ascending=False, kind="stable").iloc[0].to_dict()
    text += f" By it the best would be {_named(first)} with {number('c_index', first['paper'])}, where the honest "
    text += f"protocol says {number('c_index', first['c_index'])}."
    return [Sentence(text, warning=mean > 0)]


def _comparisons(table: pd.DataFrame) -> list[Sentence]:
    count, tests = len(table.dropna(subset="c_index")), table["p"].dropna()
    if count < 2:
        return []
    text = f"{count} combinations of model and features were compared: the best of many is optimistic even when each "
    text += "is honest."
    if len(tests):
        found, kept = (int((table[name] < SIGNIFICANT).sum()) for name in ("p", "p_holm"))
        have = "has" if found == 1 else "have"
        text += f" Of {len(tests)} tests, {found} {have} p < {SIGNIFICANT:g}, where chance alone would make "
        text += f"{SIGNIFICANT * len(tests):.2g}; {kept} after Holm's correction."
    return [Sentence(text, warning=True)]


def combinations(count: int) -> str:
    """``1 combination``, ``3 combinations``."""
    return "1 combination" if count == 1 else f"{count} combinations"


def _named(row: Row) -> str:
    return set_name((row["model"], row["features"]))
