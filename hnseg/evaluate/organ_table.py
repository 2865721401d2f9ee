"""Organ by organ: how well each is outlined, by data set and in all."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from hnseg.evaluate.summary import ALL_PATIENTS, TOO_FEW

LEAST_N = 5
"""Patients below whom a mean of organs says nothing and is not given."""

MEAN_OF_ORGANS = "mean of organs"
MEANS = ("dice", "dice_slices", "surface_dice")
NEEDED = ("case", "centre", "structure", "hd95_mm", "tolerance_mm", *MEANS)


def organ_table(
    rows: pd.DataFrame, label_names: Sequence[str] | None = None, *, least_n: int = LEAST_N, by: str = "centre"
) -> pd.DataFrame:
    """A row an organ and source, and below "mean of organs" of each source.

    Columns: ``structure``, ``by``, ``n`` (patients in whom it is annotated), mean and sample standard deviation of
    ``dice``, ``dice_slices`` (see :func:`hnseg.metrics.overlap.slice_dice`) and ``surface_dice`` over patients,
    ``hd95_median_mm`` (infinite ones count), ``tolerance_mm`` (nan where patients had different ones) and ``note``.

    Where fewer than ``least_n`` patients are annotated only ``n`` is given and the note is "too few". "mean of organs"
    is the unweighted mean over the organs that have enough; its ``n`` is how many organs those are, and its note names
    the others.

    Args:
        rows: of :func:`hnseg.evaluate.cases.evaluate_case`, one a patient and structure.
        label_names: the organs, in order; where not given, those of the rows.
        least_n: patients that a mean needs.
        by: the column of sources, such as data sets; "all patients" follows where there are several.

    Raises:
        ValueError: no rows, a column is missing, or a patient has two rows of one organ.
    """
    if missing := sorted({*NEEDED, by} - set(rows.columns)):
        raise ValueError(f"the table of cases lacks the columns {missing}; score the masks anew with this version")
    if rows.empty:
        raise ValueError("the table of cases has no rows: no patient was scored")
    if (twice := rows.duplicated(["case", "structure"])).any():
        raise ValueError(f"{rows.loc[twice, 'case'].iloc[0]} has two rows of one structure; score every case once")
    groups = [(str(source), group) for source, group in rows.groupby(rows[by].fillna(""))]
    if len(groups) > 1:
        groups.append((ALL_PATIENTS, rows))
    lines = [
        {"structure": name, by: source} | _line(group[group["structure"] == name], least_n)
        for name in label_names or dict.fromkeys(rows["structure"])
        for source, group in groups
    ]
    table = pd.DataFrame(lines).reindex(columns=_columns(by))
    averages = [{"structure": MEAN_OF_ORGANS, by: s} | _average(table[table[by] == s]) for s, _ in groups]
    return pd.DataFrame([*table.to_dict("records"), *averages], columns=_columns(by))


def organ_text(table: pd.DataFrame, by: str = "centre") -> str:
    """The table for a terminal: per cent as ``86.4 ± 3.1``, mm with two digits, nothing where there is no number."""
    average = table["structure"] == MEAN_OF_ORGANS
    names = table["structure"].where(~average, "mean of " + table["n"].astype(str) + " organs")
    shown = pd.DataFrame({"organ": names.str.ljust(int(names.str.len().max()))})
    if len(set(table[by])) > 1:
        shown[by] = table[by].replace("", "(none)")
    shown["n"] = table["n"].astype(str).where(~average, "")
    for name, title in (("dice", "Dice %"), ("dice_slices", "slice-wise Dice %")):
        shown[title] = _percents(table, name)
    shown["HD95 mm"] = [_number(value, 2) for value in table["hd95_median_mm"]]
    shown["surface Dice %"] = _percents(table, "surface_dice")
    shown["at mm"] = [_number(value, 2) for value in table["tolerance_mm"]]
    return shown.assign(note=table["note"]).to_string(index=False)


def _columns(by: str) -> list[str]:
    means = [f"{name}_{what}" for name in MEANS for what in ("mean", "sd")]
    return ["structure", by, "n", *means[:4], "hd95_median_mm", *means[4:], "tolerance_mm", "note"]


def _line(rows: pd.DataFrame, least_n: int) -> dict[str, object]:
    if len(rows) < max(1, least_n):
        return {"n": len(rows), "note": TOO_FEW}
    line: dict[str, object] = {"n": len(rows), "note": "", "hd95_median_mm": float(rows["hd95_mm"].median())}
    for name in MEANS:
        line |= {f"{name}_mean": float(rows[name].mean()), f"{name}_sd": float(rows[name].std(ddof=1))}
    tolerances = set(rows["tolerance_mm"])
    return line | {"tolerance_mm": tolerances.pop() if len(tolerances) == 1 else float("nan")}


def _average(lines: pd.DataFrame) -> dict[str, object]:
    """Over the organs of one source."""
    enough = lines[lines["note"] != TOO_FEW]
    without = lines.loc[lines["note"] == TOO_FEW, "structure"]
    names = [*(f"{name}_mean" for name in MEANS), "hd95_median_mm"]
    note = f"without {', '.join(without)}" if len(without) else ""
    return {"n": len(enough), "note": note} | {name: float(enough[name].mean()) for name in names}


def _percents(table: pd.DataFrame, name: str) -> list[str]:
    pairs = zip(table[f"{name}_mean"], table[f"{name}_sd"], strict=True)
    return [_number(100 * mean, 1) + (f" ± {100 * sd:.1f}" if pd.notna(sd) else "") for mean, sd in pairs]


def _number(value: float, digits: int) -> str:
    return "" if pd.isna(value) else f"{value:.{digits}f}"
