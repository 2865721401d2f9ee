import numpy as np
import pytest

from hnseg.geometry.contour_planes import find_planes, group_near, sources


def taken(positions_mm, slice_spacing_mm, slices):
    """What each slice is made of: ``a`` plane a as it is, ``a~b`` something between, ``.`` nothing."""
    found = sources(find_planes(np.array(positions_mm, float), slice_spacing_mm), slice_spacing_mm, slices)
    return " ".join("." if s is None else f"{s.below}" if s.below == s.above else f"{s.below}~{s.above}" for s in found)


@pytest.mark.parametrize(
    ("positions_mm", "expected"),
    [
        ([3, 6, 9], ". 0 1 2 . ."),
        ([3.3, 6.02, 8.7], ". 0 1 2 . ."),  # drawn on another series: beside the slices by a tenth
        ([0, 3, 12, 15], "0 1 . . 2 3"),
        ([0, 3, 9, 12], "0 1 . 2 3 ."),  # one forgotten, or two lobes
        ([0, 6], "0 . 1 . . ."),
        ([6], ". . 0 . . ."),
        ([-30, -3, 0, 3, 30], "2 3 . . . ."),
    ],
)
def test_planes_on_slices_are_taken_as_they_are_and_gaps_stay(positions_mm, expected):
    assert taken(positions_mm, 3, 6) == expected


@pytest.mark.parametrize(
    ("positions_mm", "spacing_mm", "expected"),
    [
        ([3, 6, 9], 1, ". . 0 0 0~1 0~1 1 1~2 1~2 2 2 ."),
        ([2, 4, 6], 1, ". . 0 0~1 1 1~2 2 . ."),  # every second slice: half a step is outside
        ([2.5, 4.5, 6.5], 1, ". . 0 0~1 0~1 1~2 1~2 2 . ."),  # between slices: half a slice is inside
        ([1.5, 4.5, 7.5], 3, "0 0~1 1~2 . ."),
        ([4.5], 3, ". 0 . ."),
        ([1, 5], 2, "0 0~1 0~1 1 ."),
        ([0, 6, 12, 18, 21, 24], 3, "0 0~1 1 1~2 2 2~3 3 4 5"),  # every second slice, the top refined
        (np.arange(12), 3, "0 3 6 9 ."),  # finer than the slices
        (np.arange(0, 12, 0.25), 3, "0 12 24 36 47"),  # closer than the tolerance: still planes of their own
        ([3, 3.27 + 3, 9.56, 12.83], 3.27, ". 0 1 2 3 ."),
    ],
)
def test_contours_on_other_planes_are_interpolated_and_reach_half_a_step(positions_mm, spacing_mm, expected):
    assert taken(positions_mm, spacing_mm, len(expected.split())) == expected


def test_the_fraction_is_measured_from_the_first_plane():
    found = sources(find_planes(np.array([0.5, 4.5, 8.5]), 1.0), 1.0, 9)
    assert [round(s.fraction, 6) for s in found[1:5]] == [0.125, 0.375, 0.625, 0.875]


def test_contours_too_far_apart_are_no_step_and_one_forgotten_plane_is_found():
    far = find_planes(np.array([0.0, 30, 60]), 3.0)
    assert (far.step_mm, far.too_far_mm) == (3, 30)
    assert find_planes(np.array([0.0, 3, 6, 12, 15, 30]), 3.0).forgotten().tolist() == [2]
    both = find_planes(np.array([-9.0, -3, 0, 3, 6, 12, 15, 18, 21]), 3.0)  # one gap below the image, one in it
    assert (both.forgotten().tolist(), both.forgotten(5.0).tolist()) == ([4], [])


def test_heights_are_grouped_by_plane_in_order():
    groups = group_near(np.array([6.0, 0.02, 3.0, 0.0, 6.3]), 0.35)
    assert [sorted(group.tolist()) for group in groups] == [[1, 3], [2], [0, 4]]
    chain = np.arange(8) * 0.3
    assert len(group_near(chain, 0.35)) == 8
