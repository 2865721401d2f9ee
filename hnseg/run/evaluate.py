"""`evaluate`: a folder of masks against the truth, tumours by centre or organs one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from hnseg.evaluate.folders import evaluate_folders
from hnseg.evaluate.organ_files import PDDCA_FOLDER, Naming
from hnseg.evaluate.organ_folders import OrganScoring, has_organ_folders, score_organ_folders, write_organ_scores
from hnseg.evaluate.organ_table import LEAST_N, organ_text
from hnseg.io import read_cases, read_rows
from hnseg.io.tables import PREDICTIONS
from hnseg.prepare.organs import PDDCA
from hnseg.run.resolvers import to_plain

TUMOUR = ("GTVt",)


def main(config: DictConfig) -> int:
    """0; 1 where a prediction was missing or could not be scored."""
    plain = to_plain(config)
    least_n = plain["least_n"]
    if least_n is not None and (not isinstance(least_n, int) or least_n < 1):
        raise ValueError(f"least_n={least_n} is no number of patients; give 1 or more")
    if plain["truth_structures"] or has_organ_folders(Path(plain["truth"])):
        return _organs(plain)
    said = [key for key in ("prediction_structures", "aliases", "second_reader") if plain[key]]
    if said:
        raise ValueError(
            f"{said[0]} is for a truth with a file a structure, and {plain['truth']} has no folders "
            f"CASE/{PDDCA_FOLDER}; name the folder that it has (truth_structures=...), or leave {said[0]} out"
        )
    return _label_maps(plain)


def _label_maps(plain: Mapping[str, Any]) -> int:
    output = Path(plain["output"])
    result = evaluate_folders(
        Path(plain["predictions"]),
        Path(plain["truth"]),
        output,
        _names(plain, TUMOUR),
        tolerance_mm=plain["tolerance_mm"],
        resample=plain["resample"],
        centres=_centres(plain),
        least_n=plain["least_n"] or 1,
        progress=True,
    )
    columns = ["centre", "structure", "n", "dice_mean", "dice_sd", "dice_low", "dice_high", "hd95_median_mm", "note"]
    shown = result.summary[[c for c in columns if c in result.summary]]
    print(shown.to_string(index=False, float_format="%.3f", na_rep=""))
    for case_id in result.missing:
        print(f"no prediction: {case_id} (scored as Dice 0)")
    for case_id, message in result.failures.items():
        print(f"not scored: {case_id}: {message}")
    print(f"tables: {output / 'cases.csv'}, summary.csv, official.json")
    return 0 if result.complete else 1


def _organs(plain: Mapping[str, Any]) -> int:
    output, names = Path(plain["output"]), _names(plain, PDDCA)
    second_reader = bool(plain["second_reader"])
    scoring = OrganScoring(
        Naming(names, plain["aliases"] or {}),
        tolerance_mm=plain["tolerance_mm"],
        resample=plain["resample"],
        second_reader=second_reader,
        centres=_centres(plain) or {},
    )
    scores = score_organ_folders(
        Path(plain["predictions"]),
        Path(plain["truth"]),
        scoring,
        truth_folders=_listed(plain["truth_structures"]) or (PDDCA_FOLDER,),
        prediction_folders=_listed(plain["prediction_structures"]),
        progress=True,
    )
    print(organ_text(write_organ_scores(scores, output, names, plain["least_n"] or LEAST_N)))
    for case_id in scores.missing:
        print(f"no prediction: {case_id} ({'left out' if second_reader else 'scored as Dice 0'})")
    for place in scores.absent:
        print(f"not outlined: {place} ({'left out' if second_reader else 'scored as an empty mask'})")
    for place, message in scores.failures.items():
        print(f"not scored: {place}: {message}")
    print(f"tables: {output / 'organs.csv'}, cases.csv, summary.csv, evaluation.json")
    return 1 if scores.failures or (not second_reader and (scores.missing or scores.absent)) else 0


def _names(plain: Mapping[str, Any], otherwise: Sequence[str]) -> tuple[str, ...]:
    """The structures in the order of their values: as said, else as the predictions' own table has them.

    Raises:
        ValueError: the two differ, and label maps would be read with the wrong names.
    """
    said, table = plain["label_names"], Path(plain["predictions"]) / PREDICTIONS
    predicted = _predicted(table) if table.is_file() and not plain["prediction_structures"] else []
    if said and predicted and list(said) != predicted:
        raise ValueError(
            f"label_names={list(said)}, but {table} says that these predictions are of {predicted}; leave label_names "
            "out, or give the folder that it belongs to"
        )
    return tuple(said or predicted or otherwise)


def _predicted(table: Path) -> list[str]:
    rows = read_rows(table)
    return [column.removesuffix("_ml") for column in (rows[0] if rows else {}) if column.endswith("_ml")]


def _centres(plain: Mapping[str, Any]) -> dict[str, str] | None:
    return {row["case"]: row["centre"] for row in read_cases(Path(plain["centres"]))} if plain["centres"] else None


def _listed(folders: str | list[str] | None) -> tuple[str, ...]:
    return (folders,) if isinstance(folders, str) else tuple(folders or ())
