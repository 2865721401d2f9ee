"""The scores that the organisers of the HECKTOR challenges compute, from the rows of single cases.

2020 and 2021: mean Dice, precision and recall and the median HD95 by surface elements; a missing patient scores Dice 0
and HD95 infinity (Andrearczyk et al. 2022, doi:10.1007/978-3-030-98253-9_1). 2022: one aggregated Dice for primaries,
one for nodes, and their mean (Andrearczyk et al. 2023, doi:10.1007/978-3-031-27420-6_1). 2025: mean Dice of primaries,
aggregated Dice and pooled lesion F1 of nodes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from hnseg.metrics.lesions import LesionCounts, aggregated_f1

Variant = Literal["paper", "code"]


def official_scores(
    rows: pd.DataFrame,
    expected_cases: Sequence[str],
    *,
    variant: Variant = "code",
    primary: str = "GTVp",
    nodal: str = "GTVn",
) -> dict[str, Any]:
    """Scores of all challenge years that the structures in the table allow.

    Args:
        rows: rows of :func:`hnseg.evaluate.cases.evaluate_case`, one a case and structure. A missing patient has
            the rows of :func:`hnseg.evaluate.cases.missed_case`, so that aggregated scores know its truth, or none.
        expected_cases: patients that count; one without rows scores Dice, precision and recall 0 and HD95 infinity, and
            its truth is unknown to the aggregated scores (listed as ``without_rows``). Others are left out.
        variant: what an *empty* prediction gets in 2020 and 2021. ``code`` is the organisers' program: Dice, precision,
            recall and HD95 are all 0, so an empty mask improves the median. ``paper`` is what was meant: HD95 infinite,
            and Dice 1 and HD95 0 where the truth is empty as well.
        primary, nodal: names of the structures of 2022 and 2025.

    Returns:
        ``cases``, ``without_rows``, ``variant``, ``hecktor2021`` (structure to scores), ``hecktor2022`` (structure to
        aggregated Dice, and ``mean``), and ``hecktor2025`` where both structures are there.

    Raises:
        ValueError: the variant is not known, or a case has two rows of one structure.
    """
    if variant not in get_args(Variant):
        raise ValueError(f"variant {variant!r} of the official scores is not known; use paper or code")
    twice = rows.duplicated(["case", "structure"])
    if twice.any():
        raise ValueError(f"{rows.loc[twice, 'case'].iloc[0]} has two rows of one structure; score every case once")
    rows = rows[rows["case"].isin(list(expected_cases))]
    unknown = sorted(set(expected_cases) - set(rows["case"]))
    by_structure = {str(name): group.set_index("case") for name, group in rows.groupby("structure", sort=False)}
    aggregated = {name: pooled_dice(group) for name, group in by_structure.items()}
    scores: dict[str, Any] = {
        "cases": len(expected_cases),
        "without_rows": unknown,
        "variant": variant,
        "hecktor2021": {name: _scores_2021(group, unknown, variant) for name, group in by_structure.items()},
        "hecktor2022": aggregated | {"mean": float(np.mean(list(aggregated.values()))) if aggregated else math.nan},
    }
    if primary in by_structure and nodal in by_structure:
        scores["hecktor2025"] = {
            f"{primary}_mean_dice": float(_with_missing(by_structure[primary]["dice"], unknown, 0.0).mean()),
            f"{nodal}_aggregated_dice": aggregated[nodal],
            f"{nodal}_aggregated_f1": pooled_lesion_f1(by_structure[nodal]),
        }
    return scores


def _scores_2021(rows: pd.DataFrame, unknown: Sequence[str], variant: Variant) -> dict[str, float]:
    """Means of Dice, precision and recall and the median HD95 (undefined values stay out, infinity counts)."""
    empty = rows["answered"] & (rows["volume_mm3"] == 0)
    scores = {}
    for name in ("dice", "precision", "recall"):
        spoilt = empty if variant == "code" else empty & (rows["truth_volume_mm3"] > 0)
        scores[name] = float(_with_missing(rows[name].mask(spoilt, 0.0), unknown, 0.0).mean())
    hd95_mm = rows["hd95_surface_mm"].mask(empty, 0.0) if variant == "code" else rows["hd95_surface_mm"]
    return scores | {"hd95_median_mm": float(_with_missing(hd95_mm, unknown, math.inf).median())}


def _with_missing(values: pd.Series[float], unknown: Sequence[str], score: float) -> pd.Series[float]:
    """The cases' values, and ``score`` for every case that has no rows at all."""
    return pd.concat([values.astype(float), pd.Series(score, index=list(unknown), dtype=float)])


def pooled_dice(rows: pd.DataFrame) -> float:
    """One Dice over the rows of one structure, 2 sum |A n B| / sum (|A| + |B|) in mm3; nan where there is none.

    As the organisers of 2022 sum volumes.
    """
    volume_mm3 = rows["volume_mm3"].sum() + rows["truth_volume_mm3"].sum()
    return float(2 * rows["intersection_mm3"].sum() / volume_mm3) if volume_mm3 else math.nan


def pooled_lesion_f1(rows: pd.DataFrame) -> float:
    """One F1 over the lesions of all rows, as in 2025; nan where there is none."""
    columns = rows[["lesions_hit", "lesions_false", "lesions_missed"]].astype(int)
    return aggregated_f1(LesionCounts(*counts) for counts in columns.itertuples(index=False))
