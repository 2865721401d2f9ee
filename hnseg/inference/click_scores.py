"""What each click is worth: networks that take clicks, scored click by click on held-out patients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import track

from hnseg.clicks import ClickChannels
from hnseg.inference.click_hands import correction, hottest, one_click_users
from hnseg.inference.click_methods import PET, Answer, ClickPredictor, Method, NetworkMethod, ThresholdMethod
from hnseg.inference.click_units import Unit, units_of
from hnseg.io import write_rows
from hnseg.metrics.overlap import overlap_counts
from hnseg.prepare import Case
from hnseg.types import Clicks

CLICKS = "clicks.csv"
COLUMNS = (
    "case", "slice", "structure", "method", "user", "clicks", "placed", "dice", "predicted_ml", "seconds", "phantom"
)  # fmt: skip
MOST = 10
"""Clicks that the robot may spend on a unit."""

Row = dict[str, Any]


def write_click_scores(
    run: Path, predictor: ClickPredictor, channels: ClickChannels, cases: Sequence[Case], **options: Any
) -> Path:
    """Write ``clicks.csv`` of a run, see `click_scores`; returns its path."""
    path = run / CLICKS
    write_rows(path, click_scores(predictor, channels, cases, **options), COLUMNS)
    return path


def click_scores(
    predictor: ClickPredictor,
    channels: ClickChannels,
    cases: Sequence[Case],
    *,
    least_pixels: int = 1,
    most_empty: int = 10,
    seed: int = 0,
    show_progress: bool = True,
) -> list[Row]:
    """Score every number and kind of click on every case, on the prepared grid, before any post-processing.

    A row a unit (a case, or for a 2-D network a slice of it), annotated structure, method, user and number of clicks:

    * method ``network``, and ``pet_threshold`` wherever there is a PET;
    * user ``robot`` after 0 to 10 clicks, each at the largest error that the method still makes, and never twice at one
      voxel. Where it finds none the answer stays, and so do the rows: ``placed`` says how many clicks there really are.
      ``clicks`` 0 is the answer without a click;
    * the users of `one_click_users`, all at once;
    * ``no_tumour`` and ``no_tumour_clicked`` (one click on the hottest spot) where the truth lacks the structure, which
      for a 2-D network is asked of slices without any structure only. Without truth there is no Dice: ``dice`` is
      empty, and ``predicted_ml`` is what counts.

    Args:
        predictor: of one recipe, whose network takes clicks.
        channels: how it takes them.
        cases: prepared patients; those without a label map are left out.
        least_pixels: positive pixels, or voxels, from which a unit counts.
        most_empty: slices without any structure a case.
        seed: of random and displaced clicks.
        show_progress: whether to draw a bar.
    """
    rows: list[Row] = []
    scored = [case for case in cases if case.label is not None]
    for case in track(scored, description="click and score", disable=not show_progress):
        assert case.label_names == predictor.labels.names, f"{case.label_names}, {predictor.labels.names}"
        methods: list[Method] = [NetworkMethod(predictor, bool(channels.negatives))]
        if PET in case.modalities:
            methods.append(ThresholdMethod(bool(channels.negatives)))
        shown, empty = units_of(case, channels.spatial_dims, least_pixels, most_empty)
        users = [one_click_users(unit, case.case_id, seed) for unit in shown]
        for method in methods:
            rows += _robot_rows(_Sheet(case, method), shown)
            rows += _user_rows(_Sheet(case, method), shown, users)
            rows += _empty_rows(_Sheet(case, method), empty)
    return rows


@dataclass(frozen=True)
class _Sheet:
    """A case in the hands of a method."""

    case: Case
    method: Method

    @property
    def annotated(self) -> list[int]:
        return [value for value, known in enumerate(self.case.annotated, start=1) if known]

    def ask(self, units: Sequence[Unit], clicks: Sequence[Clicks]) -> list[Answer]:
        return self.method(self.case, units, clicks)

    def row(self, unit: Unit, value: int, user: str, counts: tuple[int, int], answer: Answer) -> Row:
        """``counts``: clicks that were allowed, and placed."""
        shared = overlap_counts(answer.mask == value, unit.truth == value)
        return {
            "case": self.case.case_id,
            "slice": unit.slice,
            "structure": self.case.label_names[value - 1],
            "method": self.method.name,
            "user": user,
            "clicks": counts[0],
            "placed": counts[1],
            "dice": shared.dice if shared.truth else None,
            "predicted_ml": shared.prediction * unit.voxel_ml,
            "seconds": round(answer.seconds, 6),
            "phantom": self.case.phantom,
        }


def _robot_rows(sheet: _Sheet, units: Sequence[Unit]) -> Iterator[Row]:
    """All units move on together, so that a 2-D network answers all slices of a case in one call."""
    clicks = [Clicks.none(unit.spacing_mm) for unit in units]
    answers = sheet.ask(units, clicks)
    at_work = list(range(len(units)))
    for count in range(MOST + 1):
        for unit, made, answer in zip(units, clicks, answers, strict=True):
            for value in sheet.annotated:
                yield sheet.row(unit, value, "robot", (count, len(made)), answer)
        if count == MOST:
            return
        found = {i: correction(answers[i].mask, units[i], clicks[i], sheet.method.negatives) for i in at_work}
        at_work = [i for i in at_work if len(found[i])]
        for i in at_work:
            clicks[i] = clicks[i] + found[i]
        again = sheet.ask([units[i] for i in at_work], [clicks[i] for i in at_work])
        for i, answer in zip(at_work, again, strict=True):
            answers[i] = answer


def _user_rows(sheet: _Sheet, units: Sequence[Unit], users: Sequence[dict[str, Clicks]]) -> Iterator[Row]:
    """Where the truth shows something: everybody who clicks once and for all."""
    for user in dict.fromkeys(name for of_unit in users for name in of_unit):
        chosen = [(unit, of_unit[user]) for unit, of_unit in zip(units, users, strict=True) if user in of_unit]
        answers = sheet.ask([unit for unit, _ in chosen], [made for _, made in chosen])
        for (unit, made), answer in zip(chosen, answers, strict=True):
            # a wrong click is one, for one structure: the others' rows would be of no click at all
            meant = set(made.values.tolist()) if user == "wrong_organ" else sheet.annotated
            for value in sheet.annotated:
                if value in meant:
                    yield sheet.row(unit, value, user, (len(made), len(made)), answer)


def _empty_rows(sheet: _Sheet, units: Sequence[Unit]) -> Iterator[Row]:
    """Where the truth lacks a structure: what is outlined without a click, and with one on the hottest spot."""
    unclicked = sheet.ask(units, [Clicks.none(unit.spacing_mm) for unit in units])
    for value in sheet.annotated:
        lacking = [place for place, unit in enumerate(units) if value not in unit.present]
        for place in lacking:
            yield sheet.row(units[place], value, "no_tumour", (0, 0), unclicked[place])
        clicks = {place: hottest(units[place], value) for place in lacking}
        clicked = [place for place in lacking if len(clicks[place])]
        answers = sheet.ask([units[place] for place in clicked], [clicks[place] for place in clicked])
        for place, answer in zip(clicked, answers, strict=True):
            yield sheet.row(units[place], value, "no_tumour_clicked", (1, 1), answer)
