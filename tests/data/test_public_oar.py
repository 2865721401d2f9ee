"""The fixed split of public CT with organs, against the rule that it says it was made by and the files on disk."""

import csv
import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hnseg.data.listed import PARTS
from hnseg.prepare.organs import PDDCA, canonical

ROOT = os.environ.get("HNSEG_REAL_DATA")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not ROOT, reason="HNSEG_REAL_DATA is not set; it names a folder with oar/paired and openkbp"),
]
OAR = Path(ROOT or "") / "oar"
OPENKBP_PARTS = {"train-pats": "train", "validation-pats": "val", "test-pats": "test"}
DEALT = {
    "chiasm": ("train", "test", "train", "val"),
    "optic nerves": ("test", "train", "test", "train"),
    "neither": ("train", "test", "val", "test", "train", "test", "train"),
}


@pytest.fixture(scope="module")
def split() -> dict[str, Any]:
    return json.loads(files("hnseg.data").joinpath("published", "public_oar.json").read_text())


def organs(source: str) -> dict[str, set[str]]:
    """Patient to the organs of the nine that were outlined."""
    folders = sorted(path for path in (OAR / source).iterdir() if path.is_dir())
    masks = {folder.name: (canonical(path.stem) for path in (folder / "structures").iterdir()) for folder in folders}
    return {patient: {name for name in names if name} for patient, names in masks.items()}


def deal(outlined: dict[str, set[str]], seed: int) -> dict[str, str]:
    """Patient to part: the rule for the paired patients with one seed."""
    groups: dict[str, list[str]] = {name: [] for name in DEALT}
    for patient, names in sorted(outlined.items()):
        kind = "chiasm" if "Chiasm" in names else "optic nerves" if "OpticNerve_L" in names else "neither"
        groups[kind].append(patient)
    rng, parts = np.random.default_rng(seed), {}
    for kind, patients in groups.items():
        rng.shuffle(patients)
        if kind == "chiasm":
            patients.sort(key=lambda patient: len(outlined[patient]) < len(PDDCA))
        parts |= dict(zip(patients, DEALT[kind], strict=True))
    return parts


def informative(outlined: dict[str, set[str]], parts: dict[str, str]) -> bool:
    """Every organ in a validation patient, submandibular glands in four that train and five that are tested."""

    def count(organ: str, part: str) -> int:
        return sum(organ in outlined[patient] for patient in parts if parts[patient] == part)

    glands = ("Submandibular_L", "Submandibular_R")
    return all(count(organ, "val") for organ in PDDCA) and all(
        count(gland, "train") >= 4 and count(gland, "test") >= 5 for gland in glands
    )


def test_openkbps_patients_are_where_openkbp_has_them(split: dict[str, Any]) -> None:
    with (OAR / "openkbp" / "patients.csv").open(newline="") as file:
        known = {row["id"]: OPENKBP_PARTS[row["openkbp_split"]] for row in csv.DictReader(file)}
    here = {patient: known[patient] for patient in organs("openkbp")}
    assert here == {patient: part for part in PARTS for patient in split[part] if patient.startswith("kbp_")}


def test_paired_patients_were_dealt_by_the_rule(split: dict[str, Any]) -> None:
    outlined = organs("paired")
    seed = next(seed for seed in range(2026, 3000) if informative(outlined, deal(outlined, seed)))
    assert f"default_rng({seed})" in split["rule"]
    written = {patient: part for part in PARTS for patient in split[part] if not patient.startswith("kbp_")}
    assert deal(outlined, seed) == written


def test_counts_are_those_of_the_files(split: dict[str, Any]) -> None:
    outlined = organs("paired") | organs("openkbp")
    assert sorted(outlined) == sorted(patient for part in PARTS for patient in split[part])
    for part in PARTS:
        counts = {organ: sum(organ in outlined[patient] for patient in split[part]) for organ in PDDCA}
        assert split["annotated"][part] == counts
