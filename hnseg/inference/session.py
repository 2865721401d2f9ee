"""One patient, networks that stay in memory, and one click after the other: what an interactive page is built on."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from hnseg.inference.patient import Patient, Prepared
from hnseg.inference.predictor import Predictor
from hnseg.inference.warm import WarmPatient
from hnseg.postprocess import Scene
from hnseg.prepare.case import Case
from hnseg.prepare.images import prepared_grid
from hnseg.prepare.rainio2024 import REGION as SLICES
from hnseg.types import BoxMm, Click, Volume


@dataclass(frozen=True, eq=False)
class Answer:
    """What the networks say after a click.

    Attributes:
        mask: uint8 label map on the patient's own grid, after post-processing; the caller's to keep or to change.
        clicks: all that it takes into account, in their order.
        seconds: from the click to this answer.
    """

    mask: Volume
    clicks: tuple[Click, ...]
    seconds: float


class ClickSession:
    """Answers clicks on one patient, each with the mask that `Predictor.predict` gives for all clicks so far.

    What does not depend on clicks is done once, here: the images are read from the caller, brought onto the recipe's
    grid and stay there. A 2-D network sees only the slices anew whose clicks have changed; a 3-D one its whole search
    region; where clicks go to a click filter alone no network runs at all.

    >>> session = ClickSession(Predictor(load_checkpoints("runs/train/NAME")), images)
    >>> session.answer.mask  # without a click
    >>> session.click((12.0, -35.5, 110.0)).mask  # LPS mm, on the only structure
    >>> session.click(Click((20.0, -30.0, 110.0), None)).seconds  # a negative one
    >>> session.undo().clicks

    A call that raises leaves everything as it was. Calls from several threads wait for each other.

    Args:
        predictor: networks of one recipe.
        patient: modality to volume, as `Predictor.predict` takes it, or a case that was prepared with their recipe.
        case_id: the patient's name in messages; a case has its own.
        box: published search region, if there is one; a case has its own.

    Raises:
        ValueError: networks of several recipes, a case of another recipe, or what `Predictor.predict` refuses.
    """

    def __init__(
        self,
        predictor: Predictor,
        patient: Mapping[str, Volume] | Case,
        case_id: str = "patient",
        box: BoxMm | None = None,
    ) -> None:
        if len(predictor.groups) > 1:
            raise ValueError("clicks one by one need networks of one recipe; give 2-D or 3-D networks, not both")
        self.predictor = predictor
        if isinstance(patient, Case):
            self._patient, seen = _of_case(predictor, patient)
        else:
            self._patient = predictor.patient_of(patient, case_id, box)
            seen = self._patient.prepared(predictor.groups[0].recipe)
        self._region, self._lock = seen.grid, threading.Lock()
        self._warm = WarmPatient(predictor, self._patient, seen)
        self.answer = self._answered((), time.perf_counter())

    @property
    def clicks(self) -> tuple[Click, ...]:
        """All that the answer takes into account."""
        return self.answer.clicks

    def click(self, where: Click | Sequence[float]) -> Answer:
        """The answer with one click more: a `Click`, or LPS millimetres (x, y, z) on the only structure.

        Raises:
            ValueError: the click is of no use; see `Predictor.predict`.
        """
        began, click = time.perf_counter(), where if isinstance(where, Click) else self._on_the_only(where)
        with self._lock:
            clicks = (*self.clicks, click)
            self.predictor.refuse_unwanted(clicks)
            self._patient.door.refuse_wrong(clicks)
            self._patient.door.refuse_unseen(clicks, self._region)
            return self._answered(clicks, began)

    def undo(self) -> Answer:
        """The answer without the last click; the same where there is none."""
        began = time.perf_counter()
        with self._lock:
            return self._answered(self.clicks[:-1], began)

    def reset(self) -> Answer:
        """The answer without any click."""
        began = time.perf_counter()
        with self._lock:
            return self._answered((), began)

    def _answered(self, clicks: tuple[Click, ...], began: float) -> Answer:
        mask = self._warm.outline(clicks)
        self.answer = Answer(mask, clicks, time.perf_counter() - began)
        return self.answer

    def _on_the_only(self, lps_mm: Sequence[float]) -> Click:
        names = self.predictor.labels.names
        if len(names) > 1:
            raise ValueError(f"on which of {list(names)} is the click? Give Click(lps_mm, structure)")
        x, y, z = (float(value) for value in lps_mm)
        return Click((x, y, z), names[0])


def _of_case(predictor: Predictor, case: Case) -> tuple[Patient, Prepared]:
    """What is on disk of a prepared case, as if it had been prepared just now."""
    recipe = predictor.groups[0].recipe
    as_is = recipe.variant == "code" and case.box.source != SLICES  # these lie on no grid that could be foretold
    expected = case.grid if as_is else prepared_grid(case.box, recipe, case.image_grid)
    if case.modalities != recipe.modalities or not expected.matches(case.grid):
        raise ValueError(
            f"{case.folder} holds {list(case.modalities)} at {list(case.grid.spacing_mm)} mm, prepared with another "
            f"recipe than that of {predictor.paths[0]}; give the images themselves"
        )
    images = {name: Volume(array, case.grid) for name, array in zip(case.modalities, case.images, strict=True)}
    patient = Patient(images, case.case_id, case.box, case.image_grid, predictor.labels.names)
    image = torch.from_numpy(case.crop((0, 0, 0), case.grid.shape_zyx)[0])
    return patient, Prepared(Scene(image, case.modalities, case.grid.spacing_mm), case.grid, case.notes, None)
