import numpy as np
import pytest
from scipy import ndimage

from hnseg.clicks.draw import beside, draw_some, hottest
from hnseg.clicks.simulate import components_of

SPACING_MM = (2.0, 1.0)


def tumours():
    """Two structures in three components, a third of the area of each other's size."""
    label = np.zeros((60, 80), np.uint8)
    label[5:12, 6:13] = 1
    label[30:34, 50:58] = 1
    label[45:50, 10:15] = 2
    return label


def pet():
    heat = np.random.default_rng(9).random((2, 60, 80)).astype(np.float32)
    heat[1, 5:12, 6:13] += 9  # in a structure
    return heat


def draws(label, image, most=4, centre=False, negatives=True, count=400):
    return [
        draw_some(label, image, SPACING_MM, most, centre, negatives, np.random.default_rng(seed))
        for seed in range(count)
    ]


@pytest.mark.parametrize("negatives", [True, False])
def test_every_number_of_clicks_from_none_on_is_as_likely(negatives):
    counts = np.bincount([len(clicks) for clicks in draws(tumours(), pet(), negatives=negatives)])
    assert len(counts) == 5
    assert all(55 <= n <= 105 for n in counts)  # 80 expected, 3 standard deviations


def test_the_first_click_is_right_and_half_of_the_others_are_wrong():
    label, all_values = tumours(), []
    for clicks in draws(label, pet()):
        at = tuple(clicks.index.astype(int).T)
        np.testing.assert_array_equal(label[at], clicks.values)
        assert len(clicks) == 0 or (clicks.values > 0).any()
        all_values += clicks.values.tolist()[1:]
    assert 0.42 < np.mean(np.array(all_values) == 0) < 0.58


def test_without_negatives_every_click_is_right():
    assert all((clicks.values > 0).all() for clicks in draws(tumours(), pet(), negatives=False))


def test_components_without_a_click_come_first():
    numbers, _ = ndimage.label(tumours(), np.ones((3, 3)))
    seen = set()
    for clicks in draws(tumours(), None, most=5, negatives=False):
        hit = numbers[tuple(clicks.index.astype(int).T)]
        assert len(set(hit[:3])) == min(len(clicks), 3)
        seen.add(tuple(hit[:1]))
    assert seen == {(), (1,), (2,), (3,)}


def test_centres_come_first_and_then_random_voxels():
    centres = {(8.0, 9.0), (32.0, 54.0), (47.0, 12.0)}
    label, beyond = tumours(), []
    for clicks in draws(label, None, most=5, centre=True, negatives=False):
        at = [tuple(index) for index in clicks.index]
        assert set(at[:3]) <= centres
        assert len(set(at[:3])) == min(len(at), 3)
        beyond += at[3:]
    assert all(label[int(y), int(x)] for y, x in beyond)
    assert np.mean([at in centres for at in beyond]) < 0.2


@pytest.mark.parametrize("image", [None, pet()])
def test_a_label_without_structure_has_negative_clicks_or_none(image):
    empty = np.zeros((60, 80), np.uint8)
    assert all(len(clicks) == 0 for clicks in draws(empty, image, negatives=False))
    clicked = draws(empty, image)
    assert len(np.bincount([len(clicks) for clicks in clicked])) == 5
    assert all((clicks.values == 0).all() for clicks in clicked)
    everywhere = np.concatenate([clicks.index for clicks in clicked])
    assert everywhere.min(axis=0).max() < 5
    assert (everywhere.max(axis=0) > [54, 74]).all()


def test_half_of_the_negative_clicks_are_on_the_hottest_background():
    label, image = tumours(), pet()
    hot = np.zeros(label.shape, bool)
    hot.ravel()[hottest(image, label)] = True
    wrong = [at.astype(int) for clicks in draws(label, image) for at in clicks.index[clicks.values == 0]]
    assert len(wrong) > 200
    assert 0.4 < np.mean([hot[tuple(at)] for at in wrong]) < 0.62


def test_the_hottest_background_is_a_hundredth_outside_the_structures():
    label, image = tumours(), pet()
    hot = hottest(image, label)
    background = image[1][label == 0]
    assert len(hot) == np.ceil(len(background) / 100)
    assert label.ravel()[hot].max() == 0
    np.testing.assert_array_equal(np.sort(image[1].ravel()[hot]), np.sort(background)[-len(hot) :])
    flat = hottest(np.zeros((1, 60, 80)), label)
    assert len(flat) == (label == 0).sum()
    assert len(hottest(image, np.ones_like(label))) == 0


def test_beside_a_structure_is_background_at_most_20_mm_away():
    label = tumours()
    away_mm = ndimage.distance_transform_edt(label == 0, sampling=SPACING_MM)
    rng = np.random.default_rng(0)
    found = components_of(label)
    at = np.array([beside(label, found, SPACING_MM, rng) for _ in range(500)])
    distances_mm = away_mm[tuple(at.T)]
    assert distances_mm.min() > 0
    assert 12 < distances_mm.max() <= 20
    near = [ndimage.distance_transform_edt(components != i, sampling=SPACING_MM) for components, i in numbered(label)]
    assert all((one[tuple(at.T)] <= 20).mean() > 0.25 for one in near)


def numbered(label):
    numbers, count = ndimage.label(label, np.ones((3, 3)))
    return [(numbers, i) for i in range(1, count + 1)]


def test_beside_finds_the_last_background_and_nothing_where_there_is_none():
    label = np.ones((60, 80), np.uint8)
    rng = np.random.default_rng(0)
    assert beside(label, components_of(label), SPACING_MM, rng) is None
    label[59, 79] = 0
    assert beside(label, components_of(label), SPACING_MM, rng).tolist() == [59, 79]
    clicks = draws(np.ones((6, 8), np.uint8), np.ones((1, 6, 8)), count=60)
    assert all((each.values == 1).all() for each in clicks)


def test_a_draw_depends_on_its_arguments_alone():
    for first, second in zip(draws(tumours(), pet(), count=30), draws(tumours(), pet(), count=30), strict=True):
        np.testing.assert_array_equal(first.index, second.index)
        np.testing.assert_array_equal(first.values, second.values)
