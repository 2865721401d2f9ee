"""From rows a case to a table by centre: means, spreads and bootstrap intervals."""

from __future__ import annotations

from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ALL_PATIENTS = "all patients"
MEAN_OF_CENTRES = "mean of centres"
AVERAGED = ("dice", "precision", "recall")
TOO_FEW = "too few"


def summarise(
    rows: pd.DataFrame,
    by: str = "centre",
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
    least_n: int = 1,
) -> pd.DataFrame:
    """Summarise the rows of :func:`hnseg.evaluate.cases.evaluate_case` for every structure and centre.

    Columns: ``structure``, ``by``, ``n``, mean and sample standard deviation of Dice, precision and recall (cases where
    one is not defined are left out of it), ``hd95_median_mm``, and ``dice_low`` and ``dice_high``: percentile bootstrap
    interval of the mean Dice over resampled patients (Efron 1979, doi:10.1214/aos/1176344552). The same seed gives the
    same interval, whatever other centres are in the table.

    After the centres come "all patients" and "mean of centres": the unweighted average over centres (Table 1 of Iantsen
    et al. 2021, doi:10.1007/978-3-030-67194-5_4), its spread over centres, and patients resampled within their centre.

    With ``least_n`` above 1 there is a column ``note``: it says "too few" for centres of fewer patients, whose row has
    ``n`` alone, and who take no part in "mean of centres".

    Raises:
        ValueError: a column that is needed is missing.
    """
    needed = {"structure", by, "hd95_mm", *AVERAGED}
    if missing := sorted(needed - set(rows.columns)):
        raise ValueError(f"the table of cases lacks the columns {missing}; it has {list(rows.columns)}")
    lines = []
    for structure, of_structure in rows.groupby("structure", sort=False):
        lines += _summarise_structure(str(structure), of_structure, by, resamples, (1 - confidence) / 2, seed, least_n)
    columns = ["structure", by, "n", *[f"{name}_{what}" for name in AVERAGED for what in ("mean", "sd")]]
    noted = ["note"] * (least_n > 1)
    return pd.DataFrame(lines, columns=[*columns, "dice_low", "dice_high", "hd95_median_mm", *noted])


def _summarise_structure(
    structure: str, rows: pd.DataFrame, by: str, resamples: int, tail: float, seed: int, least_n: int
) -> list[dict[str, object]]:
    lines, replicates = [], []
    for centre, group in [*rows.groupby(by, dropna=False), (ALL_PATIENTS, rows)]:
        line: dict[str, object] = {"structure": structure, by: centre, "n": len(group)}
        if len(group) < least_n:
            lines.append(line | {"note": TOO_FEW})
            continue
        rng = np.random.default_rng([seed, crc32(f"{structure}/{centre}".encode())])
        means = bootstrap_means(group["dice"].to_numpy(float), resamples, rng)
        for name in AVERAGED:
            line |= {f"{name}_mean": group[name].mean(), f"{name}_sd": group[name].std(ddof=1)}
        lines.append(line | _interval(means, tail) | {"hd95_median_mm": group["hd95_mm"].median(), "note": ""})
        replicates.append(means)
    counting = [line for line in lines[:-1] if line.get("note") != TOO_FEW]
    n = sum(int(str(line["n"])) for line in counting)
    return [*lines, {"structure": structure, by: MEAN_OF_CENTRES, "n": n} | _over_centres(counting, replicates, tail)]


def _over_centres(
    lines: list[dict[str, object]], replicates: list[NDArray[np.float64]], tail: float
) -> dict[str, object]:
    """Unweighted means over the centres' lines; ``replicates`` are theirs, and those of all patients after them."""
    if not lines:
        return {"note": TOO_FEW}
    centres = pd.DataFrame(lines)
    average: dict[str, object] = {}
    for name in AVERAGED:
        means = centres[f"{name}_mean"]
        average |= {f"{name}_mean": means.mean(), f"{name}_sd": means.std(ddof=1)}
    average |= _interval(np.mean(replicates[: len(lines)], axis=0), tail)
    return average | {"hd95_median_mm": centres["hd95_median_mm"].mean(), "note": ""}


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
