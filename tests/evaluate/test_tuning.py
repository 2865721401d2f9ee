"""A hand-made patient: two true lesions, two false specks, and a network that is sure of all four."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from hnseg.evaluate.search import make_search
from hnseg.evaluate.tuning import (
    PredictedCase,
    Scorer,
    best_trial,
    chain_with,
    chosen_chain,
    overlaid,
    tune,
)
from hnseg.labels import LabelSet
from hnseg.postprocess import DropSmall, KeepLargest, Postprocess
from hnseg.prepare.case import Case, write_case
from hnseg.types import BoxMm, Grid

GRID = Grid((20, 20, 20), (2.0, 2.0, 2.0))  # voxels of 8 mm3
LARGE, SMALL = (slice(1, 7),) * 3, (slice(14, 17),) * 3  # 216 and 27 voxels: 1728 and 216 mm3
SPECK, BLOB = (slice(1, 2), slice(14, 15), slice(14, 16)), (slice(14, 16), slice(1, 3), slice(1, 3))  # 16 and 64 mm3
ONE = LabelSet(("GTVt",))


def block(*places) -> np.ndarray:
    array = np.zeros(GRID.shape_zyx, np.uint8)
    for place in places:
        array[place] = 1
    return array


def patient(folder: Path, name: str, label: np.ndarray, probabilities: torch.Tensor, **changes) -> PredictedCase:
    facts = {
        "centre": "C",
        "part": "train",
        "modalities": ("ct", "pt"),
        "label_names": ("GTVt",),
        "annotated": (True,),
        "grid": GRID,
        "image_grid": GRID,
        "box": BoxMm((0, 0, 0), (1, 1, 1)),
        "phantom": False,
        "notes": (),
        "sources": {},
        "key": name,
    }
    (folder / name).mkdir()
    case = Case(folder=folder / name, case_id=name, **{**facts, **changes})
    images = {modality: np.zeros(GRID.shape_zyx, np.float16) for modality in case.modalities}
    write_case(case.folder, case, images, label, label)
    return PredictedCase(name, Case.open(case.folder), 0.5, lambda: probabilities)


@pytest.fixture
def specks(tmp_path: Path) -> PredictedCase:
    seen = block(LARGE, SMALL, SPECK, BLOB)
    return patient(tmp_path, "P1", block(LARGE, SMALL), torch.from_numpy(seen)[None].float() * 0.8 + 0.1)


def drop_small(least_mm3: float = 0.0) -> dict:
    return Postprocess({"drop_small": DropSmall(min_volume_mm3=least_mm3)}).to_dict()


def search_of(values: list) -> object:
    return make_search("grid", {"drop_small.min_volume_mm3": values}, 1, 0)


def test_every_setting_has_the_dice_that_counting_gives(specks: PredictedCase) -> None:
    trials = tune([specks], drop_small(), search_of([1.0, 20.0, 100.0, 300.0, 5000.0]), Scorer(ONE))
    by_hand = [2 * 243 / (243 + 253), 2 * 243 / (243 + 253), 2 * 243 / (243 + 251), 1.0, 2 * 216 / (243 + 216), 0.0]
    assert [trial.dice_mean for trial in trials] == pytest.approx(by_hand)
    assert [trial.false_positive_mm3 for trial in trials] == [80.0, 80.0, 64.0, 0.0, 0.0, 0.0]
    assert trials[0].parameters is None
    assert best_trial(trials) == 3
    chosen = chosen_chain(drop_small(), trials[3])
    assert chosen.to_dict() == drop_small(100.0)


def test_where_nothing_beats_no_post_processing_that_is_the_choice(specks: PredictedCase) -> None:
    largest = Postprocess({"keep_largest": KeepLargest()}).to_dict()
    trials = tune([specks], largest, make_search("grid", {}, 1, 0), Scorer(ONE))  # it loses the second true lesion
    assert best_trial(trials) == 0
    assert not chosen_chain(largest, trials[0])
    equal = tune([specks], drop_small(), search_of([1.0, 2.0]), Scorer(ONE))
    assert equal[1].dice_mean == equal[0].dice_mean
    assert best_trial(equal) == 0


def test_a_patient_counts_once_whatever_is_annotated(tmp_path: Path) -> None:
    two = LabelSet(("GTVp", "GTVn"), "softmax")
    label = block(LARGE) + 2 * block(SMALL)
    seen = torch.from_numpy(np.stack([1 - block(LARGE, SPECK, SMALL), block(LARGE, SPECK), block(SMALL)])).float()
    seen[2][SMALL][:2] = 0.0  # 9 of 27 voxels found
    seen[0][SMALL][:2] = 1.0
    names = {"label_names": two.names}
    both = patient(tmp_path, "both", label, seen, annotated=(True, True), **names)
    first = patient(tmp_path, "first", label, seen, annotated=(True, False), **names)
    (trial, *_) = tune([both, first], drop_small(), make_search("grid", {}, 1, 0), Scorer(two))
    primary, node = 2 * 216 / (216 + 218), 2 * 9 / (27 + 9)
    assert trial.scores["both"].dice == pytest.approx((primary + node) / 2)
    assert trial.scores["first"].dice == pytest.approx(primary)
    assert trial.dice_mean == pytest.approx(((primary + node) / 2 + primary) / 2)
    assert trial.dice_sd == pytest.approx(abs(primary - node) / 2 / math.sqrt(2))
    assert math.isnan(tune([first], drop_small(), make_search("grid", {}, 1, 0), Scorer(two))[0].dice_sd)


def test_what_is_asked_twice_is_computed_once(specks: PredictedCase) -> None:
    loads = []

    def load() -> torch.Tensor:
        loads.append(1)
        return specks.load()

    counted, scorer = PredictedCase("fold/P1", specks.case, 0.5, load), Scorer(ONE)
    calls = []
    first = tune([counted], drop_small(), search_of([20.0, 100.0]), scorer, lambda: calls.append(1))
    assert (len(loads), len(calls)) == (3, 3)
    assert tune([counted], drop_small(), search_of([100.0, 20.0]), scorer)[1].scores == first[2].scores
    assert len(loads) == 3


def test_the_networks_own_threshold_is_used(tmp_path: Path) -> None:
    probabilities = torch.from_numpy(block(LARGE))[None].float() * 0.3 + 0.1
    made = patient(tmp_path, "P1", block(LARGE), probabilities)
    low = PredictedCase("P1 low", made.case, 0.35, made.load)
    trials = [tune([one], drop_small(), make_search("grid", {}, 1, 0), Scorer(ONE))[0] for one in (made, low)]
    assert [trial.dice_mean for trial in trials] == [0.0, 1.0]


def test_settings_are_written_at_their_place() -> None:
    chain = {"a": {"x": 1, "deep": {"y": 2}}, "b": {"x": 3}}
    changed = overlaid(chain, {"a.x": 9, "a.deep.y": [1, 2], "b.new.z": 0})
    assert changed == {"a": {"x": 9, "deep": {"y": [1, 2]}}, "b": {"x": 3, "new": {"z": 0}}}
    assert chain == {"a": {"x": 1, "deep": {"y": 2}}, "b": {"x": 3}}


def test_a_value_that_a_step_does_not_take_is_an_error() -> None:
    with pytest.raises(ValueError):
        chain_with(drop_small(), {"drop_small.min_volume_mm3": -1.0})
