import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from hnseg.radiomics.size_matrix import named, size_statistics

LEVELS, SIZES = np.array([1.0, 3.0, 4.0]), np.array([1.0, 2.0, 7.0, 9.0])


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=12, max_size=12).filter(any))
def test_statistics_are_those_of_loops(drawn) -> None:
    counts = {(level, size): drawn[i * 4 + j] for i, level in enumerate(LEVELS) for j, size in enumerate(SIZES)}
    total = sum(counts.values())

    def mean(function):
        return sum(n * function(level, size) for (level, size), n in counts.items()) / total

    def squares(axis, values):
        return sum(sum(n for key, n in counts.items() if key[axis] == value) ** 2 for value in values)

    expected = {
        "small": mean(lambda _, j: j**-2),
        "large": mean(lambda _, j: j**2),
        "low": mean(lambda i, _: i**-2),
        "high": mean(lambda i, _: i**2),
        "small low": mean(lambda i, j: 1 / (i * j) ** 2),
        "small high": mean(lambda i, j: (i / j) ** 2),
        "large low": mean(lambda i, j: (j / i) ** 2),
        "large high": mean(lambda i, j: (i * j) ** 2),
        "level non-uniformity": squares(0, LEVELS) / total,
        "level non-uniformity normalised": squares(0, LEVELS) / total**2,
        "size non-uniformity": squares(1, SIZES) / total,
        "size non-uniformity normalised": squares(1, SIZES) / total**2,
        "percentage": total / sum(n * size for (_, size), n in counts.items()),
        "level variance": mean(lambda i, _: (i - mean(lambda a, _: a)) ** 2),
        "size variance": mean(lambda _, j: (j - mean(lambda _, b: b)) ** 2),
        "entropy": -sum(n / total * math.log2(n / total) for n in counts.values() if n),
    }
    found = size_statistics(np.array(drawn, float).reshape(1, 3, 4), LEVELS, SIZES)
    assert {name: value.item() for name, value in found.items()} == pytest.approx(expected)


def test_the_mean_over_matrices_is_of_features_not_of_counts() -> None:
    counts = np.zeros((2, 3, 4))
    counts[0, 0, 0], counts[1, 0, 1] = 1, 100
    found = named(size_statistics(counts, LEVELS, SIZES), {"large": "LongRunEmphasis"})
    assert found == {"LongRunEmphasis": pytest.approx((1 + 4) / 2)}


def test_no_matrix_is_not_a_number() -> None:
    assert math.isnan(named(size_statistics(np.zeros((0, 3, 4)), LEVELS, SIZES), {"low": "x"})["x"])
