"""The slices that stand for a fold in Figure 3 of Rainio et al. 2024, chosen by a rule; the paper's were by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hnseg.evaluate.five_methods import METHODS
from hnseg.report.arms_folder import ARM_METHODS, ArmFold, ArmsFolder

AGAIN = "delete it and cases.csv beside it, and say the same command again"
QUANTILES = (0.05, 0.35, 0.65, 0.95)
DECIMALS = 9
"""Gains that differ by less come from decimals in tables."""


class Example(NamedTuple):
    """A slice to be shown: (Y, X) PET, masks by name as in ``OUTLINES``, and Dice of all methods."""

    case: str
    slice: int
    image: NDArray[Any]
    masks: dict[str, NDArray[np.bool_]]
    dice: dict[str, float]


def example_rows(scores: pd.DataFrame) -> pd.DataFrame:
    """The slices at the 5, 35, 65 and 95 % quantiles of what cm1CNN gains over CNNonly, from the least to the most.

    Nearest rank; slices of one gain are in the order of patient and place. Fewer than four slices: all of them.

    Args:
        scores: of one fold.
    """
    gain = (scores["cm1CNN"] - scores["CNNonly"]).round(DECIMALS)
    ordered = scores.assign(gain=gain).sort_values(["gain", "case", "slice"]).reset_index(drop=True)
    places = dict.fromkeys(round(quantile * (len(ordered) - 1)) for quantile in QUANTILES)
    return ordered.loc[list(places)].reset_index(drop=True)


def examples(arms: ArmsFolder) -> tuple[str, list[Example]] | None:
    """The first fold that the arms without and with a central click have finished, and its slices to be shown.

    None where there is no such fold, or its pictures (``slices.npz``) are not there.

    Raises:
        ValueError: a file of pictures cannot be read, or lacks a slice of its table.
    """
    for name in arms.folds:
        found = {arm: arms.fold_of(arm, name) for arm in ARM_METHODS}
        folds = {ARM_METHODS[arm]["dice"]: fold for arm, fold in found.items() if fold and _pictures(fold).is_file()}
        if {"CNNonly", "cm1CNN"} <= set(folds):
            rows = example_rows(arms.scores[arms.scores["fold"] == name])
            loaded = {method: _load(fold) for method, fold in folds.items()}
            return name, [_example(line, loaded) for line in rows.to_dict("records")]
    return None


def _pictures(fold: ArmFold) -> Path:
    return fold.folder / "slices.npz"


def _load(fold: ArmFold) -> tuple[dict[tuple[str, int], int], dict[str, NDArray[Any]]]:
    """Patient and place to row, and the arrays."""
    path = _pictures(fold)
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in ("case", "slice", "image", "truth", "prediction")}
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path} cannot be read ({error}); {AGAIN}") from error
    keys = zip(arrays["case"].astype(str).tolist(), arrays["slice"].tolist(), strict=True)
    return {(case, int(place)): row for row, (case, place) in enumerate(keys)}, arrays


def _example(line: dict[Any, Any], loaded: dict[str, Any]) -> Example:
    key = str(line["case"]), int(line["slice"])
    masks = {}
    for method, (rows, arrays) in loaded.items():
        if key not in rows:
            raise ValueError(f"slices.npz of {method} lacks slice {key[1]} of {key[0]}; {AGAIN}")
        masks[method] = arrays["prediction"][rows[key]] > 0
    rows, arrays = loaded["CNNonly"]
    masks["truth"] = arrays["truth"][rows[key]] > 0
    dice = {name: float(line[name]) for name in METHODS if not np.isnan(line[name])}
    return Example(*key, arrays["image"][rows[key]].astype(np.float32), masks, dice)
