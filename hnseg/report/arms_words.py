"""What the page of the five methods says in sentences: whether a click helps, what is missing, what to beware of."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from hnseg.evaluate.five_methods import METHODS, ROWS, methods_in
from hnseg.evaluate.five_patients import REFERENCE, SIGNIFICANT, ClickEffect
from hnseg.report.arms_folder import ARM_METHODS, ArmsFolder
from hnseg.report.five_views import p_text, percent, signed, signed_interval
from hnseg.report.words import Sentence, listing, patients

HOW = {
    "cm1CNN": "a click at the centre of each tumour shown to the network (cm1CNN)",
    "rand1CNN": "a click at a random pixel of each tumour shown to the network (rand1CNN)",
    "CNNcm": "a click at the centre of each tumour that chooses among what the network outlined (CNNcm)",
    "CNNrand": "a click at a random pixel of each tumour that chooses among what the network outlined (CNNrand)",
}
ANSWERS = {
    "helps": "A click helps here.",
    "harms": "A click does harm here.",
    "unclear": "Whether a click helps cannot be told from these patients.",
}


def arms_status(arms: ArmsFolder) -> Sentence:
    """How many folds of how many arms are done."""
    if arms.finished:
        return Sentence(f"finished: all {len(arms.folds)} folds of {len(arms.arms)} arms are trained and scored")
    done, every = sum(len(arm.done) for arm in arms.arms), len(arms.folds) * len(arms.arms)
    return Sentence(f"not finished: {done} of {every} folds trained and scored", warning=True)


def verdict(arms: ArmsFolder, effects: Mapping[str, ClickEffect]) -> list[Sentence]:
    """Whether a click helps, by what was measured: by the best-informed method there is, then the others beside it.

    It helps, or harms, where the interval of the difference of medians does not hold zero, and the test of patients
    agrees; all else cannot be told.
    """
    if not effects:
        return [Sentence(f"Whether a click helps cannot be said: {_lacking(arms)}.", warning=True), *_limits(arms)]
    first = next(effects[name] for name in ROWS if name in effects)
    sentences = [Sentence(f"{ANSWERS[first.answer]} {_measured(first)} {_reason(first)}".strip())]
    others = [effects[name] for name in ROWS if name in effects and name != first.method]
    if others:
        listed = "; ".join(f"{effect.method} {_gain(effect)}: {_short(effect)}" for effect in others)
        sentences.append(Sentence(f"The other ways to use a click, against {REFERENCE} too: {listed}."))
    return sentences + _limits(arms)


def evaluation(arms: ArmsFolder, empty: pd.DataFrame | None) -> list[Sentence]:
    """What the numbers are of, and what they do not say."""
    sentences = []
    if len(arms.scores):
        count, cases = len(arms.scores), arms.scores["case"].nunique()
        text = (
            f"Scored: {count} slices of {patients(cases)}, each outlined by networks that did not train on that patient"
        )
        sentences.append(Sentence(f"{text}."))
    oracle = (
        "The clicks are made from the truth, at its centre or in it. No user clicks as exactly, so every method with "
    )
    sentences.append(Sentence(f"{oracle}a click is shown at its best, here and in the paper.", warning=True))
    only = "Tables and figures are of slices with a tumour alone, as in the paper: whoever clicks has found it already."
    sentences.append(Sentence(f"{only} {_said_of_empty(empty)}".strip(), warning=True))
    text = "Slices of a patient resemble each other, so the p-values of slices (Tables 2 and 3) are far too small; "
    sentences.append(Sentence(f"{text}those of patients are the ones to read.", warning=True))
    if arms.left_out:
        text = f"{arms.left_out} slices were scored in some of the arms only, or against another truth there, and are "
        sentences.append(Sentence(f"{text}in no table. Were the arms trained on the same patients?", warning=True))
    return sentences


def _limits(arms: ArmsFolder) -> list[Sentence]:
    """What is missing in the numbers, and whose they are not."""
    sentences = []
    if arms.missing_arms:
        methods = [name for arm in arms.missing_arms for name in ARM_METHODS[arm].values()]
        text = f"Arms without a scored fold: {listing(arms.missing_arms)}. Missing in every table: {listing(methods)}."
        sentences.append(Sentence(text, warning=True))
    absent = {
        arm.name: [fold for fold in arms.folds if not arms.fold_of(arm.name, fold)] for arm in arms.arms if arm.done
    }
    if any(absent.values()):
        listed = "; ".join(f"{listing(folds)} of {arm}" for arm, folds in absent.items() if folds)
        text = f"Folds that are missing: {listed}. Methods are compared on the folds that all of them have."
        sentences.append(Sentence(text, warning=True))
    unknown = [arm.name for arm in arms.arms if arm.name not in ARM_METHODS]
    if unknown:
        text = f"Arms that are none of the five methods, and only have pages of their own: {listing(unknown)}."
        sentences.append(Sentence(text))
    return sentences


def _lacking(arms: ArmsFolder) -> str:
    """Why there is nothing to compare."""
    present = methods_in(arms.scores)
    if not present:
        return "no fold is scored yet"
    if REFERENCE not in present or len(present) < 2:
        return f"there is only {listing(present)}"
    return "the arms have no scored fold in common"


def _measured(effect: ClickEffect) -> str:
    known = f" (95 % interval {signed_interval(effect._asdict())}, patients drawn with all their slices)"
    return (
        f"With {HOW[effect.method]} the median Dice over {effect.slices} slices of {patients(effect.patients)} is "
        f"{effect.median:.3f}, without a click ({REFERENCE}) {effect.reference_median:.3f}: a difference of "
        f"{signed(effect.difference)}{known if not math.isnan(effect.low) else ''}. The median of a patient's slices "
        f"is higher with the click in {effect.better} of {patients(effect.patients)} and lower in {effect.worse} "
        f"(Wilcoxon over patients, corrected for ten pairs: p = {p_text(effect.p)})."
    )


def _reason(effect: ClickEffect) -> str:
    """Why it cannot be told, where it cannot."""
    if effect.answer != "unclear":
        return ""
    if effect.patients < 2:
        return "One patient says nothing about others."
    doubts = []
    if effect.low <= 0 <= effect.high:
        doubts.append("the interval contains zero")
    if not effect.p < SIGNIFICANT:
        # the smallest p of n patients who all gain; Holm's correction can only raise it
        few = 2.0 ** (1 - effect.patients) >= SIGNIFICANT
        doubts.append(f"p is not below {SIGNIFICANT:g}" + f", nor can it be with {patients(effect.patients)}" * few)
    return f"This may be chance: {' and '.join(doubts)}." if doubts else "Slices and patients do not agree."


def _gain(effect: ClickEffect) -> str:
    ends = signed_interval(effect._asdict())
    return f"{signed(effect.difference)} ({ends})" if ends else signed(effect.difference)


def _short(effect: ClickEffect) -> str:
    return {"helps": "helps", "harms": "does harm", "unclear": "cannot be told"}[effect.answer]


def _said_of_empty(empty: pd.DataFrame | None) -> str:
    if empty is None or METHODS[0] not in set(empty["method"]):
        return ""
    line = empty[empty["method"] == METHODS[0]].iloc[0]
    return f"Of {line['slices']} slices without a tumour {REFERENCE} outlines something in {percent(line['with_any'])}."
