import numpy as np
import pytest
from hypothesis import given, settings

from hnseg.radiomics.size_zones import size_zone_matrix, size_zones
from tests.radiomics import naive
from tests.radiomics.test_glcm import MANUAL


@pytest.mark.parametrize("force_2d", [False, True])
@settings(max_examples=60, deadline=None)
@given(levels=naive.small_levels())
def test_matrices_are_those_of_loops(levels, force_2d) -> None:
    region = naive.region(levels, force_2d)
    matrix, sizes = size_zone_matrix(region)
    assert naive.as_counter(matrix, region.levels, sizes) == naive.zones(levels, force_2d)


def test_the_example_of_the_manual() -> None:
    matrix, sizes = size_zone_matrix(naive.region(MANUAL))
    assert sizes.tolist() == [1, 2, 3, 5]
    assert matrix.tolist() == [[2, 1, 0, 0], [0, 0, 0, 1], [1, 0, 1, 0], [1, 1, 0, 0]]


def test_within_slices_a_zone_ends_at_the_slice() -> None:
    flat = np.full((3, 2, 2), 2)
    assert size_zones(naive.region(flat))["LargeAreaEmphasis"] == 144
    assert size_zones(naive.region(flat, force_2d=True))["LargeAreaEmphasis"] == 16


def test_of_a_single_voxel() -> None:
    found = size_zones(naive.region(np.array([[[3]]])))
    assert (found["ZonePercentage"], found["ZoneEntropy"], found["SmallAreaEmphasis"]) == (1, 0, 1)
