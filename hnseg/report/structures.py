"""What is the same for structures in every figure and table of a run: their order and their colours."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from hnseg.report.canvas import SERIES

MANY = 3
"""From so many structures on, tables and figures have an organ a line instead of a block or panel a structure."""

STRUCTURE_COLORS = (*SERIES[:6], "#961eff", "#e1c378", "#d21e3c", "#9678ff", "#ffa5b4", "#d200b4")
"""Okabe and Ito's six, and six more as far as possible from all before them in CIELAB, as seen with normal vision and
with each kind of dichromacy (Machado, Oliveira, Fernandes 2009, doi:10.1109/TVCG.2009.113); lightness 45 to 80, so that
they can be seen on white and on CT."""


def structure_colors(names: Sequence[str]) -> dict[str, str]:
    """Structure to colour by place; beyond twelve the colours come again, and the numbers in the pictures tell."""
    return {name: STRUCTURE_COLORS[place % len(STRUCTURE_COLORS)] for place, name in enumerate(names)}


def ordered(present: Sequence[str], label_names: Sequence[str]) -> list[str]:
    """Different names in the order of the label names; those that are not among them last."""
    found = list(dict.fromkeys(present))
    return [name for name in label_names if name in found] + [name for name in found if name not in label_names]


def ordered_rows(cases: pd.DataFrame, label_names: Sequence[str]) -> pd.DataFrame:
    """The rows of many structures, structure by structure as :func:`ordered`, patients in their order; of few as is.

    A table of cases has them patient by patient, and the first patient may lack half of them.
    """
    names = ordered(list(cases["structure"]), label_names)
    if len(names) < MANY:
        return cases
    places = {name: place for place, name in enumerate(names)}
    return cases.iloc[cases["structure"].map(places).argsort(kind="stable")].reset_index(drop=True)


def has_many(cases: pd.DataFrame, label_names: Sequence[str]) -> bool:
    """Whether a page is one of many structures, be they scored yet or not."""
    return len({*label_names, *cases["structure"]}) >= MANY
