import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnseg.radiomics import Settings
from hnseg.radiomics.discretise import grey_levels, resegmented

VALUES = st.lists(st.integers(-3000, 3000), min_size=1, max_size=30).map(lambda drawn: np.array(drawn, float))


@given(VALUES, st.sampled_from([0.25, 1.0, 25.0, 33.0]))
def test_bins_of_a_width_start_at_its_multiples(values, width) -> None:
    expected = np.floor(values / width) - np.floor(values.min() / width) + 1
    assert grey_levels(values, Settings(bin_width=width)).tolist() == expected.tolist()


@given(VALUES.filter(lambda values: np.ptp(values) > 0), st.integers(1, 40))
def test_a_number_of_bins_spans_the_values(values, count) -> None:
    levels = grey_levels(values, Settings(bin_count=count))
    share = (values - values.min()) / np.ptp(values) * count
    inner = np.abs(share - np.round(share)) > 1e-9  # at an edge rounding decides
    assert (levels[inner] == np.floor(share[inner]) + 1).all()
    assert (levels[values == values.min()] == 1).all()
    assert (levels[values == values.max()] == count).all()


def test_by_hand() -> None:
    hu = np.array([-13.0, -25.0, 0.0, 24.9, 25.0, 62.0])
    assert grey_levels(hu, Settings(bin_width=25)).tolist() == [1, 1, 2, 2, 3, 4]
    assert grey_levels(hu, Settings(bin_count=3)).tolist() == [1, 1, 1, 2, 2, 3]


@pytest.mark.parametrize("settings", [Settings(bin_width=25), Settings(bin_count=1)])
def test_a_flat_region_has_one_level(settings) -> None:
    assert grey_levels(np.full(5, 37.0), settings).tolist() == [1] * 5


@pytest.mark.parametrize("settings", [Settings(bin_width=1e-4), Settings(bin_count=200_000), Settings(bin_width=0.01)])
def test_refuses_more_levels_than_a_matrix_can_hold(settings) -> None:
    with pytest.raises(ValueError, match="grey levels inside the mask; use fewer"):
        grey_levels(np.arange(3000) / 9, settings)


def test_refuses_two_values_that_are_far_too_many_bins_apart() -> None:
    with pytest.raises(ValueError, match="bin_width 1 makes 1000000 grey levels"):
        grey_levels(np.array([0.0, 1e6]), Settings(bin_width=1))


def test_a_range_keeps_its_bounds() -> None:
    kept = resegmented(np.array([-1001.0, -1000, 0, 400, 401]), Settings(bin_width=1, resegment_range=(-1000, 400)))
    assert kept.tolist() == [False, True, True, True, False]


def test_outliers_are_counted_from_the_mean_of_what_the_range_leaves() -> None:
    values = np.array([10.0] * 5 + [12.0] * 5 + [40.0, 1e6])
    assert resegmented(values, Settings(bin_width=1, resegment_sigma=2)).tolist() == [True] * 11 + [False]
    both = Settings(bin_width=1, resegment_sigma=2, resegment_range=(0, 100))
    assert resegmented(values, both).tolist() == [True] * 10 + [False] * 2
