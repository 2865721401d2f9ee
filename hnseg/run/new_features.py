"""The features of new patients, computed as those that a saved model was fitted with."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from hnseg.inference import Checkpoint, load_checkpoint
from hnseg.prepare import Case, Failure, Recipe, prepare_cohort
from hnseg.radiomics import Settings
from hnseg.run.device import device_named
from hnseg.run.predict import find_patients, with_boxes
from hnseg.survival.clinical import ClinicalMapping, encode, read_clinical, read_mapping, shipped_mappings
from hnseg.survival.deep_features import Network, deep_table
from hnseg.survival.objects import CLINICAL, CT, DEEP, PT
from hnseg.survival.radiomic_features import cohort_radiomics
from hnseg.survival.saved import SavedModel

MAPPING = "mapping.yaml"
"""A user's own mapping, kept two folders above the models that were fitted with it."""


def new_features(plain: Mapping[str, Any], model: SavedModel) -> tuple[pd.DataFrame, list[Failure]]:
    """(patients, features) of the blocks that the model takes, and who could not be used.

    Args:
        plain: the configuration of `survival predict`.
        model: says how its features are computed.

    Raises:
        ValueError: something that the model needs was not given, or cannot be read.
    """
    blocks = model.feature_set.blocks
    tables: list[pd.DataFrame] = []
    failures: list[Failure] = []
    imaged = [block for block in blocks if block != CLINICAL]
    _refuse_missing(plain, blocks)
    if DEEP in blocks:
        _network(plain, model)
    if CLINICAL in blocks:
        tables.append(_clinical(plain, model, bool(imaged)))
    if imaged:
        with tempfile.TemporaryDirectory(prefix="hnseg-") as folder:
            cases, failures = _cases(plain, model, Path(folder))
            of_images, more = _imaged(plain, model, cases, imaged)
        tables += of_images
        failures += more
    return _joined(tables, failures)


def _refuse_missing(plain: Mapping[str, Any], blocks: Sequence[str]) -> None:
    """What the model needs beside its input; before hours of work and not after."""
    if CLINICAL in blocks and len(blocks) > 1 and plain["clinical"] is None:
        raise ValueError("this model takes clinical features beside images; give clinical=TABLE.csv")
    if {CT, PT} & set(blocks) and plain["masks"] is None:
        raise ValueError("this model takes radiomic features; give masks=DIR, with a CASE.nii.gz for each patient")


def _joined(tables: Sequence[pd.DataFrame], failures: list[Failure]) -> tuple[pd.DataFrame, list[Failure]]:
    """Patients who are in every table; the others are named."""
    everybody = dict.fromkeys(str(name) for table in tables for name in table.index)
    shared = [name for name in everybody if all(name in table.index for table in tables)]
    said = {failure.case_id for failure in failures}
    missing = [
        Failure(name, "is not in both, the clinical table and the images")
        for name in everybody
        if name not in shared and name not in said
    ]
    return pd.concat([table.loc[shared] for table in tables], axis=1), [*failures, *missing]


def _clinical(plain: Mapping[str, Any], model: SavedModel, images: bool) -> pd.DataFrame:
    said = plain["clinical"] if images else plain["input"]
    mapping = _mapping(plain["mapping"], model, Path(plain["model"]["folder"]).expanduser())
    return encode(read_clinical(Path(said).expanduser(), mapping))


def _mapping(said: str | None, model: SavedModel, folder: Path) -> ClinicalMapping:
    """As said, else the one that the model was fitted with, where it is there."""
    name = str(model.needs.get(CLINICAL, {}).get("mapping", ""))
    beside = folder.resolve().parent.parent / MAPPING
    if said is not None:
        return read_mapping(said)
    if name in shipped_mappings():
        return read_mapping(name)
    if beside.is_file():
        return read_mapping(beside)
    raise ValueError(f"the model was fitted with the mapping {name!r}, which is not there; give mapping=FILE.yaml")


def _cases(plain: Mapping[str, Any], model: SavedModel, cache: Path) -> tuple[list[Case], list[Failure]]:
    """Images prepared as the training patients' were."""
    recipe = Recipe.from_dict(model.needs["images"]["recipe"])
    findings = with_boxes(find_patients(Path(plain["input"]).expanduser(), recipe.modalities), plain["boxes"])
    cohort = prepare_cohort(findings.studies, recipe, cache, "new")
    return list(cohort.cases), [*findings.problems, *cohort.failures]


def _imaged(
    plain: Mapping[str, Any], model: SavedModel, cases: Sequence[Case], blocks: Sequence[str]
) -> tuple[list[pd.DataFrame], list[Failure]]:
    tables: list[pd.DataFrame] = []
    failures: list[Failure] = []
    if modalities := [block for block in blocks if block in (CT, PT)]:
        folder = Path(plain["masks"]).expanduser()
        masks = {case.case_id: folder / f"{case.case_id}.nii.gz" for case in cases}
        settings = {name: Settings.from_dict(model.needs[name]) for name in modalities}
        found, failures = cohort_radiomics(cases, masks, settings, model.needs["images"]["structures"])
        tables += found.values()
    if DEEP in blocks:
        network, checkpoint = _network(plain, model)
        deep = deep_table(checkpoint, cases, network.layer, device=device_named(plain["device"]))
        tables.append(deep.table)
        failures += deep.failures
    return tables, failures


def _network(plain: Mapping[str, Any], model: SavedModel) -> tuple[Network, Checkpoint]:
    """The network of the deep features, which is checked by its hash."""
    network = Network.from_plain(model.needs[DEEP])
    named = Path(network.path)
    if not plain["checkpoint"] and (named.is_absolute() or ".." in named.parts):
        raise ValueError(
            f"the model's network {network.path!r} lies outside of {plain['networks']}; give checkpoint=FILE"
        )
    path = Path(plain["checkpoint"] or Path(plain["networks"]) / named).expanduser()
    if not path.is_file():
        raise ValueError(f"the network of the deep features is not at {path}; give checkpoint=FILE")
    checkpoint = load_checkpoint(path, plain["trust"])
    network.refuse_another(checkpoint)
    return network, checkpoint
