import math

import numpy as np
import pytest
from hypothesis import given, settings

from hnseg.radiomics.region import DIRECTIONS
from hnseg.radiomics.run_lengths import run_length_matrix, run_lengths
from tests.radiomics import naive
from tests.radiomics.test_glcm import MANUAL


@settings(max_examples=40, deadline=None)
@given(naive.small_levels())
def test_matrices_are_those_of_loops(levels) -> None:
    region = naive.region(levels)
    for direction in DIRECTIONS:
        matrix = run_length_matrix(region, direction)
        lengths = range(1, matrix.shape[1] + 1)
        assert naive.as_counter(matrix, region.levels, lengths) == naive.runs(levels, direction)


def test_the_example_of_the_manual() -> None:
    matrix = run_length_matrix(naive.region(MANUAL), (0, 0, 1))
    assert matrix[:, :2].tolist() == [[4, 0], [3, 1], [2, 1], [3, 0]]
    assert not matrix[:, 2:].any()


@settings(max_examples=25, deadline=None)
@given(naive.small_levels())
def test_only_directions_with_two_voxels_on_a_line_count(levels) -> None:
    found = run_lengths(naive.region(levels))
    used = [naive.runs(levels, step) for step in DIRECTIONS if naive.shares_a_line(levels, step)]
    if not used:
        assert all(math.isnan(value) for value in found.values())
        return
    longs = [sum(n * length**2 for (_, length), n in runs.items()) / sum(runs.values()) for runs in used]
    shares = [sum(runs.values()) / np.count_nonzero(levels) for runs in used]
    assert found["LongRunEmphasis"] == pytest.approx(np.mean(longs))
    assert found["RunPercentage"] == pytest.approx(np.mean(shares))


def test_voxels_with_a_gap_between_lie_on_a_line() -> None:
    levels = np.zeros((1, 1, 5), int)
    levels[0, 0, [0, 4]] = 1
    assert run_lengths(naive.region(levels))["ShortRunEmphasis"] == 1
    apart = np.zeros((1, 2, 4), int)
    apart[0, 0, 0] = apart[0, 1, 3] = 1  # a step along no direction
    assert math.isnan(run_lengths(naive.region(apart))["ShortRunEmphasis"])


def test_a_single_voxel_has_none_and_a_flat_row_is_one_run() -> None:
    assert all(math.isnan(value) for value in run_lengths(naive.region(np.array([[[3]]]))).values())
    flat = run_lengths(naive.region(np.full((1, 1, 4), 2)))
    assert (flat["LongRunEmphasis"], flat["RunPercentage"], flat["RunEntropy"]) == (16, 0.25, 0)
