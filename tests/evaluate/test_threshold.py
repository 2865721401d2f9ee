import time

import numpy as np
import pytest
import torch

from hnseg.evaluate.slice_dice import dice_by_slice
from hnseg.evaluate.threshold import THRESHOLDS, Threshold, choose_threshold
from hnseg.labels import LabelSet


def blobs(slices: int, side: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores that are higher inside the truth, and leave [0, 1]."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((slices, side, side), bool)
    for one, (y, x) in zip(truth, rng.integers(0, side - 6, (slices, 2)), strict=True):
        one[y : y + 6, x : x + rng.integers(1, 7)] = True
    scores = rng.normal(0.15, 0.15, truth.shape) + rng.normal(0.35, 0.2, (slices, 1, 1)) * truth
    return scores.astype(np.float32), truth


def naive(scores: np.ndarray, truth: np.ndarray) -> Threshold:
    """A pass over all slices for every threshold, outlined by the labels as prediction does."""
    labels, medians = LabelSet(("tumour",), "identity"), []
    for value in THRESHOLDS:
        outlined = labels.decode(torch.from_numpy(scores)[:, None], float(value)).numpy().astype(bool)
        medians.append(np.median(dice_by_slice(outlined, truth)))
    best = medians.index(max(medians))
    return Threshold(best / 100, float(medians[best]))


@pytest.mark.parametrize("slices", [1, 2, 7, 30])
@pytest.mark.parametrize("seed", [0, 1])
def test_as_a_pass_for_every_threshold(slices: int, seed: int) -> None:
    scores, truth = blobs(slices, seed=seed)
    assert choose_threshold(scores, truth) == naive(scores, truth)


def test_scores_on_the_thresholds_themselves_are_not_above_them() -> None:
    rng = np.random.default_rng(0)
    scores = (rng.integers(-3, 103, (9, 12, 12)) / 100).astype(np.float32)
    truth = scores + rng.normal(0, 0.2, scores.shape) > 0.6
    assert choose_threshold(scores, truth) == naive(scores, truth)
    one = np.full((1, 2, 2), 0.3, np.float32)
    one[0, 0, 0] = 0.31
    assert choose_threshold(one, one > 0.3001) == Threshold(0.3, 1.0)


def test_the_first_among_equals_and_the_median_of_slices() -> None:
    scores = np.zeros((3, 2, 2), np.float32)
    scores[:, 0, 0] = 0.5
    truth = scores > 0
    truth[0] = True  # of one slice, which decides no median
    assert choose_threshold(scores, truth) == Threshold(0.0, 1.0)
    assert choose_threshold(scores - 0.2, truth) == Threshold(0.0, 1.0)
    assert choose_threshold(scores + 0.2, truth) == Threshold(0.2, 1.0)


def test_what_is_never_found_scores_nothing() -> None:
    scores, truth = np.full((2, 3, 3), -1.0, np.float32), np.ones((2, 3, 3), bool)
    assert choose_threshold(scores, truth) == Threshold(0.0, 0.0)


def test_seven_hundred_slices_take_a_second() -> None:
    scores, truth = blobs(77, side=128)
    began = time.process_time()
    choose_threshold(scores, truth)
    assert time.process_time() - began < 1  # a tenth of a fold's training slices, on a busy machine


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_answer_that_is_not_finite_is_refused(bad: float) -> None:
    scores, truth = blobs(2)
    scores[1, 3, 3] = bad
    with pytest.raises(ValueError, match="not finite"):
        choose_threshold(scores, truth)


def test_no_slices_are_refused() -> None:
    with pytest.raises(ValueError, match="there are none"):
        choose_threshold(np.zeros((0, 4, 4), np.float32), np.zeros((0, 4, 4), bool))
