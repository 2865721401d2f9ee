import numpy as np
import pytest

from hnseg.evaluate.label_maps import label_boxes, label_pair
from hnseg.geometry.crop import bounding_slices


def labels(seed: int, n: int = 4, shape=(9, 11, 13)) -> np.ndarray:
    """Few voxels of each label; the last label is nowhere."""
    array = np.zeros(shape, np.uint8)
    rng = np.random.default_rng(seed)
    for value in range(1, n):
        array[tuple(rng.integers(0, size, 5) for size in shape)] = value
    return array


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int64, np.float32, np.float64, ">i2"])
def test_boxes_are_those_of_each_mask(dtype) -> None:
    array = labels(1).astype(dtype)
    assert label_boxes(array, 4, "it") == [bounding_slices(array == value) for value in range(1, 5)]
    assert label_boxes(array, 4, "it")[3] is None


def test_a_pair_holds_all_voxels_of_both_masks() -> None:
    prediction, truth = labels(2), labels(3)
    boxes = label_boxes(prediction, 4, "a"), label_boxes(truth, 4, "b")
    for value in range(1, 5):
        found = label_pair(prediction, truth, value, (boxes[0][value - 1], boxes[1][value - 1]))
        whole = prediction == value, truth == value
        assert [mask.sum() for mask in found] == [mask.sum() for mask in whole]
        assert (found[0] & found[1]).sum() == (whole[0] & whole[1]).sum()
        assert found[0].shape == found[1].shape


def test_one_side_may_be_empty_and_so_may_both() -> None:
    truth, nothing = labels(3), np.zeros((9, 11, 13), np.uint8)
    assert label_boxes(nothing, 2, "it") == [None, None]
    box = label_boxes(truth, 1 + 3, "it")[0]
    predicted, true = label_pair(nothing, truth, 1, (None, box))
    assert (predicted.sum(), true.sum()) == (0, (truth == 1).sum())
    assert label_pair(nothing, nothing, 1, (None, None))[0].shape == (0, 0, 0)


@pytest.mark.parametrize("value", [255, 5, -1, 0.5, np.nan, np.inf])
def test_values_without_a_name_are_refused(value) -> None:
    array = labels(1).astype(np.float64)
    array[4, 4, 4] = value
    with pytest.raises(ValueError, match="the mask of a holds the values"):
        label_boxes(array, 4, "mask of a")
