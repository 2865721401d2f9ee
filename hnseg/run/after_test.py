"""What is scored once the test patients were looked at, beside their masks: slices, clicks, post-processing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hnseg.clicks import ClickChannels
from hnseg.data import CaseDataModule
from hnseg.inference.click_scores import write_click_scores
from hnseg.prepare import Case
from hnseg.run.score import forget_postprocessing, run_predictor, score_postprocessed, write_official
from hnseg.run.slice_scores import write_slice_scores


def score_again(folder: Path, data: CaseDataModule, plain: dict[str, Any]) -> None:
    """Write what follows from a test that has just been made, in place of what an earlier one left."""
    write_official(folder)
    predictor, cases, least = run_predictor(folder, plain), scorable(data), least_pixels(data)
    if data.scored_view() is not None:
        write_slice_scores(folder, cases, predictor, least)
    (channels,) = predictor.click_channels
    if isinstance(channels, ClickChannels) and plain["click_scores"]:
        write_click_scores(folder, predictor, channels, cases, least_pixels=least, seed=plain["seed"])
    forget_postprocessing(folder)
    score_postprocessed(folder, plain)


def scorable(data: CaseDataModule) -> list[Case]:
    """Test patients who have a mask."""
    return [case for case in data.cases("test") if case.label is not None]


def least_pixels(data: CaseDataModule) -> int:
    """How many pixels of a structure make a slice count."""
    return getattr(data.view, "least_pixels", 1)
