"""What a page says of slices that were scored one by one, and of clicks that came from the truth."""

from __future__ import annotations

import pandas as pd

from hnseg.report.reading import read_csv
from hnseg.report.run_folder import RunFolder
from hnseg.report.words import Sentence, patients


def slice_sentences(run: RunFolder) -> list[Sentence]:
    """Empty for a run whose slices were not scored and whose network was tested without clicks.

    Raises:
        ValueError: a table of slices cannot be read.
    """
    shown, empty = read_csv(run.folder / "slices.csv"), read_csv(run.folder / "empty_slices.csv")
    sentences = _threshold(run) + oracle_sentences(run)
    if len(shown):
        counted = f"{len(shown)} slices with a tumour, of {patients(shown['case'].nunique())}"
        text = f"Of {counted}, the median Dice is {shown['dice'].median():.3f} (SD {shown['dice'].std():.3f})."
        sentences.append(Sentence(f"{text} The scores below are of whole patients, slices without a tumour included."))
    if len(empty):
        outlined = empty["predicted_pixels"] > 0
        text = f"In {outlined.mean():.0%} of {len(empty)} slices without a tumour something is outlined"
        volume = f", {empty.loc[outlined, 'predicted_ml'].median():.2f} ml in the median" if outlined.any() else ""
        sentences.append(Sentence(f"{text}{volume}.", warning=bool(outlined.mean() > 0.5)))
    return sentences


def _threshold(run: RunFolder) -> list[Sentence]:
    chosen, dice = (run.manifest.get(key) for key in ("threshold", "threshold_median_dice"))
    if chosen is None or dice is None:
        return []
    text = f"The threshold {chosen:.2f} was chosen on the training slices, whose median Dice it makes {dice:.3f}."
    return [Sentence(text)]


def oracle_sentences(run: RunFolder) -> list[Sentence]:
    """Of a run or a cross-validation whose scores were made with clicks; they all come from the truth."""
    whose = {"The network was tested": run.cases, "Post-processing was scored": run.postprocessed}
    text = "with clicks that were placed by the truth of the test patients, one in every component: an oracle's"
    return [
        Sentence(f"{what} {text}. A person's clicks are less exact.", warning=True)
        for what, rows in whose.items()
        if clicks_given(rows)
    ]


def clicks_given(rows: pd.DataFrame) -> int:
    """How many clicks a table of scored patients was made with."""
    return int(pd.to_numeric(rows["clicks"]).sum()) if "clicks" in rows.columns else 0
