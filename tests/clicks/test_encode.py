import numpy as np
import pytest
from scipy import ndimage

from hnseg.clicks import DiskEncoding, EdtEncoding, GaussianEncoding, PointEncoding
from hnseg.clicks.encode import nearest_voxels

ALL = [PointEncoding(), GaussianEncoding(4.0), DiskEncoding(5.0), EdtEncoding(20.0)]
SHAPES = [((40, 50), (1.5, 0.7)), ((12, 30, 26), (3.0, 1.1, 0.9))]


def some_clicks(shape, count=4, seed=0):
    return np.random.default_rng(seed).integers(0, shape, (count, len(shape))).astype(float)


def distance_mm(index, shape, spacing_mm):
    """Of every voxel to the nearest click, by scipy."""
    free = np.ones(shape, bool)
    free[tuple(index.astype(int).T)] = False
    return ndimage.distance_transform_edt(free, sampling=spacing_mm)


@pytest.mark.parametrize("encoding", ALL)
@pytest.mark.parametrize(("shape", "spacing_mm"), SHAPES)
def test_one_at_clicks_zero_without_and_never_outside_of_the_two(encoding, shape, spacing_mm):
    index = some_clicks(shape)
    channel = encoding(index, shape, spacing_mm)
    assert channel.shape == shape
    assert channel.dtype == np.float32
    assert (channel[tuple(index.astype(int).T)] == 1).all()
    assert channel.min() == 0
    assert channel.max() == 1
    assert not encoding(index[:0], shape, spacing_mm).any()


@pytest.mark.parametrize("encoding", ALL)
@pytest.mark.parametrize(("shape", "spacing_mm"), SHAPES)
def test_several_clicks_are_the_maximum_of_each(encoding, shape, spacing_mm):
    index = some_clicks(shape, 5)
    alone = [encoding(index[i : i + 1], shape, spacing_mm) for i in range(5)]
    np.testing.assert_array_equal(encoding(index, shape, spacing_mm), np.max(alone, axis=0))


@pytest.mark.parametrize(("shape", "spacing_mm"), SHAPES)
def test_they_are_functions_of_scipys_distance(shape, spacing_mm):
    index = some_clicks(shape, 3, seed=2)
    away_mm = distance_mm(index, shape, spacing_mm)
    edt = EdtEncoding(20.0)(index, shape, spacing_mm)
    np.testing.assert_allclose(edt, np.maximum(0, 1 - away_mm / 20), atol=1e-6)
    gaussian = GaussianEncoding(4.0)(index, shape, spacing_mm)
    np.testing.assert_allclose(gaussian, np.exp(-(away_mm**2) / 32), atol=4e-6)
    np.testing.assert_array_equal(DiskEncoding(5.05)(index, shape, spacing_mm) == 1, away_mm <= 5.05)
    assert 0 < (edt > 0).mean() < 1


def test_values_worked_by_hand_where_voxels_are_not_square():
    index, shape, spacing_mm = np.array([[2.0, 2.0]]), (5, 5), (3.0, 1.0)
    edt = EdtEncoding(6.0)(index, shape, spacing_mm)
    np.testing.assert_allclose(edt[2], [4 / 6, 5 / 6, 1, 5 / 6, 4 / 6], rtol=1e-6)
    np.testing.assert_allclose(edt[:, 2], [0, 0.5, 1, 0.5, 0], atol=1e-6)
    gaussian = GaussianEncoding(2.0)(index, shape, spacing_mm)
    assert gaussian[2, 0] == pytest.approx(np.exp(-0.5))
    assert gaussian[1, 1] == pytest.approx(np.exp(-10 / 8))
    disk = DiskEncoding(3.0)(index, shape, spacing_mm)
    assert disk.sum() == 5 + 2  # the row, and the voxels exactly 3 mm above and below


def test_a_radius_that_is_a_multiple_of_the_spacing_is_reached():
    index, shape, spacing_mm = np.array([[5.0, 5.0]]), (11, 11), (0.1, 0.1)
    assert DiskEncoding(0.3)(index, shape, spacing_mm)[5].sum() == 7


@pytest.mark.parametrize("encoding", ALL)
def test_a_click_at_the_edge_is_cut_not_wrapped(encoding):
    middle = encoding(np.array([[40.0, 40.0]]), (81, 81), (1.0, 1.0))
    corner = encoding(np.array([[0.0, 0.0]]), (30, 30), (1.0, 1.0))
    np.testing.assert_array_equal(corner, middle[40:70, 40:70])


@pytest.mark.parametrize("encoding", ALL)
def test_a_click_between_voxels_is_drawn_round_the_nearest_one(encoding):
    expected = encoding(np.array([[4.0, 6.0]]), (20, 20), (2.0, 1.0))
    np.testing.assert_array_equal(encoding(np.array([[4.5, 5.6]]), (20, 20), (2.0, 1.0)), expected)


def test_halves_go_to_the_even_voxel_and_the_images_edges_belong_to_it():
    at = nearest_voxels(np.array([[0.5, 1.5], [2.5, -0.5], [127.5, 127.5004]]), (128, 128))
    assert at.tolist() == [[0, 2], [2, 0], [127, 127]]


@pytest.mark.parametrize("index", [[[-0.6, 3.0]], [[3.0, 7.6]], [[1.0, 1.0, 1.0]], [[np.nan, 1.0]]])
def test_a_click_outside_is_our_own_mistake(index):
    with pytest.raises(AssertionError):
        PointEncoding()(np.array(index), (8, 8), (1.0, 1.0))


@pytest.mark.parametrize("wrong", [0.0, -1.0, float("nan"), float("inf"), "5", None])
def test_lengths_that_are_none_are_refused_by_name(wrong):
    for build, key in ((GaussianEncoding, "sigma_mm"), (DiskEncoding, "radius_mm"), (EdtEncoding, "reach_mm")):
        with pytest.raises(ValueError, match=key):
            build(wrong)
