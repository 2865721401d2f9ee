import numpy as np
import pytest

from hnseg.evaluate.slice_dice import dice_by_slice
from hnseg.metrics import dice


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) > 0.6


def test_worked_by_hand() -> None:
    prediction, truth = np.zeros((2, 3, 3), bool), np.zeros((2, 3, 3), bool)
    prediction[0, 0], truth[0, 0, :2], truth[0, 2, :2] = True, True, True  # 3 and 4 pixels, 2 shared
    prediction[1, 1, 1] = truth[1, 1, 1] = True
    assert dice_by_slice(prediction, truth) == pytest.approx([4 / 7, 1])


def test_each_slice_for_itself_as_the_dice_of_masks_has_it() -> None:
    prediction, truth = drawn(2, 6, 9, 7)
    assert dice_by_slice(prediction, truth) == pytest.approx(
        [dice(p, t) for p, t in zip(prediction, truth, strict=True)]
    )


def test_other_slices_change_nothing_and_the_masks_may_change_places() -> None:
    prediction, truth = drawn(2, 6, 9, 7)
    assert np.array_equal(dice_by_slice(prediction, truth), dice_by_slice(truth, prediction))
    assert np.array_equal(dice_by_slice(prediction, truth)[2:], dice_by_slice(prediction[2:], truth[2:]))


def test_empty_masks_score_nothing_even_where_both_are() -> None:
    empty, full = np.zeros((1, 4, 4), bool), np.ones((1, 4, 4), bool)
    for prediction, truth in ((empty, empty), (empty, full), (full, empty)):
        assert dice_by_slice(prediction, truth).tolist() == [0]
    assert dice(empty, empty) == 1  # of a patient
    assert dice_by_slice(empty[:0], empty[:0]).shape == (0,)


def test_masks_of_other_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        dice_by_slice(np.ones((2, 4, 4), bool), np.ones((1, 4, 4), bool))
