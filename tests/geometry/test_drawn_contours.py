import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hnseg.geometry.contour_mask import contour_mask
from hnseg.geometry.drawn_contours import DrawnContours, drawn_in_slices
from hnseg.types import Grid

points = st.tuples(*[st.sampled_from([0.0, 1.0, 2.0, 2.5])] * 3)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(points, max_size=6), min_size=1, max_size=6))
def test_all_points_at_once_say_of_each_contour_what_it_says_alone(contours):
    contours = [np.array(contour, float).reshape(-1, 3) for contour in contours]
    drawn = DrawnContours(np.concatenate(contours), np.array([len(contour) for contour in contours]))
    assert drawn.heights().tolist() == [np.median(c[:, 0]) if len(c) else 0 for c in contours]
    assert drawn.with_area().tolist() == [len(np.unique(c, axis=0)) >= 3 for c in contours]
    kept = drawn.keep(drawn.with_area())
    expected = [c[:, 1:] for c in contours if len(np.unique(c, axis=0)) >= 3]
    assert [p.tolist() for p in kept.polygons_yx(np.arange(len(kept)))] == [c.tolist() for c in expected]


def test_each_contour_that_is_left_out_is_counted_once():
    grid = Grid((4, 9, 9), (2.0, 1.0, 1.0))
    good = np.array([(1, 1, 2), (5, 1, 2), (5, 6, 2)], float)
    notes: list[str] = []
    drawn = drawn_in_slices([good * np.nan, good[:2], good, good + np.diag([0, 0, 1.0]), good[:0]], grid, notes)
    assert drawn.index_zyx.tolist() == [[1, 1, 1], [1, 1, 5], [1, 6, 5]]
    assert [note[:19] for note in notes] == ["1 of 5 contours hav", "2 of 5 contours hav", "1 of 5 contours lie"]


def test_a_hundred_thousand_contours_are_no_hundred_thousand_steps():
    """As many planes far off, which one by one took half a minute; only the one in the image is looked at."""
    grid = Grid((4, 9, 9), (2.0, 1.0, 1.0))
    square = np.array([(1, 1), (1, 6), (6, 6), (6, 1)]) - 0.5
    heights = np.append(np.linspace(100, 40_000, 100_000), 2.0)
    points_mm = np.concatenate([np.tile(square, (len(heights), 1, 1)), np.tile(heights[:, None, None], (4, 1))], axis=2)
    mask, notes = contour_mask(list(points_mm), grid)
    assert mask[1].sum() == mask.sum() == 25
    assert any("100000 of 100001 contour planes lie before the first or behind" in note for note in notes)
