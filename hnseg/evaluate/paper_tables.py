"""The tables of the two HECKTOR papers, from the rows of a cross-validation.

Every function takes rows of :func:`hnseg.evaluate.cases.evaluate_case` with a column ``fold`` (the test table without)
and gives a table with a column ``structure``, a column ``row`` and measures; all structures below each other, or the
one that is asked for. Iantsen, Visvikis, Hatt 2021, doi:10.1007/978-3-030-67194-5_4, Tables 1 and 2; Bourigault,
McGowan, Mehranian, Papiez 2022, doi:10.1007/978-3-030-98253-9_18, Table 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from hnseg.evaluate.summary import ALL_PATIENTS, MEAN_OF_CENTRES, summarise

MEAN_OF_FOLDS = "mean of folds"
MEAN_OF_RANDOM_SPLITS = "mean of random splits"
ENSEMBLE = "test patients, ensemble"
RANDOM_FOLDS = ("random_", "new_split_")
"""What the names of random folds begin with; all others leave out a centre."""

POSTPROCESSED = "_postprocessed"
SCORES = ("case", "centre", "structure", "dice", "precision", "recall", "hd95_mm")


def fold_table(
    rows: pd.DataFrame,
    postprocessed: pd.DataFrame | None = None,
    structure: str | None = None,
    *,
    test: pd.DataFrame | None = None,
    test_postprocessed: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Table 1 of Bourigault et al.: Dice and HD95 of each fold, without and with post-processing.

    Columns: ``n``, ``dice`` (mean over patients), ``hd95_mm``, ``hd95_mean_mm``, ``hd95_infinite``, and the same with
    ``_postprocessed``. After the folds comes "mean of folds", each weighing the same, which is what the paper prints as
    "Ensemble" (its 0.738 is the mean of its five rows); the ensemble's scores on test patients are a row of their own.

    The paper does not say how HD95 is averaged over patients. An empty prediction has an infinite one, so a mean is
    infinite as soon as one tumour is missed, and leaving that patient out rewards the miss. ``hd95_mm`` is therefore
    the median over patients, infinite ones included, as the challenge's organisers have it; ``hd95_mean_mm`` is the
    mean over finite ones, to be read together with ``hd95_infinite``, how many were not.

    Args:
        rows, postprocessed: out-of-fold rows of the network alone, and after post-processing.
        structure: the only one that is wanted.
        test, test_postprocessed: rows of the ensemble on test patients.

    Raises:
        ValueError: no rows, a column is missing, or no such structure.
    """
    tables = [_fold_rows(rows, test, structure)]
    if postprocessed is not None:
        tables.append(_fold_rows(postprocessed, test_postprocessed, structure).drop(columns="n"))
    keys = ["structure", "row"]
    first, *others = (table.set_index(keys) for table in tables)
    # a row that post-processing does not have stays, with nothing in that half
    return first.join([other.add_suffix(POSTPROCESSED) for other in others], how="left").reset_index()


def centre_table(rows: pd.DataFrame, structure: str | None = None) -> pd.DataFrame:
    """Table 1 of Iantsen et al.: ``n`` and mean and standard deviation over patients, of Dice, precision and recall.

    A row a centre, from the folds that leave out centres; then "mean of centres", unweighted, its deviation over
    centres. Where there are random folds too, "mean of random splits" is the mean of their means. Folds that are all of
    one kind (k-fold, say) give a row a centre and no random row.

    Raises:
        ValueError: no rows, a column is missing, or no such structure.
    """
    rows = checked_rows(rows, (*SCORES, "fold"), structure)
    random = rows["fold"].astype(str).str.startswith(RANDOM_FOLDS)
    mixed = bool(random.any()) and not bool(random.all())
    centres = summarise(rows[~random] if mixed else rows)
    table = centres[centres["centre"] != ALL_PATIENTS].rename(columns={"centre": "row"})
    if not mixed:
        return table.reset_index(drop=True)
    folds = summarise(rows[random], by="fold")
    average = folds[folds["fold"] == MEAN_OF_CENTRES].rename(columns={"fold": "row"})
    return _by_structure([table, average.assign(row=MEAN_OF_RANDOM_SPLITS)])


def test_table(rows: pd.DataFrame, structure: str | None = None) -> pd.DataFrame:  # noqa: PT028, it tests nothing
    """Table 2 of Iantsen et al.: the ensemble on the test patients, a row a centre, "all patients" below several.

    Raises:
        ValueError: no rows, a column is missing, or no such structure.
    """
    rows = checked_rows(rows, SCORES, structure)
    table = summarise(rows)
    dropped = [MEAN_OF_CENTRES] + [ALL_PATIENTS] * (len(set(rows["centre"])) == 1)
    return table[~table["centre"].isin(dropped)].rename(columns={"centre": "row"}).reset_index(drop=True)


def checked_rows(rows: pd.DataFrame, needed: Sequence[str], structure: str | None) -> pd.DataFrame:
    """The rows of the structure, or of all, if there are any and they have what is needed.

    Raises:
        ValueError: otherwise, with the names of what is missing.
    """
    if missing := sorted(set(needed) - set(rows.columns)):
        raise ValueError(f"the table of cases lacks the columns {missing}; it has {list(rows.columns)}")
    if rows.empty:
        raise ValueError("the table of cases has no rows: no patient was scored; finish the cross-validation first")
    known = list(dict.fromkeys(rows["structure"]))
    if structure is not None and structure not in known:
        raise ValueError(f"no row is of structure {structure!r}; the table has {', '.join(map(str, known))}")
    return rows if structure is None else rows[rows["structure"] == structure]


def _fold_rows(rows: pd.DataFrame, test: pd.DataFrame | None, structure: str | None) -> pd.DataFrame:
    rows = checked_rows(rows, (*SCORES, "fold"), structure)
    folds = _each(rows, ["structure", "fold"], _distances).rename(columns={"fold": "row"})
    means = _each(folds, ["structure"], _mean_of_folds)
    # by patients, of whom one may be in two folds
    means["n"] = means["structure"].map(rows.groupby("structure")["case"].nunique())
    parts = [folds, means.assign(row=MEAN_OF_FOLDS)]
    if test is not None and len(test):
        ensemble = _each(checked_rows(test, SCORES, structure), ["structure"], _distances)
        parts.append(ensemble.assign(row=ENSEMBLE))
    return _by_structure(parts)


def _distances(rows: pd.DataFrame) -> dict[str, float]:
    hd95_mm = rows["hd95_mm"].astype(float)
    return {
        "n": len(rows),
        "dice": float(rows["dice"].mean()),
        "hd95_mm": float(hd95_mm.median()),
        "hd95_mean_mm": float(hd95_mm[np.isfinite(hd95_mm)].mean()),
        "hd95_infinite": int(np.isinf(hd95_mm).sum()),
    }


def _mean_of_folds(folds: pd.DataFrame) -> dict[str, float]:
    means = {name: float(folds[name].mean()) for name in ("dice", "hd95_mm", "hd95_mean_mm")}
    return means | {"hd95_infinite": int(folds["hd95_infinite"].sum())}


def _each(rows: pd.DataFrame, keys: list[str], measure: Callable[[pd.DataFrame], dict[str, float]]) -> pd.DataFrame:
    """A line a group, in the order in which the groups appear."""
    lines = []
    for values, group in rows.groupby(keys, sort=False):
        names = dict(zip(keys, (str(value) for value in values), strict=True))
        lines.append({**names, **measure(group)})
    return pd.DataFrame(lines)


def _by_structure(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All parts of the first structure, then all of the next."""
    table = pd.concat(parts, ignore_index=True)
    order = {name: place for place, name in enumerate(dict.fromkeys(table["structure"]))}
    table = table.iloc[table["structure"].map(order).argsort(kind="stable")].reset_index(drop=True)
    return table[["structure", "row", *[name for name in table.columns if name not in ("structure", "row")]]]
