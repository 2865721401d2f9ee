import numpy as np
import pytest
from hypothesis import given, settings

from hnseg.radiomics.dependence import dependence_matrix, dependences
from tests.radiomics import naive


@pytest.mark.parametrize("force_2d", [False, True])
@settings(max_examples=40, deadline=None)
@given(levels=naive.small_levels())
def test_matrices_are_those_of_loops(levels, force_2d) -> None:
    region = naive.region(levels, force_2d)
    matrix = dependence_matrix(region)
    assert matrix.shape == (len(region.levels), 9 if force_2d else 27)
    assert naive.as_counter(matrix, region.levels, range(1, matrix.shape[1] + 1)) == naive.dependences(levels, force_2d)


def test_by_hand() -> None:
    matrix = dependence_matrix(naive.region(np.array([[[1, 1, 2], [2, 1, 2]]])))
    assert matrix[:, :3].tolist() == [[0, 0, 3], [1, 2, 0]]
    assert not matrix[:, 3:].any()


def test_of_a_flat_region_and_a_single_voxel() -> None:
    flat = dependences(naive.region(np.full((3, 3, 3), 2)))
    sizes = [27] + [18] * 6 + [12] * 12 + [8] * 8
    assert flat["LargeDependenceEmphasis"] == pytest.approx(np.mean(np.square(sizes)))
    single = dependences(naive.region(np.array([[[3]]])))
    assert (single["SmallDependenceEmphasis"], single["HighGrayLevelEmphasis"]) == (1, 9)
