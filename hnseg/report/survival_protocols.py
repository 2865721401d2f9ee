"""How outcomes were measured, in sentences: protocols, how patients were divided, whose the published column is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from hnseg.report.survival_folder import SurvivalFolder
from hnseg.report.survival_published import bourigault2021
from hnseg.report.survival_rows import HONEST, PAPER
from hnseg.report.words import Sentence, listing


def published_said(folder: SurvivalFolder, table: pd.DataFrame) -> list[Sentence]:
    """Whose the published column is, and that it is of others; nothing where no row has a value."""
    if not table["published"].notna().any():
        return []
    published = bourigault2021()
    text = (
        f"Published: {published.source}, HECKTOR 2021, progression-free survival of {published.patients} patients with "
        f"{published.events} events, in 5-fold cross-validation with the features selected beforehand: the paper's "
        "protocol, not the honest one, is what compares with it. The best of it, 0.82, fell to "
        f"{published.test_c_index:.2f} on {published.test_patients} new patients."
    )
    data = (folder.manifest.get("data") or {}).get("name")
    if folder.phantom:
        return [Sentence(text), Sentence("Ours are phantoms: nothing can be compared.", warning=True)]
    if data != published.data:
        beware = f"Ours are patients of {data or 'unknown data'}: other people, so the column cannot be compared."
        return [Sentence(text), Sentence(beware, warning=True)]
    return [Sentence(text)]


def protocols_said(folder: SurvivalFolder, table: pd.DataFrame) -> list[Sentence]:
    """What the two protocols are, which one is missing, and how patients were divided and how often."""
    scores = folder.tables["scores"]
    ran = set(folder.tables["summary"]["protocol"])
    said = [
        Sentence(
            "Honest protocol: whatever is learned (imputation, scaling, which features are kept, hyper-parameters, the "
            "model) is learned from a fold's training patients alone; its test patients are looked at once."
        ),
        Sentence(
            "The paper's protocol: imputation, scaling, filter and selection are learned from all patients, once, "
            "before cross-validation, so the test patients have had their say in the model. What it shows above the "
            "honest protocol is optimism, not skill. The steps are otherwise the same, also where they are not the "
            "paper's own.",
            warning=PAPER in ran,
        ),
    ]
    missing = [name for name in (HONEST, PAPER) if name not in ran]
    if missing and ran:
        named = "honest" if missing == [PAPER] else "paper's"
        text = f"Only the {named} protocol was run, so optimism is not known."
        said.append(Sentence(text, warning=missing == [HONEST]))
    said.append(
        Sentence(
            "Intervals draw patients within folds and fit nothing anew. They are too narrow: on simulated data without "
            "any signal they held 0.5 in 76 to 89 of 100 cases where 95 were promised."
        )
    )
    return [*said, *_divided(scores), *_blocks(table), *_looks(folder)]


def _divided(scores: pd.DataFrame) -> list[Sentence]:
    if scores.empty:
        return [Sentence("No fold has been scored yet: there is no scores.csv.", warning=True)]
    folds, repeats = scores["fold"].nunique(), scores["repeat"].nunique()
    again = f"; everything was done {repeats} times, with other seeds" if repeats > 1 else ""
    said = [Sentence(f"{folds} {'fold' if folds == 1 else 'folds'}{again}. C-indices are means over all of them.")]
    if repeats < 2:
        said.append(Sentence("One repeat: how much hangs on the seed is not known.", warning=True))
    empty = scores[scores["c_index"].isna()]
    if len(empty):
        found = empty.drop_duplicates(["repeat", "fold"]).sort_values(["repeat", "fold"])
        places = [_place(line, repeats) for line in found.to_dict("records")]
        text = f"Without a C-index, and in no mean: {listing(places)}."
        said.append(Sentence(text, warning=True))
    return said


def _place(line: Mapping[Any, Any], repeats: int) -> str:
    repeat = f" of repeat {line['repeat']:g}" if repeats > 1 else ""
    return f"{line['fold']}{repeat} ({_events(line['events'])})"


def _events(count: float) -> str:
    return "events unknown" if math.isnan(count) else f"{count:.0f} {'event' if count == 1 else 'events'}"


def _blocks(table: pd.DataFrame) -> list[Sentence]:
    ran = {block for features in table["features"] for block in features.split("+")}
    missing = [name for block, name in (("ct", "CT"), ("pt", "PET"), ("deep", "deep")) if block not in ran]
    if table.empty or not missing:
        return []
    return [Sentence(f"Nothing was run with {' or '.join(missing)} features.")]


def _looks(folder: SurvivalFolder) -> list[Sentence]:
    looks = folder.manifest.get("test_looks")
    if not isinstance(looks, int) or looks < 1:
        return []
    if looks == 1:
        return [Sentence("These test patients have been looked at once, by this experiment.")]
    text = f"These test patients have been looked at {looks} times, so choices may have been fitted to them."
    return [Sentence(text, warning=True)]
