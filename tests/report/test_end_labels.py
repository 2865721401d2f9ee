import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnseg.report.end_labels import spread_apart


def test_names_that_are_apart_stay():
    assert spread_apart([0.1, 0.9, 0.5], 0.1, 0, 1) == [0.1, 0.9, 0.5]


def test_two_at_one_place_make_room_for_each_other():
    assert spread_apart([0.5, 0.5], 0.2, 0, 1) == pytest.approx([0.4, 0.6])


def test_at_the_top_they_go_down():
    assert spread_apart([1.0, 1.0, 0.99], 0.1, 0, 1) == pytest.approx([0.9, 1.0, 0.8])


@given(st.lists(st.floats(0, 1), max_size=10))
def test_always_apart_in_order_and_within(places):
    moved = spread_apart(places, 0.1, 0, 1)
    order = np.argsort(places, kind="stable")
    assert (np.diff(np.array(moved)[order]) >= 0.1 - 1e-9).all()
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in moved)
