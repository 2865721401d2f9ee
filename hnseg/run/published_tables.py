"""The tables of the papers that can be reproduced, as printed there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pandas as pd
import yaml

from hnseg.report.five_published import rainio2024
from hnseg.report.published_organs import jain2020_table2

FOLDER = "published"


@dataclass(frozen=True)
class PaperTable:
    """One printed table.

    Attributes:
        experiment: the file in ``conf/experiment``.
        number: as the paper counts.
        title: what it shows.
        layout: ``centres``, ``test``, ``folds``, ``organs`` or ``methods``: which of hnseg's tables it is.
        task: ``cv``, or ``train`` for a paper with one split.
        source: whose it is.
        data: the data set that the paper used.
        command: what to say to the task beside the experiment, on the paper's data.
        elsewhere: the same on other data, and on phantoms.
        also: data set to the same, where it is neither of the two.
        rows: a line each, column ``row`` and measures; mm for distances.
        note: what has to be known before the figures are compared with ours.
    """

    experiment: str
    number: int
    title: str
    layout: str
    task: str
    source: str
    data: str
    command: tuple[str, ...]
    elsewhere: tuple[str, ...]
    also: Mapping[str, tuple[str, ...]]
    rows: pd.DataFrame
    note: str = ""

    def own_words(self, data: str, phantom: bool = False) -> tuple[str, ...]:
        """What to say to the task beside the experiment on this data set."""
        if phantom:
            return self.elsewhere
        return self.command if data == self.data else self.also.get(data, self.elsewhere)


def paper_table(experiment: str, number: int) -> PaperTable:
    """A table by experiment and number.

    Raises:
        ValueError: there is none; the message names those that are there.
    """
    known = {name: _read(name) for name in _experiments()}
    if experiment not in known or number not in known[experiment]["tables"]:
        there = "; ".join(f"{name} table={'|'.join(map(str, paper['tables']))}" for name, paper in known.items())
        raise ValueError(
            f"{experiment} has no table {number} of a paper to reproduce; there are {there}. "
            "Any other experiment is cross-validated with hnseg cv experiment=NAME"
        )
    paper = known[experiment]
    table = paper["tables"][number]
    return PaperTable(
        experiment=experiment,
        number=number,
        title=table["title"],
        layout=table["layout"],
        task=paper.get("task", "cv"),
        source=paper["source"],
        data=paper["data"],
        command=tuple(paper["command"]),
        elsewhere=tuple(paper["elsewhere"]),
        also={data: tuple(words) for data, words in paper.get("also", {}).items()},
        rows=_rows(table),
        note=table.get("note", ""),
    )


def _rows(table: Mapping[str, Any]) -> pd.DataFrame:
    """Where a report shows the same figures they are there, once."""
    if table["layout"] == "organs":
        return _organs(table["column"], table["measure"])
    return rainio2024().table1 if table["layout"] == "methods" else pd.DataFrame(table["rows"])


def _organs(column: str, measure: str) -> pd.DataFrame:
    """A column of the one table of organs, which reports show as well."""
    scores = jain2020_table2().columns[column]
    return pd.DataFrame({"row": list(scores), measure: list(scores.values())})


def _experiments() -> list[str]:
    folder = files("hnseg.run").joinpath(FOLDER)
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def _read(experiment: str) -> dict[str, Any]:
    text = files("hnseg.run").joinpath(FOLDER, f"{experiment}.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)  # type: ignore[no-any-return]
