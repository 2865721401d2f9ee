"""The numbers at the top of the page of a cross-validation."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from hnseg.evaluate.paper_tables import ENSEMBLE, MEAN_OF_FOLDS, POSTPROCESSED
from hnseg.report.cv_folder import CvFolder
from hnseg.report.organ_page import organ_headline
from hnseg.report.tables import mean_and_spread, number
from hnseg.report.words import patients


def headline(cv: CvFolder, made: Mapping[str, pd.DataFrame], chain: str) -> list[dict[str, str]]:
    """What a structure scores over the folds, cards for each; of many structures their mean.

    Args:
        cv: what was left on disk.
        made: file name to table.
        chain: the post-processing, in words.
    """
    if "folds" not in made:
        return [{"name": "Dice, mean of folds", "value": "–", "note": "no fold is scored yet"}]
    if cv.whole.many:
        done = len(cv.folds) - len(cv.missing)
        return organ_headline(cv.whole, f" in {done} of {len(cv.folds)} folds, each left out of training")
    cards = []
    for structure, table in made["folds"].groupby("structure", sort=False):
        prefix = f"{structure}: " if len(set(made["folds"]["structure"])) > 1 else ""
        cards += [card | {"name": prefix + card["name"]} for card in _cards(cv, table, chain)]
    return cards


def _cards(cv: CvFolder, table: pd.DataFrame, chain: str) -> list[dict[str, str]]:
    """Of one structure: what the network scores, what post-processing makes of it, and the ensemble's test."""
    folds = table[~table["row"].isin((MEAN_OF_FOLDS, ENSEMBLE))]
    mean = table[table["row"] == MEAN_OF_FOLDS].iloc[0]
    count = f"{patients(int(mean['n']))} in {len(folds)} of {len(cv.folds)} folds"
    dice = mean_and_spread("dice", mean["dice"], folds["dice"].std())
    hd95 = {"name": "HD95, mean of folds' medians", "value": f"{number('hd95_mm', mean['hd95_mm'])} mm", "note": ""}
    cards = [{"name": "Dice, mean of folds ± SD", "value": dice, "note": count}, hd95]
    if f"dice{POSTPROCESSED}" in table.columns:
        after = mean_and_spread("dice", mean[f"dice{POSTPROCESSED}"], folds[f"dice{POSTPROCESSED}"].std())
        hd95["note"] = f"with post-processing {number('hd95_mm', mean[f'hd95_mm{POSTPROCESSED}'])} mm"
        cards.append({"name": "Dice with post-processing", "value": after, "note": chain})
    for _, line in table[table["row"] == ENSEMBLE].iterrows():
        note = f"{patients(int(line['n']))} who belong to no fold"
        cards.append({"name": "Test, ensemble: Dice", "value": number("dice", line["dice"]), "note": note})
    return cards
