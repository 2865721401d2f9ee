"""Clinical records as numbers: columns follow from the variables of a table, never from the values in its rows.

* Ordered stages are coded cumulatively: ``t_stage_from_3`` says that it is T3 or more. Their span is that of one-hot
  columns with the first level dropped (Bourigault et al. 2022, doi:10.1007/978-3-030-98253-9_18), so a model without a
  penalty fits the same. A Lasso merges neighbouring stages instead of stages with the first, and what is half known can
  be said: N1 or N2 has a 1 in ``n_stage_from_1``, NaN in ``_from_2`` and 0 in ``_from_3``.
* N and stage group are on the scale of edition 7. A patient of edition 8 (or of none that is known) whose oropharyngeal
  tumour is not known to be HPV-negative may be on a scale of its own, where stage I reaches to what was IVA: N1 is then
  N1 or N2, and the group is what T, N and M leave possible.
* What is not known is NaN in every column of its variable. The paper's authors made it the last level, or zeros.
* Hospital, name and site are no features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from hnseg.survival.clinical import staging
from hnseg.survival.clinical.staging import Bounds
from hnseg.survival.clinical.table import ClinicalRecord, ClinicalTable

Cells = Callable[[ClinicalRecord], tuple[float, ...]]


def encode(table: ClinicalTable) -> pd.DataFrame:
    """(patients, features) float; NaN where it is not known.

    The columns are :func:`feature_names` of the table's variables.
    """
    variables = [variable for variable in _CODES if variable in table.variables]
    rows = [[cell for variable in variables for cell in _CODES[variable][1](record)] for record in table.records]
    names = feature_names(variables)
    cells = np.array(rows, float).reshape(len(rows), len(names))
    return pd.DataFrame(cells, index=pd.Index(table.patients, dtype=object), columns=names)


def feature_names(variables: Sequence[str]) -> list[str]:
    """Columns that a table with these variables gives, in the order that every table has them."""
    return [name for variable, (names, _) in _CODES.items() if variable in variables for name in names]


def _one(value: float | None) -> tuple[float, ...]:
    return (np.nan if value is None else float(value),)


def _from(bounds: Bounds, levels: range) -> tuple[float, ...]:
    low, high = bounds
    return tuple(1.0 if low >= level else 0.0 if high < level else np.nan for level in levels)


def _hpv_scale(record: ClinicalRecord) -> bool:
    return staging.may_be_hpv_scale(record.tnm_edition, record.hpv, record.site, record.n_stage, record.tnm_group)


def _n(record: ClinicalRecord) -> Bounds:
    return staging.n_bounds(record.n_stage, _hpv_scale(record))


def _group(record: ClinicalRecord) -> Bounds:
    """As the table says it, or what follows on edition 7's scale; stage IV of the other scale is M1."""
    if not _hpv_scale(record):
        return staging.group_bounds(record.tnm_group)
    if record.m_stage is None and record.tnm_group is not None:
        m: Bounds = (1, 1) if record.tnm_group == "IV" else (0, 0)
    else:
        m = staging.m_bounds(record.m_stage)
    return staging.seventh_edition_group(staging.t_bounds(record.t_stage), _n(record), m)


_CODES: Mapping[str, tuple[tuple[str, ...], Cells]] = {
    "age": (("age",), lambda r: _one(r.age)),
    "weight_kg": (("weight_kg",), lambda r: _one(r.weight_kg)),
    "gender": (("gender_male",), lambda r: _one(None if r.gender is None else r.gender == "male")),
    "tobacco": (("tobacco",), lambda r: _one(r.tobacco)),
    "alcohol": (("alcohol",), lambda r: _one(r.alcohol)),
    "performance_status": (("performance_status",), lambda r: _one(r.performance_status)),
    "hpv": (("hpv_positive",), lambda r: _one(r.hpv)),
    "surgery": (("surgery",), lambda r: _one(r.surgery)),
    "chemotherapy": (("chemotherapy",), lambda r: _one(r.chemotherapy)),
    "tnm_edition": (("tnm_edition_8",), lambda r: _one(None if r.tnm_edition is None else r.tnm_edition == 8)),
    "t_stage": (
        ("t_stage_from_2", "t_stage_from_3", "t_stage_from_4"),
        lambda r: _from(staging.t_bounds(r.t_stage), range(2, 5)),
    ),
    "n_stage": (("n_stage_from_1", "n_stage_from_2", "n_stage_from_3"), lambda r: _from(_n(r), range(1, 4))),
    "m_stage": (("m_stage_1",), lambda r: _from(staging.m_bounds(r.m_stage), range(1, 2))),
    "tnm_group": (
        ("tnm_group_from_2", "tnm_group_from_3", "tnm_group_from_4"),
        lambda r: _from(_group(r), range(2, 5)),
    ),
}
"""Variable to its columns and what a record puts there."""
