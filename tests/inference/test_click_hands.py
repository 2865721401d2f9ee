import numpy as np
import pytest

from hnseg.inference.click_hands import correction, hottest, one_click_users
from hnseg.inference.click_units import Unit, units_of
from hnseg.types import Clicks
from tests.inference.click_fakes import brushed, disks, make_case

SHAPE = (3, 24, 24)


@pytest.fixture
def unit(tmp_path):
    label = disks(SHAPE, (1, 5, 5)) + disks(SHAPE, (1, 15, 15), value=2)
    case = make_case(tmp_path / "P1", label, names=("GTVp", "GTVn"), hot=[(1, 5, 20)])
    return units_of(case, 2, 1, 0)[0][0]


def distance_mm(clicks, others):
    return np.linalg.norm((clicks.index - others.index) * clicks.spacing_mm, axis=1)


def test_everybody_clicks_where_they_say(unit):
    users = one_click_users(unit, "P1", 0)
    assert list(users) == ["centre", "random", "displaced_3mm", "displaced_6mm", "wrong_organ"]
    assert users["centre"].index.tolist() == [[5, 5], [15, 15]]
    assert users["centre"].values.tolist() == [1, 2]
    for (y, x), value in zip(users["random"].index.astype(int), (1, 2), strict=True):
        assert unit.truth[y, x] == value
    assert distance_mm(users["displaced_3mm"], users["centre"]) == pytest.approx([3, 3])
    assert distance_mm(users["displaced_6mm"], users["centre"]) == pytest.approx([6, 6])
    assert users["wrong_organ"].index.tolist() == [[5, 20]]
    assert users["wrong_organ"].values.tolist() == [1]


def test_draws_depend_on_seed_case_slice_and_user_alone(unit):
    users = one_click_users(unit, "P1", 0)
    again = one_click_users(Unit(unit.slice, unit.image + 1, unit.truth, unit.spacing_mm, 9.0), "P1", 0)
    for name in users:
        np.testing.assert_array_equal(users[name].index, again[name].index)
    moved = Unit(2, unit.image, unit.truth, unit.spacing_mm, unit.voxel_ml)
    for other in (one_click_users(unit, "P1", 1), one_click_users(unit, "P2", 0), one_click_users(moved, "P1", 0)):
        assert not np.array_equal(other["displaced_6mm"].index, users["displaced_6mm"].index)
        np.testing.assert_array_equal(other["centre"].index, users["centre"].index)
    angles = [
        np.arctan2(*(users[name].index - users["centre"].index)[0]) for name in ("displaced_3mm", "displaced_6mm")
    ]
    assert angles[0] != pytest.approx(angles[1])


def test_no_place_is_wrong_where_the_structure_is_everywhere():
    full = Unit(0, np.ones((1, 6, 6), np.float32), np.ones((6, 6), np.uint8), (2.0, 2.0), 0.1)
    assert "wrong_organ" not in one_click_users(full, "P1", 0)
    assert len(hottest(full, 1)) == 0


def test_a_wrong_click_is_for_the_structure_that_is_there(unit):
    only_second = Unit(1, unit.image, np.where(unit.truth == 2, 2, 0).astype(np.uint8), unit.spacing_mm, 1.0)
    assert one_click_users(only_second, "P1", 0)["wrong_organ"].values.tolist() == [2]
    assert hottest(unit, 2).values.tolist() == [2]


def test_the_robot_spends_positive_clicks_on_what_was_missed_only(unit):
    too_much = np.where(brushed((1, 24, 24), (0, 20, 4))[0] | brushed((1, 24, 24), (0, 20, 6))[0], 1, unit.truth)
    mask = np.where(unit.truth == 2, 0, too_much).astype(np.uint8)
    none = Clicks.none(unit.spacing_mm)
    assert correction(mask, unit, none, negatives=True).values.tolist() == [0]
    missed = correction(mask, unit, none, negatives=False)
    assert (missed.index.tolist(), missed.values.tolist()) == ([[15, 15]], [2])
    assert len(correction(too_much.astype(np.uint8), unit, none, negatives=False)) == 0


def test_the_robot_never_clicks_twice_on_one_voxel(unit):
    blind = np.zeros_like(unit.truth)
    made = Clicks.none(unit.spacing_mm)
    for _ in range(26):
        made = made + correction(blind, unit, made, negatives=True)
    voxels = {tuple(voxel) for voxel in made.index}
    assert voxels == {tuple(voxel) for voxel in np.argwhere(unit.truth)}  # all 26, each once
    assert made.index[0].tolist() == [5, 5]  # the first lesion's centre, then the other's
    assert made.index[1].tolist() == [15, 15]
    assert len(correction(blind, unit, made, negatives=True)) == 0
    assert not blind.any()
