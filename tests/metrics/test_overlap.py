import numpy as np
import pytest

from hnseg.metrics.overlap import (
    OverlapCounts,
    aggregated_dice,
    dice,
    overlap_counts,
    precision,
    recall,
    slice_dice,
    volume_mm3,
)

EMPTY = np.zeros((3, 4, 5), bool)


def block(start: int, stop: int) -> np.ndarray:
    mask = EMPTY.copy()
    mask[0, 0, start:stop] = True
    return mask


def test_worked_by_hand() -> None:
    prediction, truth = block(0, 3), block(1, 5)  # 3 and 4 voxels, 2 shared
    assert dice(prediction, truth) == pytest.approx(4 / 7)
    assert precision(prediction, truth) == pytest.approx(2 / 3)
    assert recall(prediction, truth) == pytest.approx(2 / 4)


def test_dice_is_symmetric_and_recall_is_precision_turned_round() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 5, 6, 7)) > 0.6
    assert dice(a, b) == dice(b, a)
    assert recall(a, b) == precision(b, a)


def test_both_empty() -> None:
    assert dice(EMPTY, EMPTY) == 1
    assert np.isnan(precision(EMPTY, EMPTY))
    assert np.isnan(recall(EMPTY, EMPTY))


def test_empty_prediction() -> None:
    assert dice(EMPTY, block(0, 2)) == 0
    assert np.isnan(precision(EMPTY, block(0, 2)))
    assert recall(EMPTY, block(0, 2)) == 0


def test_empty_truth() -> None:
    assert dice(block(0, 2), EMPTY) == 0
    assert precision(block(0, 2), EMPTY) == 0
    assert np.isnan(recall(block(0, 2), EMPTY))


def test_volume_is_in_mm3() -> None:
    assert volume_mm3(block(0, 4), (3.0, 0.5, 0.5)) == pytest.approx(4 * 0.75)


def test_aggregated_dice_is_not_the_mean_dice() -> None:
    counts = [overlap_counts(block(0, 1), block(0, 1)), overlap_counts(block(0, 4), block(4, 5))]
    assert aggregated_dice(counts) == pytest.approx(2 * 1 / (2 + 5))
    assert np.mean([c.dice for c in counts]) == pytest.approx(0.5)


def test_aggregated_dice_charges_false_positives_but_not_true_negatives() -> None:
    hit = OverlapCounts(10, 10, 10)
    assert aggregated_dice([hit, OverlapCounts(0, 0, 0)]) == 1
    assert aggregated_dice([hit, OverlapCounts(0, 20, 0)]) == pytest.approx(0.5)
    assert np.isnan(aggregated_dice([]))
    assert np.isnan(aggregated_dice([OverlapCounts(0, 0, 0)]))


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="one shape"):
        dice(EMPTY, np.zeros((3, 4, 6), bool))


def naive_slice_dice(prediction: np.ndarray, truth: np.ndarray, axis: int) -> float:
    """Slice by slice, as the paper describes it."""
    scores = []
    for predicted, true in zip(np.moveaxis(prediction, axis, 0), np.moveaxis(truth, axis, 0), strict=True):
        if true.sum() == 0:
            scores.append(np.nan)
        else:
            scores.append(2 * (predicted * true).sum() / (predicted.sum() + true.sum()))
    return float(np.nanmean(scores))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_slice_wise_dice_equals_the_loop_over_slices(axis) -> None:
    rng = np.random.default_rng(3)
    prediction, truth = rng.random((2, 8, 6, 7)) > 0.8
    truth[2:4] = truth[:, 1] = truth[..., 6] = False
    assert slice_dice(prediction, truth, axis) == pytest.approx(naive_slice_dice(prediction, truth, axis))


def test_slice_wise_dice_forgives_what_is_outlined_on_other_slices_and_weighs_slices_alike() -> None:
    truth, prediction = np.zeros((2, 4, 5, 5), bool)
    truth[0, :4, :4] = truth[1, 0, :2] = True  # 16 and 2 voxels
    prediction[0, :4, :4] = prediction[1, 0, 1:3] = prediction[3] = True
    assert slice_dice(prediction, truth, 0) == pytest.approx((1 + 2 * 1 / 4) / 2)
    assert dice(prediction, truth) == pytest.approx(2 * 17 / (18 + 43))


def test_slice_wise_dice_of_empty_masks() -> None:
    assert np.isnan(slice_dice(EMPTY, EMPTY, 0))
    assert np.isnan(slice_dice(block(0, 3), EMPTY, 0))
    assert slice_dice(EMPTY, block(0, 3), 0) == 0
    with pytest.raises(ValueError, match="one shape"):
        slice_dice(EMPTY, EMPTY[:2], 0)
