"""Choosing the settings of a post-processing chain by what it does to validation patients."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hnseg.evaluate.search import Parameters, Search
from hnseg.labels import LabelSet
from hnseg.metrics.overlap import overlap_counts
from hnseg.postprocess import Postprocess, Scene
from hnseg.prepare import Case
from hnseg.types import Volume


@dataclass(frozen=True, eq=False)
class PredictedCase:
    """A prepared patient, and what a network that did not train on them made of it.

    Attributes:
        name: of patient and network together, unique in a search.
        case: the patient.
        threshold: the network's: a structure is where its probability is above it.
        load: gives the probabilities (channels, Z, Y, X), float32, on the prepared grid.
    """

    name: str
    case: Case
    threshold: float
    load: Callable[[], Tensor]


@dataclass(frozen=True)
class CaseScore:
    """Dice, averaged over the annotated structures, and what was outlined beside them."""

    dice: float
    false_positive_mm3: float


@dataclass(frozen=True)
class Trial:
    """One setting, tried on all patients; ``parameters`` None: no post-processing at all."""

    parameters: Parameters | None
    scores: Mapping[str, CaseScore]

    @property
    def dice_mean(self) -> float:
        return float(np.mean([score.dice for score in self.scores.values()]))

    @property
    def dice_sd(self) -> float:
        """Sample standard deviation over patients; nan for a single one."""
        dice = [score.dice for score in self.scores.values()]
        return float(np.std(dice, ddof=1)) if len(dice) > 1 else float("nan")

    @property
    def false_positive_mm3(self) -> float:
        """Mean over patients."""
        return float(np.mean([score.false_positive_mm3 for score in self.scores.values()]))


class Scorer:
    """Scores a chain on a patient on the prepared grid, each pair once however often it is asked for.

    Dice is :attr:`hnseg.metrics.overlap.OverlapCounts.dice`; a structure that nobody annotated is left out.

    Args:
        labels: what the channels stand for.
        device: where refining steps compute.
    """

    def __init__(self, labels: LabelSet, device: torch.device | str = "cpu") -> None:
        self.labels, self.device = labels, torch.device(device)
        self._known: dict[tuple[str, str], CaseScore] = {}

    def __call__(self, patient: PredictedCase, chain: Postprocess) -> CaseScore:
        key = patient.name, json.dumps(chain.to_dict())
        if key not in self._known:
            self._known[key] = self._score(patient, chain)
        return self._known[key]

    def _score(self, patient: PredictedCase, chain: Postprocess) -> CaseScore:
        case, probabilities = patient.case, patient.load()
        image, truth = case.crop((0, 0, 0), case.grid.shape_zyx)
        if chain.refines:
            scene = Scene(torch.from_numpy(image).to(self.device), case.modalities, case.grid.spacing_mm)
            probabilities = chain.refine(probabilities.to(self.device), scene, self.labels).cpu()
        mask = Volume(self.labels.decode(probabilities[None], patient.threshold)[0].numpy(), case.grid)
        predicted = chain.clean(mask, self.labels).array
        counts = [
            overlap_counts(predicted == value, truth == value)
            for value, known in enumerate(case.annotated, start=1)
            if known
        ]
        assert counts, f"{case.case_id}: nobody annotated anything, so there is nothing to compare with"
        beside = sum(count.prediction - count.intersection for count in counts)
        return CaseScore(float(np.mean([count.dice for count in counts])), beside * case.grid.voxel_volume_mm3)


def tune(
    patients: Sequence[PredictedCase],
    chain: Mapping[str, Any],
    search: Search,
    scorer: Scorer,
    advance: Callable[[], None] = lambda: None,
) -> list[Trial]:
    """Try no post-processing first, then everything that ``search`` proposes.

    Args:
        patients: who decides; none of them may be a patient whose score is going to be reported.
        chain: ``Postprocess.to_dict()`` of the chain whose settings are searched.
        search: proposes settings and hears their mean Dice over patients.
        scorer: scores one patient; it remembers, so that a setting which comes again costs nothing.
        advance: called after each patient of each trial.
    """
    trials = [Trial(None, _score_all(patients, Postprocess(), scorer, advance))]
    for _ in range(len(search)):
        parameters = search.ask()
        trials.append(Trial(parameters, _score_all(patients, chain_with(chain, parameters), scorer, advance)))
        search.tell(trials[-1].dice_mean)
    return trials


def best_trial(trials: Sequence[Trial]) -> int:
    """Place of the trial with the highest mean Dice; the first among equals, so that doing nothing wins a tie."""
    return int(np.argmax([trial.dice_mean for trial in trials]))


def chosen_chain(chain: Mapping[str, Any], trial: Trial) -> Postprocess:
    """The chain that a trial stands for."""
    return Postprocess() if trial.parameters is None else chain_with(chain, trial.parameters)


def chain_with(chain: Mapping[str, Any], parameters: Parameters) -> Postprocess:
    """A chain with some of its settings changed.

    Raises:
        ValueError: a step does not take a setting or a value.
    """
    return Postprocess.from_dict(overlaid(chain, parameters), "space")


def overlaid(chain: Mapping[str, Any], parameters: Parameters) -> dict[str, Any]:
    """``chain`` as plain data with ``parameters`` written at their dotted places."""
    plain = copy.deepcopy(dict(chain))
    for place, value in parameters.items():
        *above, last = place.split(".")
        node = plain
        for key in above:
            if not isinstance(node.get(key), dict):
                node[key] = {}
            node = node[key]
        node[last] = value
    return plain


def _score_all(
    patients: Iterable[PredictedCase], chain: Postprocess, scorer: Scorer, advance: Callable[[], None]
) -> dict[str, CaseScore]:
    scores = {}
    for patient in patients:
        scores[patient.name] = scorer(patient, chain)
        advance()
    return scores
