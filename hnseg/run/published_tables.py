"""The tables of the papers that can be reproduced, as printed there."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pandas as pd
import yaml

FOLDER = "published"


@dataclass(frozen=True)
class PaperTable:
    """One printed table.

    Attributes:
        experiment: the file in ``conf/experiment``.
        number: as the paper counts.
        title: what it shows.
        layout: ``centres``, ``test`` or ``folds``: which of hnseg's tables it is.
        source: whose it is.
        data: the data set that the paper used.
        command: what to say to ``hnseg cv`` beside the experiment, on the paper's data.
        elsewhere: the same on other data.
        rows: a line each, column ``row`` and measures; mm for distances.
    """

    experiment: str
    number: int
    title: str
    layout: str
    source: str
    data: str
    command: tuple[str, ...]
    elsewhere: tuple[str, ...]
    rows: pd.DataFrame


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
        source=paper["source"],
        data=paper["data"],
        command=tuple(paper["command"]),
        elsewhere=tuple(paper["elsewhere"]),
        rows=pd.DataFrame(table["rows"]),
    )


def _experiments() -> list[str]:
    folder = files("hnseg.run").joinpath(FOLDER)
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def _read(experiment: str) -> dict[str, Any]:
    text = files("hnseg.run").joinpath(FOLDER, f"{experiment}.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)  # type: ignore[no-any-return]
