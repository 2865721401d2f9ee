"""The risk of patients whose outcome nobody knows yet."""

from __future__ import annotations

import pandas as pd

from hnseg.survival.failures import listed
from hnseg.survival.saved import SavedModel


def predict_risks(model: SavedModel, features: pd.DataFrame) -> tuple[dict[str, float], list[str]]:
    """Patient to risk, greater meaning that the event is expected earlier; and what whoever uses it should know.

    Args:
        model: a saved one.
        features: (patients, features) with NaN where unknown; columns that the model does not know are left out, and
            those that are missing are imputed as the training patients had them.

    Raises:
        ValueError: no patient, one twice, a column that is not numeric, or none of the model's features.
    """
    table, notices = aligned(features, model)
    risks = model.risk(table)
    return dict(zip((str(patient) for patient in table.index), map(float, risks), strict=True)), notices


def aligned(features: pd.DataFrame, model: SavedModel) -> tuple[pd.DataFrame, list[str]]:
    """The table as the model was fitted on it, and notices of what was not in it.

    Raises:
        ValueError: as :func:`predict_risks`.
    """
    if features.empty:
        raise ValueError("there is no patient, or no feature, to predict from; give a table with both")
    if features.index.has_duplicates:
        twice = features.index[features.index.duplicated()][0]
        raise ValueError(f"patient {twice!r} is there twice; keep one row for each")
    missing = [name for name in model.features if name not in features.columns]
    if len(missing) == len(model.features):
        raise ValueError(
            f"the table has none of the model's features ({listed(missing)}); it takes {model.feature_set.name}: check "
            "the mapping of columns"
        )
    table = features.reindex(columns=list(model.features)).astype(float)
    notices = []
    if missing:
        notices.append(f"{len(missing)} features are missing and were imputed for everybody: {listed(missing)}")
    if empty := [str(patient) for patient in table.index[table.isna().all(axis=1)]]:
        notices.append(f"of {len(empty)} patients no feature is known, so their risk says nothing: {listed(empty)}")
    if model.phantom:
        notices.append("the model was fitted to made-up patients; its risks mean nothing for real ones")
    return table, notices
