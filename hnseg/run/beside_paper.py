"""A paper's table and ours, from what a cross-validation left on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from hnseg.evaluate import paper_tables
from hnseg.io import atomic_path
from hnseg.report import read_manifest
from hnseg.run.published_tables import PaperTable
from hnseg.run.score import POSTPROCESSED, read_scores

PLACES = {"rows": ".", "postprocessed": POSTPROCESSED, "test": "test", "test_postprocessed": f"test/{POSTPROCESSED}"}
"""Where in a cross-validation's folder the rows lie that :mod:`hnseg.evaluate.paper_tables` takes."""


def paper_and_ours(table: PaperTable, folder: Path, structure: str) -> str:
    """The paper's table and ours as text, and as a CSV in ``tables/`` of the cross-validation's folder."""
    ours = _ours(table, folder, structure)
    if ours is None:
        return (
            f"Table {table.number} is of test patients, and no test patient of this data set has a mask to score; "
            f"the ensemble's masks are in {folder / 'test' / 'predictions'}"
        )
    manifest = read_manifest(folder)
    both, phantom = beside(table.rows, ours), bool(manifest["phantom"])
    csv = folder / "tables" / f"{table.experiment}-table{table.number}.csv"
    with atomic_path(csv) as temporary:
        both.assign(phantom=phantom & (both["of"] == "hnseg")).to_csv(temporary, index=False)
    lines = [f"Table {table.number} of {table.source}, and hnseg: {table.title} ({structure})"]
    if phantom:
        lines.append("PHANTOM: hnseg's figures are of made-up patients and say nothing about the paper's.")
    if not manifest["finished"]:
        lines.append("NOT FINISHED: hnseg's figures are of the networks that are trained so far.")
    if table.layout == "folds":
        lines.append("HD95 of hnseg is the median over a fold's patients; the paper does not say what its own is.")
    return "\n".join([*lines, as_text(both), f"also in {csv}"])


def _ours(table: PaperTable, folder: Path, structure: str) -> pd.DataFrame | None:
    """The same table from the rows of the cross-validation; None where there are no rows to make it of."""
    paths = {name: folder / place / "cases.csv" for name, place in PLACES.items()}
    found = {name: read_scores(path) for name, path in paths.items() if path.is_file()}
    if table.layout == "test":
        best = found.get("test_postprocessed", found.get("test"))
        return None if best is None else paper_tables.test_table(best, structure)
    if table.layout == "centres":
        return paper_tables.centre_table(found["rows"], structure)
    return paper_tables.fold_table(structure=structure, **found)


def beside(paper: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """Paper and ours in one table: ``row``, ``of`` (paper or hnseg), then the paper's columns.

    A row of one that the other does not have stays alone.
    """
    columns = [column for column in paper if column in ours or column == "row"]
    lines: list[dict[Any, Any]] = []
    for name in dict.fromkeys([*paper["row"], *ours["row"]]):
        for source, table in (("paper", paper), ("hnseg", ours)):
            lines += [{"of": source, **line} for line in table.loc[table["row"] == name, columns].to_dict("records")]
    return pd.DataFrame(lines, columns=["row", "of", *(column for column in columns if column != "row")])


def as_text(table: pd.DataFrame) -> str:
    """A table for the terminal: ``0.744 ± 0.206``, and nothing where there is no number."""
    names = table["row"].astype(str)
    shown = pd.DataFrame({"": names.str.ljust(int(names.str.len().max())), "of": table["of"]})
    for column in map(str, table.columns.drop(["row", "of"])):
        if column.endswith("_sd"):
            continue
        name, digits = column.removesuffix("_mean"), 0 if column == "n" else 2 if "_mm" in column else 3
        spreads = table.get(f"{name}_sd", pd.Series(float("nan"), table.index))
        pairs = zip(table[column], spreads, strict=True)
        shown[name.replace("_", " ")] = [_cell(value, spread, digits) for value, spread in pairs]
    return shown.to_string(index=False)


def _cell(value: float, spread: float, digits: int) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.{digits}f}" + ("" if pd.isna(spread) else f" ± {spread:.{digits}f}")
