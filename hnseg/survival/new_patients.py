"""The risk of patients whose outcome nobody knows yet."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from hnseg.survival.failures import listed
from hnseg.survival.saved import SavedModel


def predict_risks(model: SavedModel, features: pd.DataFrame) -> tuple[dict[str, float], list[str]]:
    """Patient to risk, greater meaning that the event is expected earlier; and what whoever uses it should know.

    Args:
        model: a saved one.
        features: (patients, features) with NaN where unknown; columns that the model does not know are left out, and
            those that are missing are imputed as the training patients had them.

    Returns:
        Risks of the patients of whom anything is known; a notice names the others, who have none.

    Raises:
        ValueError: no patient, one twice, a column that is not numeric, none of the model's features, or nothing is
            known of anybody.
    """
    table, notices = aligned(features, model)
    risks = model.risk(table)
    return dict(zip((str(patient) for patient in table.index), map(float, risks), strict=True)), notices


def aligned(features: pd.DataFrame, model: SavedModel) -> tuple[pd.DataFrame, list[str]]:
    """The table as the model was fitted on it, of patients of whom anything is known, and notices of what is missing.

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
    notices = _missing(missing, model.pipeline.selected_)
    unknown = table.isna().all(axis=1)
    if unknown.all():
        raise ValueError(
            f"of none of {len(table)} patients any feature of the model is known; check the table's values"
        )
    if empty := [str(patient) for patient in table.index[unknown]]:
        notices.append(f"{len(empty)} patients have no risk, as no feature of theirs is known: {', '.join(empty)}")
    if model.phantom:
        notices.append("the model was fitted to made-up patients; its risks mean nothing for real ones")
    return table[~unknown], notices


def _missing(missing: Sequence[str], selected: Sequence[str]) -> list[str]:
    """What is said of columns that nobody has: those that the model multiplies by name, the others by number."""
    used = [name for name in missing if name in selected]
    others = len(missing) - len(used)
    helping = f"{others} others, which matter only through imputation"
    if not used:
        return [f"no selected feature is missing, but {helping}"] if others else []
    said = (
        f"{len(used)} of {len(selected)} selected features are missing and were imputed for everybody: {listed(used)}"
    )
    return [said + (f"; so are {helping}" if others else "")]
