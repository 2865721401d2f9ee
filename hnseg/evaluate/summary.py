"""From rows a case to a table by centre: means, spreads and bootstrap intervals."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ALL_PATIENTS = "all patients"
MEAN_OF_CENTRES = "mean of centres"
AVERAGED = ("dice", "precision", "recall")


def summarise(
    rows: pd.DataFrame, by: str = "centre", *, resamples: int = 2000, confidence: float = 0.95, seed: int = 0
) -> pd.DataFrame:
    """Summarise the rows of :func:`hnseg.evaluate.cases.evaluate_case` for every structure and centre.

    Columns: ``structure``, ``by``, ``n``, mean and sample standard deviation of Dice, precision and recall (cases where
    one is not defined are left out of it), ``hd95_median_mm``, and ``dice_low`` and ``dice_high``: percentile bootstrap
    interval of the mean Dice over resampled patients (Efron 1979, doi:10.1214/aos/1176344552). The same seed gives the
    same interval, whatever other centres are in the table.

    After the centres come "all patients" and "mean of centres": the unweighted average over centres (Table 1 of Iantsen
    et al. 2021, doi:10.1007/978-3-030-67194-5_4), its spread over centres, and patients resampled within their centre.

    Raises:
        ValueError: a column that is needed is missing.
    """
    needed = {"structure", by, "hd95_mm", *AVERAGED}
    if missing := sorted(needed - set(rows.columns)):
        raise ValueError(f"the table of cases lacks the columns {missing}; it has {list(rows.columns)}")
    lines = []
    for structure, of_structure in rows.groupby("structure", sort=False):
        lines += _summarise_structure(str(structure), of_structure, by, resamples, (1 - confidence) / 2, seed)
    columns = ["structure", by, "n", *[f"{name}_{what}" for name in AVERAGED for what in ("mean", "sd")]]
    return pd.DataFrame(lines, columns=[*columns, "dice_low", "dice_high", "hd95_median_mm"])


def _summarise_structure(
    structure: str, rows: pd.DataFrame, by: str, resamples: int, tail: float, seed: int
) -> list[dict[str, object]]:
    lines, replicates = [], []
    for centre, group in [*rows.groupby(by, dropna=False), (ALL_PATIENTS, rows)]:
        rng = np.random.default_rng([seed, crc32(f"{structure}/{centre}".encode())])
        means = bootstrap_means(group["dice"].to_numpy(float), resamples, rng)
        line: dict[str, object] = {"structure": structure, by: centre, "n": len(group)}
        for name in AVERAGED:
            line |= {f"{name}_mean": group[name].mean(), f"{name}_sd": group[name].std(ddof=1)}
        lines.append(line | _interval(means, tail) | {"hd95_median_mm": group["hd95_mm"].median()})
        replicates.append(means)
    centres = pd.DataFrame(lines[:-1])
    average: dict[str, object] = {"structure": structure, by: MEAN_OF_CENTRES, "n": len(rows)}
    for name in AVERAGED:
        means_of_centres = centres[f"{name}_mean"]
        average |= {f"{name}_mean": means_of_centres.mean(), f"{name}_sd": means_of_centres.std(ddof=1)}
    average |= _interval(np.mean(replicates[:-1], axis=0), tail)
    return [*lines, average | {"hd95_median_mm": centres["hd95_median_mm"].mean()}]


def bootstrap_means(values: NDArray[np.float64], resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(resamples,) means of ``values`` (n,) drawn n at a time with replacement; undefined values stay out."""
    values = values[~np.isnan(values)]
    if len(values) == 0:
        return np.full(resamples, np.nan)
    means: NDArray[np.float64] = values[rng.integers(len(values), size=(resamples, len(values)))].mean(axis=1)
    return means


def _interval(means: NDArray[np.float64], tail: float) -> dict[str, object]:
    low, high = np.quantile(means, [tail, 1 - tail])
    return {"dice_low": float(low), "dice_high": float(high)}
