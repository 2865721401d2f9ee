"""The published C-indices of models and feature sets, to stand beside those of a run; they are of other patients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml


@dataclass(frozen=True)
class PublishedSurvival:
    """A printed table.

    Attributes:
        source: whose it is.
        data: the data set.
        patients, events: of its training part, in which the table was cross-validated.
        test_c_index, test_patients: what the best of it reached on the challenge's test patients.
        c_index: model and feature set to C-index in cross-validation.
    """

    source: str
    data: str
    patients: int
    events: int
    test_c_index: float
    test_patients: int
    c_index: dict[tuple[str, str], float]


@cache
def bourigault2021() -> PublishedSurvival:
    """Table 2 of Bourigault et al. 2022, doi:10.1007/978-3-030-98253-9_18; its counts are of section 2.1."""
    text = files("hnseg.report").joinpath("published/bourigault2021_table2.yaml").read_text(encoding="utf-8")
    plain = yaml.safe_load(text)
    values = {
        (model, features): float(value) for model, sets in plain["c_index"].items() for features, value in sets.items()
    }
    return PublishedSurvival(**plain | {"c_index": values})


def published_table2() -> dict[tuple[str, str], float]:
    """``(model, feature set)`` to the printed C-index: ``("cox", "clinical+ct+deep")`` to 0.82."""
    return dict(bourigault2021().c_index)
