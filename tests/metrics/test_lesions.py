import numpy as np
import pytest

from hnseg.metrics.lesions import LesionCounts, aggregated_f1, lesion_counts


def line(*spans: tuple[int, int]) -> np.ndarray:
    mask = np.zeros((3, 3, 40), bool)
    for start, stop in spans:
        mask[1, 1, start:stop] = True
    return mask


def test_hits_false_and_missed() -> None:
    truth = line((0, 5), (10, 15), (20, 25))
    prediction = line((1, 5), (14, 20), (30, 32))  # IoU 0.8; the second bridges 10-15 (1/10) and touches 20-25's edge
    assert lesion_counts(prediction, truth) == LesionCounts(hit=1, false=2, missed=2)


def test_the_threshold_is_strict() -> None:
    truth, prediction = line((0, 10)), line((7, 10))  # IoU exactly 0.3
    assert lesion_counts(prediction, truth).hit == 0
    assert lesion_counts(prediction, truth, iou_above=0.29).hit == 1


def test_one_prediction_cannot_hit_two_lesions() -> None:
    truth = line((0, 5), (6, 11))
    prediction = line((0, 11))  # IoU 5/11 with both
    assert lesion_counts(prediction, truth) == LesionCounts(hit=1, false=0, missed=1)


def test_lesions_that_touch_at_a_corner_are_one() -> None:
    truth = np.zeros((3, 3, 3), bool)
    truth[0, 0, 0] = truth[1, 1, 1] = True
    assert lesion_counts(truth, truth) == LesionCounts(1, 0, 0)


@pytest.mark.parametrize(
    ("prediction", "truth", "expected"),
    [
        (line(), line(), LesionCounts(0, 0, 0)),
        (line(), line((0, 2), (5, 7)), LesionCounts(0, 0, 2)),
        (line((0, 2)), line(), LesionCounts(0, 1, 0)),
    ],
)
def test_empty_masks(prediction, truth, expected) -> None:
    assert lesion_counts(prediction, truth) == expected


def test_f1_is_pooled_over_cases() -> None:
    counts = [LesionCounts(3, 1, 0), LesionCounts(0, 0, 2), LesionCounts(0, 0, 0)]
    assert aggregated_f1(counts) == pytest.approx(6 / (6 + 1 + 2))
    assert np.isnan(aggregated_f1([LesionCounts(0, 0, 0)]))
