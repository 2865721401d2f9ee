"""The part of a page that is about many structures: tables organ by organ, in place of a block a structure."""

from __future__ import annotations

from typing import Any

from hnseg.report.organ_views import (
    left_out,
    one_row_each,
    organ_cards,
    organ_view,
    patient_view,
    scores_of,
    source_view,
)
from hnseg.report.published_organs import published_beside
from hnseg.report.run_folder import RunFolder
from hnseg.report.words import Sentence, patients


def organ_section(run: RunFolder) -> dict[str, Any]:
    """What the template shows of many structures: ``table``, ``sentences`` about it, ``sources`` and ``patients``.

    Printed scores of the same organs stand beside the run's where they have to do with each other.
    """
    beside = published_beside(run)
    published, sentences = beside if beside else (None, [])
    scores = scores_of(run.cases, run.label_names)
    if without := left_out(scores):
        printed = " Printed means are over all nine." if published else ""
        sentences = [Sentence(f"Mean of organs: {without}, of which there are too few patients.{printed}"), *sentences]
    return {
        "table": organ_view(scores, published),
        "sentences": sentences,
        "sources": source_view(one_row_each(run.cases), run.label_names, "centre"),
        "patients": patient_view(run.cases, run.label_names),
    }


def organ_headline(run: RunFolder, whose: str = "") -> list[dict[str, str]]:
    """The cards at the top: the mean over organs and two beside it, however many organs there are.

    Args:
        run: with scored patients.
        whose: what is said behind the number of patients.
    """
    count = patients(run.cases["case"].nunique()) + whose
    return organ_cards(scores_of(run.cases, run.label_names), count)
