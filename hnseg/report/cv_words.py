"""What the page of a cross-validation says in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from hnseg.evaluate.false_positives import ALL_FOLDS, SAME_ML
from hnseg.report.cv_folder import CvFolder
from hnseg.report.paper_views import before_after
from hnseg.report.words import Sentence, listing, patients


def cv_status(cv: CvFolder) -> Sentence:
    """How many folds are done."""
    done, all_of_them = len(cv.folds) - len(cv.missing), len(cv.folds)
    if cv.missing or not cv.whole.manifest.get("finished", False):
        return Sentence(f"not finished: {done} of {all_of_them} folds trained and scored", warning=True)
    return Sentence(f"finished: all {all_of_them} folds are trained and scored")


def cv_evaluation(cv: CvFolder) -> list[Sentence]:
    """How the patients were divided, which folds are missing, and how often anybody looked."""
    split, rows = cv.whole.manifest.get("split", {}), cv.whole.cases
    sentences = [Sentence(f"Split “{split.get('name', 'unknown')}”, {len(cv.folds)} folds. {_counted(rows)}")]
    sentences += _protocol(str(split.get("protocol", ""))) + _learned(cv)
    if cv.missing:
        named = "; ".join(f"{fold.name} ({fold.lacking})" for fold in cv.missing)
        text = f"Not in any number below: {named}. The command at the end of the page goes on with them."
        sentences.append(Sentence(text, warning=True))
    sentences += _looks_at_folds(cv)
    sentences.append(looks_at_test(cv))
    return sentences


def looks_at_test(cv: CvFolder) -> Sentence:
    """Whether anybody looked at the patients who belong to no fold."""
    looks = int(cv.whole.manifest.get("test_looks", 0))
    if cv.test.empty and cv.outlined:
        return Sentence(f"The ensemble outlined {patients(cv.outlined)} of the test; no truth is known, so no score.")
    if cv.test.empty and cv.missing:
        return Sentence("The ensemble has not looked at any test patient: it waits until all folds are finished.")
    if cv.test.empty:
        return Sentence("The ensemble has not looked at any test patient.")
    if looks > 1:
        text = f"The data set's own test patients have been looked at {looks} times, so choices may have been fitted"
        return Sentence(f"{text} to them.", warning=True)
    return Sentence("The data set's own test patients have been looked at once, by the ensemble of this run.")


def false_positives_said(table: pd.DataFrame) -> list[Sentence]:
    """Whether false-positive volume fell, a sentence a structure, and a warning where what is true was lost with it."""
    sentences = []
    several = len(set(table["structure"])) > 1
    for line in table[table["row"] == ALL_FOLDS].to_dict("records"):
        sentences.append(Sentence((f"{line['structure']}: " if several else "") + _verdict(line)))
        lost_ml = line["false_negative_ml_postprocessed"] - line["false_negative_ml"]
        if lost_ml > max(SAME_ML, -line["change_ml"]):
            before, after = before_after(line, "false_negative_ml", 2)
            lost = f"More of {line['structure']}" if several else "More tumour"
            text = f"{lost} was lost than false-positive volume was removed: the missed volume rose from {before} "
            sentences.append(Sentence(f"{text}to {after} mL a patient.", warning=True))
    return sentences


def _verdict(line: Mapping[Any, Any]) -> str:
    before, after = before_after(line, "false_positive_ml", 2)
    counts = f"it fell in {line['fell']} of {patients(int(line['n']))}, rose in {line['rose']} and stayed the same in "
    mean = f"on average from {before} to {after} mL a patient; {counts}{line['unchanged']}."
    low, high, change_ml = line["change_low"], line["change_high"], line["change_ml"]
    if line["fell"] == line["rose"] == 0:
        return f"False-positive volume did not change in any of {patients(int(line['n']))} ({before} mL on average)."
    if high < 0 or low > 0:
        return f"False-positive volume {'fell' if high < 0 else 'rose'}, {mean}"
    if change_ml == 0:
        return f"False-positive volume neither fell nor rose, {mean}"
    moved = "fell" if change_ml < 0 else "rose"
    return f"False-positive volume {moved}, {mean} {_doubt(low)}"


def _doubt(low: float) -> str:
    if pd.isna(low):
        return "One patient says nothing about others."
    return "The 95 % interval of the change contains zero, so this may be chance."


def _counted(rows: pd.DataFrame) -> str:
    if rows.empty:
        return "Nobody has been scored yet."
    looked = rows.drop_duplicates(["case", "fold"]) if "fold" in rows.columns else rows.drop_duplicates("case")
    times = looked["case"].value_counts()
    text = f"{patients(len(times))} scored, each by a network that did not train on them"
    if int(times.max()) == 1:
        return f"{text}."
    return f"{text}; {patients(int((times > 1).sum()))} in more than one fold."


def _protocol(protocol: str) -> list[Sentence]:
    if protocol == "paper":
        text = (
            "Protocol “paper”: the left-out patients also served for validation, so each epoch was chosen on patients "
        )
        return [Sentence(text + "that are scored below and the scores are too favourable.", warning=True)]
    if protocol == "inner":
        text = "Protocol “inner”: the validation patients, on whom the epoch was chosen, come from the training side"
        return [Sentence(f"{text}; no left-out patient had a part in it.")]
    return []


def _learned(cv: CvFolder) -> list[Sentence]:
    """Whoever a fold trained on and left out as well: it must be nobody."""
    found = set()
    for fold in cv.folds:
        split = fold.run.manifest.get("split", {}) if fold.run else {}
        found |= set(split.get("train", [])) & set(split.get("test", []))
    if not found:
        return []
    text = f"{patients(len(found))} also served for training in the fold that left them out: {listing(sorted(found))}."
    return [Sentence(f"{text} The scores mean nothing.", warning=True)]


def _looks_at_folds(cv: CvFolder) -> list[Sentence]:
    looks = {fold.name: fold.looks for fold in cv.folds if fold.looks}
    if not looks:
        return []
    often = [f"{name}: {count}" for name, count in looks.items() if count > 1]
    if not often:
        return [Sentence("The left-out patients of each fold have been looked at once, by this run.")]
    text = f"The left-out patients of some folds have been looked at several times ({listing(often)}), so "
    return [Sentence(f"{text}choices may have been fitted to them.", warning=True)]
