"""What post-processing removes of what is not tumour, and what of the tumour goes with it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hnseg.evaluate.paper_tables import POSTPROCESSED, checked_rows
from hnseg.evaluate.summary import bootstrap_means

ALL_FOLDS = "all folds"
VOLUMES = ("case", "structure", "fold", "volume_mm3", "truth_volume_mm3", "intersection_mm3", "lesions_false")
SAME_ML = 1e-6  # volumes are whole voxels: less is the rounding of a table that was written and read
RESAMPLES = 2000


def false_positive_table(
    rows: pd.DataFrame, postprocessed: pd.DataFrame, structure: str | None = None, *, seed: int = 0
) -> pd.DataFrame:
    """Whether post-processing removes what is not tumour, and what it costs; a row a fold, and "all folds".

    Columns: ``n``; ``false_positive_ml`` (predicted outside the truth), ``false_negative_ml`` (missed) and
    ``lesions_false`` (predicted pieces that no true one matches with an IoU above 0.3), per patient on average, and
    the same with ``_postprocessed``; of the false-positive volume ``change_ml`` with a 95 % percentile bootstrap
    interval over patients, ``change_low`` and ``change_high``, and for how many patients it ``fell``, ``rose`` or was
    ``unchanged``.
    A patient whom several folds leave out counts once in "all folds", with the mean of their folds.

    Raises:
        ValueError: no rows, a column is missing, no such structure, or the two do not hold the same patients.
    """
    before, after = (checked_rows(table, VOLUMES, structure) for table in (rows, postprocessed))
    keys = ["fold", "case", "structure"]
    before, after = (_errors(table).set_index(keys) for table in (before, after))
    if twice := sorted({str(case) for _, case, _ in before.index[before.index.duplicated()]}):
        raise ValueError(f"{', '.join(twice)}: two rows of one structure in a fold; score every case once")
    if alone := sorted({str(case) for _, case, _ in before.index.symmetric_difference(after.index)}):
        raise ValueError(
            f"{len(alone)} patients have rows only without or only with post-processing: {', '.join(alone[:5])}; "
            "say the command again to score both"
        )
    pairs = before.join(after.add_suffix(POSTPROCESSED)).reset_index()
    lines = []
    for name, of_structure in pairs.groupby("structure", sort=False):
        for fold, group in of_structure.groupby("fold", sort=False):
            lines.append({"structure": name, "row": str(fold), **_change(group, seed)})
        patients = of_structure.drop(columns=["fold", "structure"]).groupby("case").mean()
        lines.append({"structure": name, "row": ALL_FOLDS, **_change(patients, seed)})
    return pd.DataFrame(lines)


def _errors(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "fold": rows["fold"].astype(str),
            **{name: rows[name] for name in ("case", "structure")},
            "false_positive_ml": (rows["volume_mm3"] - rows["intersection_mm3"]) / 1000,
            "false_negative_ml": (rows["truth_volume_mm3"] - rows["intersection_mm3"]) / 1000,
            "lesions_false": rows["lesions_false"].astype(float),
        }
    )


def _change(pairs: pd.DataFrame, seed: int) -> dict[str, float]:
    """What post-processing does to patients, a row each."""
    measures = ("false_positive_ml", "false_negative_ml", "lesions_false")
    means = {f"{name}{end}": float(pairs[f"{name}{end}"].mean()) for name in measures for end in ("", POSTPROCESSED)}
    change_ml = (pairs["false_positive_ml_postprocessed"] - pairs["false_positive_ml"]).dropna().to_numpy(float)
    low, high = float("nan"), float("nan")
    if len(change_ml) > 1:  # of one patient there is nothing to resample
        resampled = bootstrap_means(change_ml, RESAMPLES, np.random.default_rng(seed))
        low, high = (float(value) for value in np.quantile(resampled, [0.025, 0.975]))
    fell, rose = (int((sign * change_ml > SAME_ML).sum()) for sign in (-1, 1))
    return {
        "n": len(pairs),
        **means,
        "change_ml": float(change_ml.mean()) if len(change_ml) else float("nan"),
        "change_low": low,
        "change_high": high,
        "fell": fell,
        "rose": rose,
        "unchanged": len(change_ml) - fell - rose,
    }
