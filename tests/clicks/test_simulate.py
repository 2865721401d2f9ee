import numpy as np
import pytest
from scipy import ndimage

from hnseg.clicks import centre_clicks, displaced, random_clicks, robot_click, wrong_place
from hnseg.types import Clicks

ISO = (1.0, 1.0)


def label_of(shape, *parts):
    label = np.zeros(shape, np.uint8)
    for value, place in parts:
        label[place] = value
    return label


def ring():
    y, x = np.ogrid[:21, :21]
    far = (y - 10) ** 2 + (x - 10) ** 2
    return ((far >= 25) & (far <= 64)).astype(np.uint8)


def clicks_at(*index, spacing_mm=ISO):
    return Clicks(np.array(index, float), np.ones(len(index), np.uint8), spacing_mm)


def test_every_8_connected_component_gets_the_centre_of_its_mass():
    label = label_of((20, 20), (1, np.s_[2:5, 3:8]), (1, np.s_[10, 10]), (1, np.s_[11, 11]), (1, np.s_[15:17, 2]))
    clicks = centre_clicks(label, ISO)
    # (10, 10) and (11, 11) share a corner and are one, its centre (10.5, 10.5); (15.5, 2): halves go to the even voxel
    assert clicks.index.tolist() == [[3, 5], [10, 10], [16, 2]]
    assert clicks.values.tolist() == [1, 1, 1]


def test_centres_are_scipys_rounded():
    label = (ndimage.gaussian_filter(np.random.default_rng(3).standard_normal((60, 70)), 3) > 0.1).astype(np.uint8)
    numbers, count = ndimage.label(label, np.ones((3, 3)))
    expected = [[round(c) for c in ndimage.center_of_mass(numbers == i)] for i in range(1, count + 1)]
    assert count > 5
    assert centre_clicks(label, ISO).index.tolist() == expected


def test_the_centre_of_a_ring_is_outside_and_a_random_voxel_is_not():
    assert centre_clicks(ring(), ISO).index.tolist() == [[10, 10]]
    assert ring()[10, 10] == 0
    for seed in range(20):
        at = random_clicks(ring(), ISO, np.random.default_rng(seed)).index[0].astype(int)
        assert ring()[tuple(at)] == 1


def test_structures_are_kept_apart_and_in_their_order():
    label = label_of((6, 10, 10), (2, np.s_[1, 1:4, 1:4]), (1, np.s_[2, 1:4, 1:4]), (2, np.s_[5, 7, 7]))
    clicks = centre_clicks(label, (3.0, 1.0, 1.0))
    assert clicks.index.tolist() == [[2, 2, 2], [1, 2, 2], [5, 7, 7]]
    assert clicks.values.tolist() == [1, 2, 2]
    assert clicks.spacing_mm == (3.0, 1.0, 1.0)


def test_a_filled_image_and_an_empty_one():
    assert centre_clicks(np.ones((5, 7), np.uint8), ISO).index.tolist() == [[2, 3]]
    for nothing in (
        centre_clicks(np.zeros((5, 7), np.uint8), ISO),
        wrong_place(np.ones((1, 5, 7)), ring()[:5, :7], ISO),
    ):
        assert nothing.index.shape == (0, 2)
    assert len(random_clicks(np.zeros((5, 7), np.uint8), ISO, np.random.default_rng(0))) == 0


def test_random_voxels_are_all_as_likely_and_depend_on_the_generator_alone():
    label = label_of((9, 9), (1, np.s_[1, 1:4]), (1, np.s_[6:8, 6]))
    drawn = [random_clicks(label, ISO, np.random.default_rng(seed)).index for seed in range(300)]
    first = np.array([index[0, 1] for index in drawn])
    assert all(60 < (first == x).sum() < 140 for x in (1, 2, 3))
    assert all(index[1, 0] in (6, 7) for index in drawn)
    np.testing.assert_array_equal(drawn[7], random_clicks(label, ISO, np.random.default_rng(7)).index)


def test_the_robot_clicks_the_middle_of_the_largest_error():
    target = label_of((30, 30), (1, np.s_[2:7, 2:7]), (2, np.s_[20:27, 20:27]))
    prediction = label_of((30, 30), (1, np.s_[2:7, 2:7]), (1, np.s_[12:15, 2:5]))
    missed = robot_click(prediction, target, ISO)
    assert (missed.index.tolist(), missed.values.tolist()) == ([[23, 23]], [2])
    prediction[20:27, 20:27] = 2
    too_much = robot_click(prediction, target, ISO)
    assert (too_much.index.tolist(), too_much.values.tolist()) == ([[13, 3]], [0])
    prediction[2:7, 2:7], prediction[12:15] = 2, 0
    mistaken = robot_click(prediction, target, ISO)
    assert (mistaken.index.tolist(), mistaken.values.tolist()) == ([[4, 4]], [1])
    assert len(robot_click(target, target, ISO)) == 0


def test_a_robot_without_negative_clicks_looks_for_what_is_missed():
    target = label_of((30, 30), (1, np.s_[2:5, 2:5]))
    prediction = label_of((30, 30), (1, np.s_[10:25, 10:25]))
    clicks = robot_click(prediction, target, ISO, negatives=False)
    assert (clicks.index.tolist(), clicks.values.tolist()) == ([[3, 3]], [1])
    assert len(robot_click(target | prediction, target, ISO, negatives=False)) == 0
    mistaken = robot_click(2 * target, target, ISO, negatives=False)
    assert (mistaken.index.tolist(), mistaken.values.tolist()) == ([[3, 3]], [1])


def test_masks_without_values_are_one_structure():
    mask = ring() > 0
    assert centre_clicks(mask, ISO).values.tolist() == [1]
    assert robot_click(~mask & mask, mask, ISO).values.tolist() == [1]


def test_the_robots_depth_is_in_mm_and_the_images_edge_is_a_border():
    target = label_of((9, 41), (1, np.s_[1:8, 2:19]))
    nothing = np.zeros_like(target)
    # rows 1..7: with 3 mm rows the middle row is 12 mm deep, so columns decide: the middle of 17 is 9 deep
    assert robot_click(nothing, target, (3.0, 1.0)).index.tolist() == [[3, 10]]
    assert robot_click(nothing, target, (1.0, 1.0)).index.tolist() == [[4, 5]]
    everything = np.ones((1, 5, 7), np.uint8)
    assert robot_click(np.zeros_like(everything), everything, (2.0, 1.0, 1.0)).index.tolist() == [[0, 2, 2]]


@pytest.mark.parametrize("seed", range(5))
def test_the_robot_agrees_with_a_naive_one(seed):
    rng = np.random.default_rng(seed)
    target, prediction = ((ndimage.gaussian_filter(rng.standard_normal((8, 20, 24)), 2) > 0.04) for _ in range(2))
    spacing_mm = (3.0, 1.0, 1.5)
    numbers, _ = ndimage.label(target != prediction, np.ones((3, 3, 3)))
    largest = numbers == 1 + np.argmax(np.bincount(numbers.ravel())[1:])
    depth_mm = ndimage.distance_transform_edt(np.pad(largest, 1), sampling=spacing_mm)[1:-1, 1:-1, 1:-1]
    clicks = robot_click(prediction.astype(np.uint8), target.astype(np.uint8), spacing_mm)
    at = tuple(clicks.index[0].astype(int))
    assert at == np.unravel_index(np.argmax(depth_mm), depth_mm.shape)
    assert clicks.values[0] == target[at]


@pytest.mark.parametrize(("shape", "spacing_mm"), [((128, 128), (3.6, 1.2)), ((40, 90, 90), (3.0, 1.0, 1.0))])
def test_displaced_clicks_are_so_far_away_in_all_directions(shape, spacing_mm):
    middle = np.array(shape) / 2
    clicks = clicks_at(*[middle] * 300, spacing_mm=spacing_mm)
    moved = displaced(clicks, 6.0, np.random.default_rng(0), shape)
    steps_mm = (moved.index - middle) * spacing_mm
    np.testing.assert_allclose(np.linalg.norm(steps_mm, axis=1), 6.0)
    assert np.abs(steps_mm.mean(axis=0)).max() < 1.0
    np.testing.assert_allclose((steps_mm**2).mean(axis=0), 36 / len(shape), rtol=0.2)  # no axis is preferred
    assert (moved.values == 1).all()
    again = displaced(clicks, 6.0, np.random.default_rng(0), shape)
    np.testing.assert_array_equal(again.index, moved.index)


def test_displaced_clicks_stay_in_the_image_and_are_exact_there():
    corners = clicks_at(*[(0, 0), (0, 9), (9, 0), (9, 9)] * 20)
    moved = displaced(corners, 3.0, np.random.default_rng(1), (10, 10))
    assert moved.index.min() >= 0
    assert moved.index.max() <= 9
    np.testing.assert_allclose(np.linalg.norm(moved.index - corners.index, axis=1), 3.0)
    thin = displaced(clicks_at((0, 5, 5), spacing_mm=(3.0, 1.0, 1.0)), 3.0, np.random.default_rng(0), (1, 11, 11))
    assert thin.index[0, 0] == 0
    assert np.linalg.norm(thin.index[0, 1:] - 5) == pytest.approx(3.0)
    tiny = displaced(clicks_at((1, 1)), 30.0, np.random.default_rng(0), (3, 3))
    assert ((tiny.index >= 0) & (tiny.index <= 2)).all()
    np.testing.assert_array_equal(displaced(corners, 0.0, np.random.default_rng(0), (10, 10)).index, corners.index)


@pytest.mark.parametrize("seed", range(6))
def test_a_wrong_place_is_the_hottest_voxel_10_mm_from_every_structure(seed):
    rng = np.random.default_rng(seed)
    spacing_mm = (3.0, 1.1, 0.9)
    label = (ndimage.gaussian_filter(rng.standard_normal((14, 40, 44)), 3) > 0.075).astype(np.uint8)
    label[label > 0] = rng.integers(1, 3)
    image = rng.random((2, *label.shape)).astype(np.float32)
    image[1][label > 0] += 5
    away_mm = ndimage.distance_transform_edt(label == 0, sampling=spacing_mm)
    assert 0 < (away_mm >= 10).mean() < 1
    clicks = wrong_place(image, label, spacing_mm)
    at = tuple(clicks.index[0].astype(int))
    assert away_mm[at] >= 10
    assert image[1][at] == image[1][away_mm >= 10].max()
    assert clicks.values.tolist() == [1]


def test_a_wrong_place_needs_no_structure_and_10_mm_are_enough():
    image = np.zeros((1, 40, 40))
    image[0, 3, 30] = 7
    assert wrong_place(image, np.zeros((40, 40), np.uint8), ISO).index.tolist() == [[3, 30]]
    image[0, 20, 10], image[0, 20, 11] = 8, 9
    label = label_of((40, 40), (1, np.s_[20, 20]))
    assert wrong_place(image, label, ISO).index.tolist() == [[20, 10]]
