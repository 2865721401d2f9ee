import numpy as np
import pytest
from scipy import ndimage

from hnseg.geometry import component_volumes_mm3, label_components, largest_component


def diagonal_pair(offset):
    mask = np.zeros((6, 6, 6), bool)
    mask[2, 2, 2] = True
    mask[tuple(2 + np.asarray(offset))] = True
    return mask


@pytest.mark.parametrize(("offset", "joins_from"), [((0, 0, 1), 1), ((0, 1, 1), 2), ((1, 1, 1), 3)])
def test_connectivity_says_which_neighbours_join(offset, joins_from):
    for connectivity in (1, 2, 3):
        expected = 1 if connectivity >= joins_from else 2
        assert label_components(diagonal_pair(offset), connectivity)[1] == expected


def test_labels_equal_those_of_the_whole_array():
    mask = np.zeros((12, 13, 14), bool)
    mask[2:10, 3:11, 4:12] = np.random.default_rng(0).random((8, 8, 8)) < 0.2
    expected, count = ndimage.label(mask, np.ones((3, 3, 3)))
    labels, found = label_components(mask, 3)
    np.testing.assert_array_equal(labels, expected)
    assert found == count
    assert labels.dtype == np.int32


def test_empty_mask_has_no_component():
    labels, count = label_components(np.zeros((3, 4, 5), np.uint8))
    assert count == 0
    assert not labels.any()
    assert component_volumes_mm3(labels, 0, 2.0).shape == (0,)
    assert not largest_component(np.zeros((3, 4, 5), np.uint8)).any()


def test_volumes_are_voxels_times_their_volume():
    mask = np.zeros((5, 5, 5), np.uint8)
    mask[0, 0, :2] = 7
    mask[3:5, 3:5, 3] = 1
    labels, count = label_components(mask, 1)
    assert component_volumes_mm3(labels, count, 3.0 * 0.5 * 0.5).tolist() == [1.5, 3.0]


def test_largest_component_is_the_first_of_equals():
    mask = np.zeros((3, 3, 9), bool)
    mask[0, 0, 0] = mask[1, 1, 3:5] = mask[2, 2, 7:9] = True
    expected = np.zeros_like(mask)
    expected[1, 1, 3:5] = True
    np.testing.assert_array_equal(largest_component(mask), expected)
