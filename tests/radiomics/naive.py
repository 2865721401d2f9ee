"""Texture matrices by loops over voxels, as their definitions read."""

from collections import Counter
from itertools import product

import numpy as np
from hypothesis import strategies as st

from hnseg.radiomics.region import Region

NEIGHBOURS = [step for step in product((-1, 0, 1), repeat=3) if any(step)]


def small_levels():
    """(Z, Y, X) grey levels up to 5, 0 outside of the mask, at least one inside."""
    shapes = st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))
    return st.tuples(shapes, st.integers(0, 2**32 - 1), st.sampled_from([0.2, 0.6, 1.0])).map(_levels)


def _levels(drawn):
    shape, seed, filled = drawn
    rng = np.random.default_rng(seed)
    levels = rng.choice([1, 2, 3, 5], shape) * (rng.random(shape) < filled)
    levels.flat[rng.integers(levels.size)] = 2
    return levels


def region(levels, force_2d=False):
    """Of a (Z, Y, X) array with 0 outside."""
    inside = levels > 0
    return Region.of(inside, levels[inside], force_2d)


def at(levels, place):
    """The level at a place, 0 outside of the array."""
    return int(levels[place]) if all(0 <= i < n for i, n in zip(place, levels.shape, strict=True)) else 0


def voxels(levels):
    return [tuple(int(i) for i in place) for place in np.argwhere(levels > 0)]


def beside(place, step, times=1):
    return tuple(i + times * s for i, s in zip(place, step, strict=True))


def steps(force_2d):
    return [step for step in NEIGHBOURS if not (force_2d and step[0])]


def co_occurrences(levels, step):
    """Of a direction and its opposite."""
    pairs = Counter()
    for place in voxels(levels):
        for sign in (1, -1):
            if other := at(levels, beside(place, step, sign)):
                pairs[at(levels, place), other] += 1
    return pairs


def runs(levels, step):
    """(level, length) of every run."""
    found = Counter()
    for place in voxels(levels):
        level = at(levels, place)
        if at(levels, beside(place, step, -1)) == level:
            continue
        length = 1
        while at(levels, beside(place, step, length)) == level:
            length += 1
        found[level, length] += 1
    return found


def shares_a_line(levels, step):
    """Whether any two voxels lie on one line along a direction."""
    reach = range(1, max(levels.shape))
    return any(at(levels, beside(place, step, times)) for place in voxels(levels) for times in reach)


def zones(levels, force_2d=False):
    """(level, size) of every zone."""
    left, found = set(voxels(levels)), Counter()
    while left:
        todo, size = [left.pop()], 0
        level = at(levels, todo[0])
        while todo:
            place, size = todo.pop(), size + 1
            for step in steps(force_2d):
                other = beside(place, step)
                if other in left and at(levels, other) == level:
                    left.remove(other)
                    todo.append(other)
        found[level, size] += 1
    return found


def dependences(levels, force_2d=False):
    """(level, 1 + neighbours of the same level) of every voxel."""
    return Counter(
        (
            at(levels, place),
            1 + sum(at(levels, beside(place, step)) == at(levels, place) for step in steps(force_2d)),
        )
        for place in voxels(levels)
    )


def tone_differences(levels, force_2d=False):
    """Level to its voxels and the sum of their differences."""
    counts, sums = Counter(), Counter()
    for place in voxels(levels):
        around = [other for step in steps(force_2d) if (other := at(levels, beside(place, step)))]
        counts[at(levels, place)] += 1
        sums[at(levels, place)] += abs(at(levels, place) - sum(around) / len(around)) if around else 0
    return counts, sums


def as_counter(matrix, levels, sizes):
    """A (levels, sizes) matrix as the loops give it."""
    return Counter(
        {
            (int(level), int(size)): int(matrix[i, j])
            for i, level in enumerate(levels)
            for j, size in enumerate(sizes)
            if matrix[i, j]
        }
    )
