import numpy as np
import pytest
from hypothesis import given, settings

from hnseg.radiomics.tone_difference import tone_difference_matrix, tone_differences
from tests.radiomics import naive


@pytest.mark.parametrize("force_2d", [False, True])
@settings(max_examples=40, deadline=None)
@given(levels=naive.small_levels())
def test_matrices_are_those_of_loops(levels, force_2d) -> None:
    region = naive.region(levels, force_2d)
    counts, differences = tone_difference_matrix(region)
    expected, sums = naive.tone_differences(levels, force_2d)
    assert dict(zip(region.levels, counts, strict=True)) == expected
    assert dict(zip(region.levels, differences, strict=True)) == pytest.approx(sums)


@settings(max_examples=40, deadline=None)
@given(naive.small_levels())
def test_features_are_those_of_the_definitions(levels) -> None:
    counts, sums = naive.tone_differences(levels)
    p = {level: n / sum(counts.values()) for level, n in counts.items()}
    voxels, n = sum(counts.values()), len(p)
    weighted = sum(p[i] * sums[i] for i in p)
    squares = sum(p[i] * p[j] * (i - j) ** 2 for i in p for j in p)
    spans = sum(abs(i * p[i] - j * p[j]) for i in p for j in p)
    complexity = sum(abs(i - j) * (p[i] * sums[i] + p[j] * sums[j]) / (p[i] + p[j]) for i in p for j in p)
    strength = sum((p[i] + p[j]) * (i - j) ** 2 for i in p for j in p)
    total = sum(sums.values())
    assert tone_differences(naive.region(levels)) == pytest.approx(
        {
            "Busyness": weighted / spans if spans else 0,
            "Coarseness": 1 / weighted if weighted else 1e6,
            "Complexity": complexity / voxels,
            "Contrast": squares / (n * (n - 1)) * total / voxels if n > 1 else 0,
            "Strength": strength / total if total else 0,
        }
    )


def test_a_voxel_without_neighbours_counts_without_a_difference() -> None:
    levels = np.array([[[1, 3, 0, 0, 5]]])
    counts, differences = tone_difference_matrix(naive.region(levels))
    assert counts.tolist() == [1, 1, 1]
    assert differences.tolist() == [2, 2, 0]


def test_of_a_flat_region() -> None:
    flat = tone_differences(naive.region(np.full((2, 2, 2), 3)))
    assert flat == {"Busyness": 0, "Coarseness": 1e6, "Complexity": 0, "Contrast": 0, "Strength": 0}
