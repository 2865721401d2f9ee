"""Survival trees as plain arrays, and how patients walk down them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hnseg.survival.models.curves import read_times
from hnseg.survival.state import State

LEAF = 0  # the first node of all is a root and nobody's child
KIND = "survival trees"
_KEYS = ("nodes", "left", "right", "feature", "threshold", "times_days", "hazard", "survival")


@dataclass(frozen=True, eq=False)
class Trees:
    """Trees one after the other; a node's children come after it.

    Attributes:
        nodes: (trees,) how many each has; its first node is the root.
        left: (all nodes,) where to go if the feature is at most the threshold, counted over all trees; LEAF in leaves.
        right: (all nodes,) where to go otherwise; LEAF in leaves.
        feature: (all nodes,) column that is looked at; 0 in leaves.
        threshold: (all nodes,) 0 in leaves.
        times_days: (times,) of the events among the training patients, rising.
        hazard: (leaves, times) cumulative hazard (Nelson-Aalen) of a leaf's training patients.
        survival: (leaves, times) their survival (Kaplan-Meier).
    """

    nodes: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: NDArray[np.float64]
    times_days: NDArray[np.float64]
    hazard: NDArray[np.float64]
    survival: NDArray[np.float64]

    @property
    def roots(self) -> NDArray[np.int64]:
        return np.cumsum(self.nodes) - self.nodes

    def leaves(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """(n, trees) in which leaf each patient ends up, as a row of ``hazard``.

        Values are rounded to float32 first, because that is what the thresholds were chosen on.
        """
        single, row = values.astype(np.float32).ravel(), np.arange(len(values))[:, None] * values.shape[1]
        leaf, own = self.left == LEAF, np.arange(len(self.left))
        # a leaf leads to itself, so all walk on until nobody moves; right and left of a node stand side by side
        onward = np.stack([np.where(leaf, own, self.right), np.where(leaf, own, self.left)], axis=1).ravel()
        place = np.tile(self.roots, (len(values), 1))
        while True:
            goes_left = single.take(row + self.feature.take(place)) <= self.threshold.take(place)
            following = onward.take(2 * place + goes_left)
            if np.array_equal(following, place):
                number: NDArray[np.int64] = np.cumsum(leaf) - 1
                return number.take(place)
            place = following

    def mean(self, table: NDArray[np.float64], leaves: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n, ...) the mean over trees of a table with a row a leaf; tree by tree, to need little memory."""
        total = np.zeros((len(leaves), *table.shape[1:]))
        for column in leaves.T:
            total += table[column]
        return total / leaves.shape[1]

    def to_plain(self) -> dict[str, Any]:
        return {"kind": KIND, **{key: getattr(self, key) for key in _KEYS}}

    @classmethod
    def from_plain(cls, plain: Any, features: int) -> Self:
        """The trees that :meth:`to_plain` wrote, of a model with so many features.

        Raises:
            ValueError: it is no such state; a tree is no tree or asks for a feature that there is not.
        """
        state = State(plain, KIND, _KEYS)
        times = read_times(state, "times_days")
        total = (len(state.array("threshold", (None,))),)
        nodes = state.places("nodes", (None,), total[0] + 1)
        left, right = state.places("left", total, total[0]), state.places("right", total, total[0])
        _check_structure(state, nodes, left, right)
        feature, threshold = state.places("feature", total, features), state.array("threshold", total)
        shape = (int((left == LEAF).sum()), len(times))
        hazard, survival = state.array("hazard", shape), state.array("survival", shape)
        if (np.diff(hazard, axis=1, prepend=0.0) < 0).any():
            raise state.refuse("hazard", "at least 0 and must not fall over time")
        if (np.diff(survival, axis=1, prepend=1.0) > 0).any() or (survival < 0).any():
            raise state.refuse("survival", "within 0 and 1 and must not rise over time")
        return cls(nodes, left, right, feature, threshold, times, hazard, survival)


def _check_structure(state: State, nodes: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]) -> None:
    """Whoever walks comes to an end, in the tree in which the walk began."""
    if len(nodes) == 0 or (nodes == 0).any() or nodes.sum() != len(left):
        raise state.refuse("nodes", "how many nodes each of the trees has")
    parents = np.flatnonzero(left != LEAF)
    if not np.array_equal(parents, np.flatnonzero(right != LEAF)):
        raise state.refuse("right", "there where left is")
    children, ends = np.concatenate([left[parents], right[parents]]), np.cumsum(nodes)
    last = np.repeat(ends, nodes)[parents]
    if (children <= np.tile(parents, 2)).any() or (children >= np.tile(last, 2)).any():
        raise state.refuse("left", "such that children come after their parent, in the same tree")
    if not np.array_equal(np.sort(children), np.setdiff1d(np.arange(len(left)), ends - nodes)):
        raise state.refuse("left", "such that every node but the roots is the child of one other")


def taken_apart(forest: Any) -> Trees:
    """The trees of a fitted ``RandomSurvivalForest`` of scikit-survival."""
    trees = [estimator.tree_ for estimator in forest.estimators_]
    nodes = np.array([tree.node_count for tree in trees], dtype=np.int64)
    leaf = np.concatenate([tree.children_left for tree in trees]) < 0
    shift = np.repeat(np.cumsum(nodes) - nodes, nodes)
    left, right = (
        np.where(leaf, LEAF, np.concatenate([getattr(tree, f"children_{side}") for tree in trees]) + shift)
        for side in ("left", "right")
    )
    feature = np.where(leaf, 0, np.concatenate([tree.feature for tree in trees]))
    threshold = np.where(leaf, 0.0, np.concatenate([tree.threshold for tree in trees]))
    # nothing changes between events, so the times at which follow-up alone ended are left out
    values = np.concatenate([tree.value[tree.children_left < 0][:, forest.is_event_time_] for tree in trees])
    times = forest.unique_times_[forest.is_event_time_].astype(np.float64)
    hazard, survival = (np.ascontiguousarray(values[..., curve]) for curve in (0, 1))
    return Trees(nodes, left, right, feature, threshold, times, hazard, survival)
