from pathlib import Path

import numpy as np
import pytest

from hnseg.clicks import ClickChannels, NoClicks, PointEncoding, centre_clicks
from hnseg.run.slice_clicks import clicks_among, clicks_in_slice, component_clicks, kept_slices, shown_clicks
from hnseg.types import Clicks
from tests.run.slice_cases import BIG, SMALL, SPECK, write_slices


def channels(simulate: str = "random", most: int | None = None) -> ClickChannels:
    return ClickChannels(PointEncoding(), 1, 0, 1, spatial_dims=2, simulate=simulate, most=most)


@pytest.fixture
def case(tmp_path: Path):
    return write_slices(tmp_path, "Pat_1", [(0, SPECK), (1, BIG), (1, SMALL), (3, SMALL)])


def test_a_slice_is_kept_for_its_pixels(case) -> None:
    assert kept_slices(case.label, 6).tolist() == [1, 3]
    assert kept_slices(case.label, 5).tolist() == [0, 1, 3]
    assert kept_slices(case.label, 7).tolist() == [1]


@pytest.mark.parametrize("simulate", ["centre", "random"])
def test_a_filter_and_a_network_are_given_the_same_clicks(case, simulate: str) -> None:
    given, shown = component_clicks(case, simulate, 7), shown_clicks(case, channels(simulate), "test", 7)
    assert np.array_equal(given.index, shown.index)
    assert given.index[:, 0].tolist() == [0, 1, 1, 3]  # one a component, in every slice
    assert all(case.label[tuple(at.astype(int))] for at in given.index)
    again = component_clicks(case, simulate, 7).index
    assert np.array_equal(given.index, again)
    assert np.array_equal(given.index, component_clicks(case, simulate, 8).index) == (simulate == "centre")


def test_the_centre_is_that_of_the_slice(case) -> None:
    clicks = component_clicks(case, "centre", 0)
    for z in range(4):
        assert np.array_equal(clicks_in_slice(clicks, z), centre_clicks(case.label[z], (2.0, 2.5)).index)


def test_a_network_that_can_do_without_is_tested_without_and_others_are_shown_nothing(case) -> None:
    assert len(shown_clicks(case, channels(most=3), "test", 0)) == 0
    assert sum(len(shown_clicks(case, channels(most=3), "val", seed)) for seed in range(5)) > 0
    assert len(shown_clicks(case, NoClicks(), "val", 0)) == len(shown_clicks(case, NoClicks(), "test", 0)) == 0


def test_clicks_move_along_with_the_slices_that_are_kept() -> None:
    index = np.array([[0, 1, 2], [5, 3, 4], [3, 5, 6], [5, 7, 8.0]])
    clicks = clicks_among(Clicks(index, np.array([1, 1, 2, 0], np.uint8), (3.0, 1.0, 1.0)), np.array([0, 5, 9]))
    assert clicks.index.tolist() == [[0, 1, 2], [1, 3, 4], [1, 7, 8]]
    assert clicks.values.tolist() == [1, 1, 0]
    assert index[1, 0] == 5
