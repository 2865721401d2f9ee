import numpy as np
import pytest

from hnseg.survival.models.trees import KIND, Trees

# x1 <= 0.5? leaf 0, else x0 <= 2? leaf 1, else leaf 2; and a second tree that is a leaf alone
PLAIN = {
    "kind": KIND,
    "nodes": np.array([5, 1]),
    "left": np.array([1, 0, 3, 0, 0, 0]),
    "right": np.array([2, 0, 4, 0, 0, 0]),
    "feature": np.array([1, 0, 0, 0, 0, 0]),
    "threshold": np.array([0.5, 0, 2, 0, 0, 0]),
    "times_days": np.array([10.0, 20.0]),
    "hazard": np.array([[0.1, 0.1], [0.2, 0.4], [0.0, 1.0], [0.3, 0.6]]),
    "survival": np.array([[0.9, 0.9], [0.8, 0.6], [1.0, 0.0], [0.7, 0.4]]),
}


def changed(key, index, value):
    array = PLAIN[key].copy()
    array[index] = value
    return {**PLAIN, key: array}


def test_patients_walk_as_by_hand():
    trees = Trees.from_plain(PLAIN, features=2)
    values = np.array([[9.0, 0.5], [2.0, 0.6], [2.1, 0.6]])
    leaves = trees.leaves(values)
    assert leaves.tolist() == [[0, 3], [1, 3], [2, 3]]
    np.testing.assert_allclose(trees.mean(trees.survival, leaves), [[0.8, 0.65], [0.75, 0.5], [0.85, 0.2]])
    assert trees.leaves(values[:0]).shape == (0, 2)


def test_values_are_compared_as_float32():
    trees = Trees.from_plain(changed("threshold", 0, float(np.float32(0.1))), features=2)
    # 0.1 is below its neighbour in float32 and equal to it once it is rounded itself
    above = np.float64(np.float32(0.1)) + 1e-10
    assert trees.leaves(np.array([[0.0, above]]))[0, 0] == 0


def test_what_was_written_is_read():
    plain = Trees.from_plain(PLAIN, features=2).to_plain()
    assert set(plain) == set(PLAIN)
    assert all(np.array_equal(plain[key], PLAIN[key]) for key in PLAIN)


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        (changed("left", 2, 2), "after their parent"),  # a node that leads to itself
        (changed("right", 2, 1), "after their parent"),  # a cycle
        (changed("right", 2, 5), "after their parent, in the same tree"),
        (changed("right", 2, 6), "whole numbers from 0 to 5"),
        (changed("left", 0, -1), "whole numbers"),
        (changed("right", 0, 3), "child of one other"),  # two parents
        (changed("right", 2, 0), "there where left is"),
        (changed("feature", 0, 2), "from 0 to 1"),
        (changed("threshold", 0, np.nan), "finite"),
        (changed("nodes", 0, 4), "how many nodes"),
        (changed("nodes", slice(None), [6, 0]), "how many nodes"),
        ({**PLAIN, "nodes": np.array([], dtype=int)}, "how many nodes"),
        (changed("hazard", (0, 1), 0.05), "must not fall"),
        (changed("survival", (0, 0), 1.1), "must not rise"),
        (changed("survival", (2, 1), -0.1), "within 0 and 1"),
        (changed("times_days", 0, 20.0), "rise"),
        ({**PLAIN, "survival": PLAIN["survival"][:3]}, "shape"),
        ({**PLAIN, "threshold": "0.5"}, "array"),
        ({key: PLAIN[key] for key in PLAIN if key != "left"}, "left"),
        (None, "saved state"),
    ],
)
def test_trees_that_are_none_are_refused(plain, message):
    with pytest.raises(ValueError, match=message):
        Trees.from_plain(plain, features=2)
