"""What networks outline on slices without tumour, which the paper of the five methods never shows them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hnseg.evaluate.cluster_bootstrap import over_patients

NEEDED = ("method", "case", "predicted_pixels", "predicted_ml")
COLUMNS = ("method", "slices", "patients", "with_any", "low", "high", "median_ml", "median_ml_where_any")


def empty_slice_table(rows: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """How often, and how much, is outlined where there is nothing; a row a method in the order of ``rows``.

    Rainio et al. 2024 train and score on slices with tumour alone (section 2.2); a patient has several times as many
    without. Columns: ``method``, ``slices``, ``patients``, ``with_any`` (share of slices with any positive pixel) and
    its 95 % interval ``low``, ``high`` over patients, who are drawn with all their slices (nan for one patient);
    ``median_ml`` over all slices, and ``median_ml_where_any`` over those with any.

    Args:
        rows: a row a method and slice without tumour: ``method``, ``case``, ``predicted_pixels``, ``predicted_ml``.
        resamples, seed: of the intervals.

    Raises:
        ValueError: a column is missing.
    """
    if missing := [name for name in NEEDED if name not in rows.columns]:
        raise ValueError(f"the table of empty slices lacks the columns {missing}; it has {list(rows.columns)}")
    lines = []
    for method, group in rows.groupby("method", sort=False):
        positive = group["predicted_pixels"].to_numpy() > 0
        cases = [str(case) for case in group["case"]]
        share = over_patients(positive.astype(np.float64), cases, resamples=resamples, seed=seed)[1]
        counts = (str(method), len(group), len(set(cases)))
        medians_ml = (float(group["predicted_ml"].median()), float(group.loc[positive, "predicted_ml"].median()))
        lines.append((*counts, *share, *medians_ml))
    return pd.DataFrame(lines, columns=list(COLUMNS))
