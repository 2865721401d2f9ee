import math

import numpy as np
import pytest
from hypothesis import given, settings

from hnseg.radiomics.glcm import NAMES, co_occurrence_matrix, co_occurrences
from hnseg.radiomics.region import DIRECTIONS, IN_PLANE
from tests.radiomics import naive

MANUAL = np.array([[[1, 2, 2, 3], [1, 2, 3, 3], [4, 2, 4, 1], [4, 1, 2, 3]]])
"""The example of the IBSI's reference manual (arXiv:1612.07003)."""


def features_by_definition(pairs):
    """The definitions one by one, in loops, of one symmetric matrix."""
    total = sum(pairs.values())
    p = {pair: count / total for pair, count in pairs.items()}
    levels = sorted({i for i, _ in p})
    own = {i: sum(value for (a, _), value in p.items() if a == i) for i in levels}
    plus, minus = {}, {}
    for (i, j), value in p.items():
        plus[i + j] = plus.get(i + j, 0) + value
        minus[abs(i - j)] = minus.get(abs(i - j), 0) + value
    mean = sum(i * value for i, value in own.items())
    variance = sum((i - mean) ** 2 * value for i, value in own.items())
    difference = sum(k * value for k, value in minus.items())

    def entropy(values):
        return -sum(value * math.log2(value) for value in values)

    def over(function):
        return sum(function(i, j) * value for (i, j), value in p.items())

    joint = entropy(p.values())
    independent = {(i, j): own[i] * own[j] for i in levels for j in levels}
    crossed = -over(lambda i, j: math.log2(own[i] * own[j]))
    q = np.array(
        [[sum(p.get((i, k), 0) * p.get((j, k), 0) / (own[i] * own[k]) for k in levels) for j in levels] for i in levels]
    )
    eigenvalues = sorted(np.linalg.eigvals(q).real)
    return {
        "Autocorrelation": over(lambda i, j: i * j),
        "ClusterProminence": over(lambda i, j: (i + j - 2 * mean) ** 4),
        "ClusterShade": over(lambda i, j: (i + j - 2 * mean) ** 3),
        "ClusterTendency": over(lambda i, j: (i + j - 2 * mean) ** 2),
        "Contrast": over(lambda i, j: (i - j) ** 2),
        "Correlation": over(lambda i, j: (i - mean) * (j - mean)) / variance if variance > 1e-12 else 1,
        "DifferenceAverage": difference,
        "DifferenceEntropy": entropy(minus.values()),
        "DifferenceVariance": sum((k - difference) ** 2 * value for k, value in minus.items()),
        "Id": over(lambda i, j: 1 / (1 + abs(i - j))),
        "Idm": over(lambda i, j: 1 / (1 + (i - j) ** 2)),
        "Imc1": (joint - crossed) / entropy(own.values()) if len(levels) > 1 else 0,
        "Imc2": math.sqrt(max(0, 1 - math.exp(-2 * (entropy(independent.values()) - joint)))),
        "InverseVariance": over(lambda i, j: 1 / (i - j) ** 2 if i != j else 0),
        "JointAverage": mean,
        "JointEnergy": sum(value**2 for value in p.values()),
        "JointEntropy": joint,
        "MCC": math.sqrt(max(0, eigenvalues[-2])) if len(levels) > 1 else None,
        "MaximumProbability": max(p.values()),
        "SumAverage": sum(k * value for k, value in plus.items()),
        "SumEntropy": entropy(plus.values()),
        "SumSquares": variance,
    }


@settings(max_examples=40, deadline=None)
@given(naive.small_levels())
def test_matrices_are_those_of_loops(levels) -> None:
    region = naive.region(levels)
    for direction in DIRECTIONS:
        matrix = co_occurrence_matrix(region, direction)
        assert naive.as_counter(matrix, region.levels, region.levels) == naive.co_occurrences(levels, direction)


def test_the_example_of_the_manual() -> None:
    matrix = co_occurrence_matrix(naive.region(MANUAL), (0, 0, 1))
    assert matrix.tolist() == [[0, 3, 0, 2], [3, 2, 3, 2], [0, 3, 2, 0], [2, 2, 0, 0]]


@pytest.mark.parametrize("force_2d", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_features_are_means_over_directions_of_the_definitions(seed, force_2d) -> None:
    rng = np.random.default_rng(seed)
    levels = rng.choice([1, 2, 4, 7], (3, 4, 5)) * (rng.random((3, 4, 5)) < 0.8)
    found = co_occurrences(naive.region(levels, force_2d))
    each = [
        features_by_definition(naive.co_occurrences(levels, step)) for step in (IN_PLANE if force_2d else DIRECTIONS)
    ]
    for name in each[0]:
        assert found[name] == pytest.approx(np.mean([one[name] for one in each]), rel=1e-9, abs=1e-7), name
    assert set(found) == set(NAMES) == set(each[0]) | {"Idn", "Idmn"}


def test_normalised_inverse_differences_divide_by_the_highest_level() -> None:
    found = co_occurrences(naive.region(np.array([[[1, 5, 1, 1]]])))  # (1, 5) four times, (1, 1) twice
    assert found["Idn"] == pytest.approx((4 / (1 + 4 / 5) + 2) / 6)
    assert found["Idmn"] == pytest.approx((4 / (1 + 16 / 25) + 2) / 6)


def test_a_direction_without_neighbours_is_left_out() -> None:
    line = np.array([[[1, 1, 2, 2, 3]]])
    found = co_occurrences(naive.region(line))
    assert found["Contrast"] == pytest.approx(features_by_definition(naive.co_occurrences(line, (0, 0, 1)))["Contrast"])


def test_of_a_flat_region_and_a_single_voxel() -> None:
    flat = co_occurrences(naive.region(np.full((2, 3, 3), 4)))
    assert {name: flat[name] for name in ("Correlation", "MCC", "Imc1", "Imc2", "JointEntropy", "JointEnergy")} == {
        "Correlation": 1, "MCC": 1, "Imc1": 0, "Imc2": 0, "JointEntropy": 0, "JointEnergy": 1
    }  # fmt: skip
    assert flat["Autocorrelation"] == 16
    single = co_occurrences(naive.region(np.array([[[3]]])))
    assert len(single) == 24
    assert all(math.isnan(value) for value in single.values())
