import numpy as np
import pytest

from hnseg.metrics.overlap import OverlapCounts, aggregated_dice, dice, overlap_counts, precision, recall, volume_mm3

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
