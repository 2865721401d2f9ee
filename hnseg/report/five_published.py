"""The published tables of the five methods, to stand beside those of a run; they are of other patients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd
import yaml


@dataclass(frozen=True, eq=False)
class PublishedFive:
    """Tables as printed, in the columns of :mod:`hnseg.evaluate.five_methods`.

    Attributes:
        source: whose they are.
        slices, patients: how many they are of.
        table1: ``row`` and median Dice a method, the last row the standard deviation.
        table2, table3: p-values, ``method`` and those compared with.
    """

    source: str
    slices: int
    patients: int
    table1: pd.DataFrame
    table2: pd.DataFrame
    table3: pd.DataFrame


@cache
def rainio2024() -> PublishedFive:
    """Tables 1 to 3 of Rainio et al. 2024, doi:10.1007/s13721-024-00483-0."""
    text = files("hnseg.report").joinpath("published/rainio2024.yaml").read_text(encoding="utf-8")
    plain = yaml.safe_load(text)
    methods = plain["methods"]
    medians = [{"row": row, **dict(zip(methods, values, strict=True))} for row, values in plain["median_dice"].items()]
    return PublishedFive(
        plain["source"],
        plain["slices"],
        plain["patients"],
        pd.DataFrame(medians),
        _triangle(plain["wilcoxon_p"], methods),
        _triangle(plain["variance_p"], methods),
    )


def _triangle(rows: dict[str, list[Any]], methods: list[str]) -> pd.DataFrame:
    # yaml reads 2.22e-16 as text: it wants a sign and a dot
    lines = [{"method": row, **dict(zip(methods, map(float, values), strict=False))} for row, values in rows.items()]
    return pd.DataFrame(lines, columns=["method", *methods[:-1]])
