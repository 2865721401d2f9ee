"""The published scores of the nine organs, to stand beside those of a run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml

from hnseg.evaluate.organ_table import MEAN_OF_ORGANS
from hnseg.report.run_folder import RunFolder
from hnseg.report.settings import label_names
from hnseg.report.words import Sentence, patients

PAPERS = ("jain2020", "zhu2018")
THEIR_PATIENTS = 15
ANATOMYNETS_PATIENTS = 10
"""Test patients of Models L and M; AnatomyNet was tested on ten of them."""


@dataclass(frozen=True)
class PublishedOrgans:
    """A printed table.

    Attributes:
        source: whose it is.
        data: the data set.
        columns: heading to structure to Dice from 0 to 1, with the mean over organs as printed.
    """

    source: str
    data: str
    columns: dict[str, dict[str, float]]


@cache
def jain2020_table2() -> PublishedOrgans:
    """Table 2 of Jain and Virtanen 2020: AnatomyNet as Zhu et al. 2018 report it, and their Models L and M."""
    text = files("hnseg.report").joinpath("published/jain2020_table2.yaml").read_text(encoding="utf-8")
    plain = yaml.safe_load(text)
    columns = {
        f"{column['name']}, {column['counted']}": {
            name: percent / 100
            for name, percent in zip(
                [*plain["structures"], MEAN_OF_ORGANS],
                [*column["dice_percent"], column["mean_percent"]],
                strict=True,
            )
        }
        for column in plain["columns"]
    }
    return PublishedOrgans(plain["source"], plain["data"], columns)


def published_beside(run: RunFolder) -> tuple[PublishedOrgans, list[Sentence]] | None:
    """What to show beside a run's scores, and what has to be said of it; None where it has nothing to do with it.

    It is shown for the experiments of both papers, and for any run on their data with their nine organs.
    """
    published = jain2020_table2()
    data = str(run.manifest.get("data", {}).get("name", "unknown data"))
    called = f"{run.config.get('title', '')} {run.manifest.get('name', '')}"
    nine = [name for name in next(iter(published.columns.values())) if name != MEAN_OF_ORGANS]
    same_data = data == published.data
    if not any(paper in called for paper in PAPERS) and not (same_data and set(label_names(run.config)) == set(nine)):
        return None
    return published, _said(run, published, data, same_data)


def _said(run: RunFolder, published: PublishedOrgans, data: str, same_data: bool) -> list[Sentence]:
    text = (
        f"The last columns are {published.source}: PDDCA, the data of the MICCAI 2015 challenge. Its Models L and M "
        f"({THEIR_PATIENTS} test patients) were scored slice by slice, where the truth shows the organ, as our "
        "slice-wise Dice is. AnatomyNet (Zhu et al. 2018; 261 training CTs, ten of these test patients) was "
        "scored by volumes, with the epoch chosen for each organ on the test patients."
    )
    ours = f"Ours are {patients(run.cases['case'].nunique())} of {data}"
    if run.phantom:
        return [Sentence(text), Sentence(f"{ours}, a phantom: nothing can be compared.", warning=True)]
    if not same_data:
        return [Sentence(text), Sentence(f"{ours}: other patients, so the columns cannot be compared.", warning=True)]
    if run.cases["case"].nunique() not in (THEIR_PATIENTS, ANATOMYNETS_PATIENTS):
        theirs = f"{THEIR_PATIENTS}, or AnatomyNet's {ANATOMYNETS_PATIENTS}"
        beware = f"{ours}, not their {theirs}: only scores of the same patients can be compared."
        return [Sentence(text), Sentence(beware, warning=True)]
    return [Sentence(text), Sentence(f"{ours}; that these are theirs has to be read off the split.")]
