"""The folders of one data set for nnU-Net v2: who owns them, ``dataset.json`` and ``splits_final.json``."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hnseg.io import atomic_path
from hnseg.prepare.case import Case
from hnseg.prepare.nnunet_case import SUFFIX, ignore_label

CHANNELS = {"ct": "CT", "pt": "PET"}
RESERVED = ("background", "ignore")

Folds = Mapping[str, tuple[Sequence[str], Sequence[str]]]
"""Name of a fold to the case ids to train on and those left out."""


@dataclass(frozen=True)
class NnunetFolder:
    """Where a data set lies for nnU-Net.

    Attributes:
        root: holds ``nnUNet_raw``, ``nnUNet_preprocessed`` and, once nnU-Net trains, ``nnUNet_results``.
        number: of the data set, 1 to 999.
        name: letters, digits and underscores.
    """

    root: Path
    number: int
    name: str

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 999:
            raise ValueError(f"dataset_id={self.number} must be one of 1 to 999, and one that no other data set has")
        if not re.fullmatch(r"[A-Za-z0-9_]+", self.name):
            raise ValueError(f"dataset_name={self.name!r} must be letters, digits and underscores for nnU-Net")

    def below(self, part: str) -> Path:
        """The data set's folder below ``nnUNet_raw``, ``nnUNet_preprocessed`` or ``nnUNet_results``."""
        return self.root / f"nnUNet_{part}" / f"Dataset{self.number:03d}_{self.name}"


def claim(folder: NnunetFolder, expected: set[Path], overwrite: bool) -> None:
    """Make the folders of ``nnUNet_raw``, and make sure that nobody else's data set is there.

    Args:
        folder: the data set.
        expected: all images and labels that it will have.
        overwrite: throw away what an earlier export left.

    Raises:
        ValueError: the number is taken, or files of another export are there.
    """
    raw = folder.below("raw")
    for part in ("raw", "preprocessed", "results"):
        place = folder.below(part)
        others = [p.name for p in place.parent.glob(f"Dataset{folder.number:03d}_*") if p.name != place.name]
        if others:
            raise ValueError(f"{place.parent} has {others[0]}, which takes the number; choose another dataset_id")
    if overwrite:
        shutil.rmtree(raw, ignore_errors=True)
    strange = sorted(set(raw.glob(f"*T[rs]/*{SUFFIX}")) - expected)
    if strange:
        raise ValueError(
            f"{raw} holds files of another export ({strange[0].name} and {len(strange) - 1} more); "
            "overwrite=true throws them away, another dataset_id keeps them"
        )
    for name in ("imagesTr", "labelsTr", "imagesTs"):
        (raw / name).mkdir(parents=True, exist_ok=True)
    (raw / "dataset.json").unlink(missing_ok=True)


def write_splits(folder: NnunetFolder, folds: Folds, usable: set[str], overwrite: bool) -> None:
    """Write ``splits_final.json`` with the ``usable`` patients of each fold.

    Raises:
        ValueError: other folds are there, or a fold has nobody left.
    """
    path = folder.below("preprocessed") / "splits_final.json"
    splits = [
        {"train": sorted(usable & set(train)), "val": sorted(usable & set(left_out))}
        for train, left_out in folds.values()
    ]
    for name, split in zip(folds, splits, strict=True):
        if not split["train"] or not split["val"]:
            raise ValueError(f"fold {name} has {len(split['train'])} patients to train and {len(split['val'])} to test")
    if path.is_file() and not overwrite and json.loads(path.read_text()) != splits:
        raise ValueError(f"{path} holds other folds; overwrite=true replaces them, another dataset_id keeps them")
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(splits, indent=2) + "\n")


def description(folder: NnunetFolder, train: Sequence[Case], fold_names: Sequence[str]) -> dict[str, Any]:
    """The content of ``dataset.json``. Keys that nnU-Net does not know it passes over."""
    labels = {"background": 0} | {name: value for value, name in enumerate(train[0].label_names, start=1)}
    if not all(all(case.annotated) for case in train):  # only then: nnU-Net samples patches differently with it
        labels["ignore"] = ignore_label(train[0])
    return {
        "name": folder.name,
        "channel_names": {str(n): CHANNELS.get(name, name.upper()) for n, name in enumerate(train[0].modalities)},
        "labels": labels,
        "numTraining": len(train),
        "file_ending": SUFFIX,
        "converted_by": "hnseg export-nnunet",
        "folds": list(fold_names),
        "phantom": any(case.phantom for case in train),
    }
