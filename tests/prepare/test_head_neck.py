import dataclasses

import numpy as np
import pytest

from hnseg.prepare.head_neck import NoBodyFoundError, find_head_neck
from hnseg.types import Grid, Volume


def found(ct):
    """(2, 3) lowest and highest LPS corner, and whether there are shoulders."""
    where = find_head_neck(ct)
    return np.stack([where.corners_mm.min(axis=0), where.corners_mm.max(axis=0)]), where.has_shoulders


def edited(ct, edit):
    array = ct.array.copy()
    edit(array)
    return Volume(array, ct.grid)


def couch_and_mask(array):
    array[:, 52:53, 10:90] = 100  # a plate of 5 mm behind the whole patient
    array[20:, 4:5, 30:70] = 100  # a mask before the face
    array[20:45, 4:40, [30, 70]] = 100


def raised_arms(array):
    array[14:, 20:36, 20:33] = 40
    array[14:, 20:36, 69:82] = 40


def arms_thicker_than_the_neck(array):
    array[14:, 10:46, 10:30] = 40
    array[14:, 10:46, 72:92] = 40


def padding(array):
    array[:, :5] = -3024
    array[:, :, :5] = -3024


def test_head_and_neck_end_at_the_shoulders(patient):
    corners, has_shoulders = found(patient.person())
    assert has_shoulders
    assert corners[:, 0] == pytest.approx([-75, 75], abs=5)
    assert corners[:, 1] == pytest.approx([-95, 95], abs=5)
    assert corners[:, 2] == pytest.approx([-240, 0], abs=10)  # opening takes the tip of the vertex


@pytest.mark.parametrize("edit", [couch_and_mask, raised_arms, arms_thicker_than_the_neck, padding])
def test_what_is_no_head_does_not_move_it(patient, edit):
    ct = patient.person()
    assert np.allclose(found(edited(ct, edit))[0], found(ct)[0], atol=5)


def test_arms_that_touch_the_neck_do_not_end_it(patient):
    def edit(array):
        array[10:40, 20:36, 20:82] = 40  # as wide as shoulders, up to the mouth

    (low, high), _ = found(edited(patient.person(), edit))
    assert low[2] < -160
    assert high[2] == pytest.approx(0, abs=10)


@pytest.mark.parametrize(
    ("order", "flips"), [((0, 1, 2), (0,)), ((2, 1, 0), ()), ((1, 2, 0), (1, 2)), ((0, 2, 1), (0, 1, 2))]
)
def test_order_and_direction_of_the_axes_do_not_matter(patient, order, flips):
    ct = patient.person()
    assert np.allclose(found(patient.turned(ct, order, flips))[0], found(ct)[0], atol=1e-6)


def test_oblique_scan_holds_the_same_head(patient):
    angle = np.deg2rad(10)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    grid = patient.person_grid
    oblique = dataclasses.replace(grid, direction=turn @ grid.direction, origin_mm=tuple(turn @ grid.origin_mm))
    corners, _ = found(patient.person(oblique))  # the patient is straight, the gantry was not
    assert (corners[0] <= [-70, -95, -200]).all()
    assert (corners[1] >= [70, 90, -15]).all()


def test_whole_body_with_legs(patient):
    def legs(array):
        array[:100] = -1000
        array[:100, 20:32, [*range(30, 44), *range(56, 70)]] = 40

    grid = Grid((340, 56, 100), (5.0, 5.0, 5.0), (-250.0, -120.0, -1690.0))
    assert np.allclose(found(edited(patient.person(grid), legs))[0], found(patient.person())[0], atol=1e-6)


def test_without_lungs_shoulders_are_seen_by_their_width(patient):
    with_lungs, (corners, has_shoulders) = found(patient.person()), found(patient.person(lungs=False))
    assert has_shoulders
    assert np.allclose(with_lungs[0], corners)


def test_scan_that_ends_above_the_shoulders(patient):
    ct = patient.person()
    head = Volume(ct.array[20:], ct.grid.crop((20, 0, 0), (44, 56, 100)))
    corners, has_shoulders = found(head)
    assert not has_shoulders
    assert corners[0, 2] == pytest.approx(head.grid.extent_mm[0, 2])


def test_fine_voxels_are_left_out_and_the_head_is_the_same(patient):
    fine = Grid((107, 94, 167), (3.0, 3.0, 3.0), (-250.0, -120.0, -310.0))
    finer = Grid((64, 187, 334), (5.0, 1.5, 1.5), (-250.0, -120.0, -310.0))
    for grid in (fine, finer):
        assert np.allclose(found(patient.person(grid))[0], found(patient.person())[0], atol=9)


@pytest.mark.parametrize(
    ("part", "word"),
    [
        (lambda array: np.full_like(array, -1000), "0 ml"),
        (lambda array: np.where(np.indices(array.shape)[1] == 52, 100, -1000).astype(np.int16), "0 ml"),  # a couch
        (lambda array: np.where(np.indices(array.shape)[0] < 13, array, -1000).astype(np.int16), "above the shoulders"),
    ],
)
def test_nothing_is_found_where_nothing_is(patient, part, word):
    ct = patient.person()
    with pytest.raises(NoBodyFoundError, match=word):
        find_head_neck(Volume(part(ct.array), ct.grid))
