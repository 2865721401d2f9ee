"""The three tables of Rainio et al. 2024, doi:10.1007/s13721-024-00483-0: five ways to use a click, slice by slice.

CNNonly sees the slice alone; CNNrand and CNNcm keep those of its components that hold a random or central click;
rand1CNN and cm1CNN see such a click as a second channel. Every function takes ``scores``: a row a slice, with the
columns ``fold``, ``case``, ``slice`` and, for every method that was scored, one of its name with Dice from 0 to 1. A
method without a column is missing; nan is a slice that was not scored. What is not there stays nan.

Slices of one patient resemble each other and are no independent observations, so the p-values of Tables 2 and 3 are far
too small. They are here because the paper has them; :mod:`hnseg.evaluate.five_patients` has tests that count patients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import f as f_distribution
from scipy.stats import levene

from hnseg.evaluate.paired import holm, signed_rank_p

METHODS = ("CNNonly", "CNNrand", "CNNcm", "rand1CNN", "cm1CNN")
KEYS = ("fold", "case", "slice")
ALL_SETS, SPREAD = "all test sets", "SD"
ROWS, COLUMNS = METHODS[:0:-1], METHODS[:-1]
"""Of the lower triangles, in the paper's order."""
PAIRS = tuple((row, column) for row in ROWS for column in METHODS[: METHODS.index(row)])

Test = Callable[[NDArray[np.float64], NDArray[np.float64]], float]


def checked_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """``scores`` in the order of ``KEYS``' columns and then of ``METHODS``, those missing filled with nan.

    Raises:
        ValueError: a key is missing, there is no score at all, a slice has two rows, or a Dice is not from 0 to 1.
    """
    if missing := [name for name in KEYS if name not in scores.columns]:
        raise ValueError(f"the table of slices lacks the columns {missing}; it has {list(scores.columns)}")
    table = scores.reindex(columns=[*KEYS, *METHODS]).reset_index(drop=True)
    table[list(METHODS)] = table[list(METHODS)].astype(float)
    if table[list(METHODS)].isna().all(axis=None):
        raise ValueError(f"no slice has a score of any of {', '.join(METHODS)}; finish a fold of one of them first")
    if (twice := table.duplicated(list(KEYS))).any():
        found = table.loc[twice, list(KEYS)].iloc[0]
        raise ValueError(f"slice {found['slice']} of {found['case']} has two rows in fold {found['fold']}; keep one")
    values = table[list(METHODS)].to_numpy()
    if ((values < 0) | (values > 1)).any():
        raise ValueError(f"a Dice is from 0 to 1; found {np.nanmin(values):g} to {np.nanmax(values):g}")
    return table


def methods_in(scores: pd.DataFrame) -> tuple[str, ...]:
    """The methods that have any score, in the paper's order."""
    return tuple(name for name in METHODS if name in scores.columns and scores[name].notna().any())


def shared_slices(scores: pd.DataFrame) -> pd.DataFrame:
    """The slices that every method with any score was scored on: what medians and tests of several methods are of."""
    table = checked_scores(scores)
    return table.dropna(subset=list(methods_in(table))).reset_index(drop=True)


def table1(scores: pd.DataFrame) -> pd.DataFrame:
    """Table 1: median Dice of each test set, of all of them, and the standard deviation over all slices.

    Columns: ``row``, ``slices``, ``patients`` and the five methods. A row a fold in the order of ``scores``, over the
    slices that a method was scored on there; then "all test sets" and "SD" over ``shared_slices``, so that the methods
    are compared on the same slices even while folds are missing. The deviation, which the paper gives in its text, is
    that of a sample (n - 1); the paper does not say which it used, and with 962 slices they agree to three digits.

    Raises:
        ValueError: see :func:`checked_scores`.
    """
    table = checked_scores(scores)
    shared = shared_slices(table)
    lines = [
        _line(str(fold), group, group[list(METHODS)].median()) for fold, group in table.groupby("fold", sort=False)
    ]
    lines += [
        _line(ALL_SETS, shared, shared[list(METHODS)].median()),
        _line(SPREAD, shared, shared[list(METHODS)].std(ddof=1)),
    ]
    return pd.DataFrame(lines)


def table2(scores: pd.DataFrame) -> pd.DataFrame:
    """Table 2: two-sided p of Wilcoxon's signed-rank test on the paired Dice of slices, lower triangle.

    Columns: ``method`` (rows as in the paper, cm1CNN first), the methods compared with, and the same with ``_holm``:
    corrected by Holm's method for being ten, which the paper does not do. ``scipy.stats.wilcoxon`` with its defaults:
    slices without a difference are left out (``zero_method="wilcox"``), equal differences share their mean rank, and
    the normal approximation without continuity correction is used above 50 slices or with ties, the exact distribution
    otherwise. No difference in any slice: 1.

    Raises:
        ValueError: see :func:`checked_scores`.
    """
    return _triangle(shared_slices(scores), {"": lambda a, b: signed_rank_p(a - b)})


def table3(scores: pd.DataFrame) -> pd.DataFrame:
    """Table 3: two-sided p of the F-test of equal variances, lower triangle; see :func:`equal_variances_p`.

    Columns as in :func:`table2`, then those of Brown and Forsythe's test, ``_brown_forsythe`` and
    ``_brown_forsythe_holm``: the F-test supposes a normal distribution, which Dice, with a heap at zero, does not have.
    Both suppose two independent samples, though here they are of the same slices.

    Raises:
        ValueError: see :func:`checked_scores`.
    """
    return _triangle(shared_slices(scores), {"": equal_variances_p, "_brown_forsythe": brown_forsythe_p})


def equal_variances_p(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """2 min(F(q), 1 - F(q)) of the quotient q of the sample variances (the paper's section 2.5 and its code).

    1 - F is the survival function here, so that small values do not end at 2.2e-16, the rounding of that difference,
    which is what seven cells of the paper's Table 3 hold. No variance in either sample: 1; in one of them only: 0;
    fewer than two values: nan.
    """
    if min(len(first), len(second)) < 2:
        return float("nan")
    above, below = float(np.var(first, ddof=1)), float(np.var(second, ddof=1))
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float(np.ptp(first) == np.ptp(second))
    freedom = (len(first) - 1, len(second) - 1)
    tails = (f_distribution.cdf(above / below, *freedom), f_distribution.sf(above / below, *freedom))
    return float(min(1.0, 2 * min(tails)))


def brown_forsythe_p(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Levene's test with distances to the median (Brown, Forsythe 1974, doi:10.1080/01621459.1974.10482955).

    1 where no value differs from its median, or where both samples' distances are all the same; nan for fewer than two
    values.
    """
    if min(len(first), len(second)) < 2:
        return float("nan")
    with np.errstate(divide="ignore", invalid="ignore"):
        p = float(levene(first, second, center="median").pvalue)
    return 1.0 if np.isnan(p) else p


def _line(row: str, slices: pd.DataFrame, values: pd.Series) -> dict[str, object]:  # type: ignore[type-arg]
    counts = {"row": row, "slices": len(slices), "patients": slices["case"].nunique()}
    return counts | {name: float(values[name]) for name in METHODS}


def _triangle(shared: pd.DataFrame, tests: dict[str, Test]) -> pd.DataFrame:
    table = pd.DataFrame({"method": ROWS})
    present = methods_in(shared)
    for ending, test in tests.items():
        found = np.array([_p(shared, pair, present, test) for pair in PAIRS])
        for suffix, values in {ending: found, f"{ending}_holm": holm(found)}.items():
            by_pair = dict(zip(PAIRS, values, strict=True))
            for column in COLUMNS:
                table[f"{column}{suffix}"] = [by_pair.get((row, column), np.nan) for row in ROWS]
    return table


def _p(shared: pd.DataFrame, pair: tuple[str, str], present: Sequence[str], test: Test) -> float:
    if not set(pair) <= set(present):
        return float("nan")
    return test(shared[pair[0]].to_numpy(float), shared[pair[1]].to_numpy(float))
