"""What can be compared: finished runs, cross-validations, and folders of masks from anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from hnseg.evaluate.pairing import find_predictions
from hnseg.io.phantom_marker import is_phantom

PARTS = ("predictions", "postprocessed", "test", "validation")
"""Folders inside a run or a training of nnU-Net: their names alone tell nobody whose they are."""


@dataclass(frozen=True, eq=False)
class Source:
    """A folder whose masks or scores are compared.

    Attributes:
        name: of its column, different from all others.
        folder: where it lies.
        rows: what was scored already (``cases.csv``), None for a folder of masks.
        masks: patient to mask file.
        prepared: patient to prepared case, where it is a run's.
        label_names: structures, where a configuration names them.
        phantom: whether it is marked as made from a phantom.
        repeated: patients who were scored more than once; the first time counts.
    """

    name: str
    folder: Path
    rows: pd.DataFrame | None
    masks: Mapping[str, Path]
    prepared: Mapping[str, Path]
    label_names: tuple[str, ...] | None
    phantom: bool
    repeated: tuple[str, ...] = ()

    @property
    def scored(self) -> set[str]:
        """The patients of ``rows``."""
        return set() if self.rows is None else set(self.rows["case"])


def open_sources(folders: Sequence[Path]) -> list[Source]:
    """Read what lies in the folders, nothing scored yet.

    Raises:
        ValueError: a folder is named twice, is not there, holds neither scores nor masks, or is a run whose patients
            were not scored.
    """
    names = name_folders(folders)
    return [_open(folder, name) for folder, name in zip(folders, names, strict=True)]


def name_folders(folders: Sequence[Path]) -> list[str]:
    """The shortest ends of the paths that tell the folders apart; ``RUN/postprocessed`` keeps its RUN.

    Raises:
        ValueError: a folder is named twice.
    """
    paths = [folder.expanduser().resolve() for folder in folders]
    if twice := sorted({str(path) for path in paths if paths.count(path) > 1}):
        raise ValueError(f"{twice[0]} is named twice; a folder compared with itself says nothing")
    lengths = [1 + _generic_end(path) for path in paths]
    names = [_end(path, length) for path, length in zip(paths, lengths, strict=True)]
    while clashing := {name for name in names if names.count(name) > 1}:
        lengths = [length + (name in clashing) for length, name in zip(lengths, names, strict=True)]
        names = [_end(path, length) for path, length in zip(paths, lengths, strict=True)]
    return names


def agreed_label_names(
    sources: Sequence[Source], given: Sequence[str] | None, *, needed: bool = True
) -> tuple[str, ...]:
    """What the values in masks stand for, as the user or the runs say.

    Raises:
        ValueError: the user and a run, or two runs, say different things; or nobody says.
    """
    known = {source.name: source.label_names for source in sources if source.label_names}
    said = ({"label_names": tuple(given)} if given else {}) | known
    if len(set(said.values())) > 1 and (needed or given):
        listed = "; ".join(f"{name}: {', '.join(names)}" for name, names in said.items())
        raise ValueError(f"the masks' values stand for different structures ({listed}); compare runs of the same ones")
    if not said and needed:
        raise ValueError("folders of masks need label_names=[...], in the order of their values, such as [GTVp,GTVn]")
    return next(iter(said.values()), ())


def _generic_end(path: Path) -> int:
    """How many folders at the end of a path have names of :data:`PARTS`."""
    count = 0
    while path.name in PARTS:
        path, count = path.parent, count + 1
    return count


def _end(path: Path, length: int) -> str:
    return "/".join(path.parts[-length:])


def _open(folder: Path, name: str) -> Source:
    folder = folder.expanduser()
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder; give a run's folder or one that holds masks")
    run = folder.resolve()
    for _ in range(_generic_end(run)):
        run = run.parent
    manifest = _manifest(run)
    rows, repeated = _rows(folder / "cases.csv") if (folder / "cases.csv").is_file() else (None, ())
    if rows is None and (folder / "manifest.json").is_file():
        raise ValueError(
            f"{folder} has no cases.csv: its test patients were not scored; train it to its end, test=true"
        )
    place = folder / "predictions" if rows is not None else folder
    masks = find_predictions(place) if place.is_dir() else {}
    if rows is None and not masks:
        raise ValueError(f"{folder} holds neither cases.csv nor masks named like CASE.nii.gz; give a folder that does")
    marked = rows is not None and "phantom" in rows and rows["phantom"].astype(str).str.lower().eq("true").any()
    return Source(
        name=name,
        folder=folder,
        rows=rows,
        masks=masks,
        prepared={case_id: Path(path) for case_id, path in manifest.get("cases", {}).items()},
        label_names=_label_names(run / "config.yaml") if manifest else None,
        phantom=bool(manifest.get("phantom")) or bool(marked) or is_phantom(folder.resolve()),
        repeated=repeated,
    )


def _manifest(run: Path) -> dict[str, Any]:
    """A run's ``manifest.json``; empty where the folder is none of a run."""
    path = run / "manifest.json"
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is not a run's manifest ({error}); resume the run to write it again") from error


def _label_names(path: Path) -> tuple[str, ...] | None:
    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
        return tuple(str(name) for name in plain["data"]["label_names"])
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return None


def _rows(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows of a table, and who is in it twice: under two folds, of which the first counts."""
    names = {"case": str, "centre": str, "structure": str, "fold": str}
    try:
        # a patient may be called NA; every digit counts, or equal scores would differ
        rows = pd.read_csv(
            path, dtype=names, keep_default_na=False, na_values=["", "nan", "NaN"], float_precision="round_trip"
        )
        twice = rows.duplicated(["case", "structure"])
    except (ValueError, KeyError) as error:
        raise ValueError(f"{path} is not a table of cases ({error}); write it again, or give its masks") from error
    return rows[~twice].reset_index(drop=True), tuple(sorted(set(rows.loc[twice, "case"])))
