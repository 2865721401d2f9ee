import numpy as np
import pytest

from hnseg.geometry import resample
from hnseg.inference.parts import SLAB_SLICES, as_slices, covered_part, cut_into_slabs, needed_slices, start_on, union
from hnseg.types import AXIAL_DIRECTION, Grid, Volume

PREPARED = Grid((24, 20, 22), (1.0, 1.0, 1.0), (3.0, -4.0, 5.0))


def test_covered_part_holds_exactly_the_voxels_inside():
    image = Grid((60, 50, 40), (1.0, 1.0, 1.0), (-7.0, -9.0, -11.0))
    start, shape = covered_part(PREPARED, image)
    assert start == (16, 5, 10)
    assert shape == PREPARED.shape_zyx
    assert covered_part(PREPARED, Grid((4, 4, 4), (1.0, 1.0, 1.0), (500.0, 0.0, 0.0))) is None


def test_union_is_the_smallest_block_that_holds_all():
    assert union([((1, 2, 3), (4, 4, 4)), ((0, 5, 3), (2, 6, 1))]) == ((0, 2, 3), (5, 9, 4))
    assert union([((1, 2, 3), (4, 5, 6))]) == ((1, 2, 3), (4, 5, 6))
    assert union([]) is None


@pytest.mark.parametrize("depth", [1, SLAB_SLICES, 3 * SLAB_SLICES + 1])
def test_slabs_are_the_block_and_nothing_twice(depth):
    touched = np.zeros((40, 4, 5), int)
    slabs = list(cut_into_slabs(((2, 1, 0), (depth, 3, 4))))
    for slab in slabs:
        touched[as_slices(slab)] += 1
        assert slab[1][0] <= SLAB_SLICES
    expected = np.zeros_like(touched)
    expected[2 : 2 + depth, 1:4, 0:4] = 1
    assert np.array_equal(touched, expected)
    assert not list(cut_into_slabs(None))


@pytest.mark.parametrize("degrees", [(0, 0, 0), (9, -5, 14)])
def test_other_slices_than_the_needed_ones_change_nothing(degrees, rotation):
    target = Grid((3, 9, 8), (2.0, 1.1, 0.9), (8.0, 2.0, 13.3), rotation(degrees) @ AXIAL_DIRECTION)
    values = np.random.default_rng(0).normal(size=PREPARED.shape_zyx).astype(np.float32)
    needed = needed_slices(PREPARED, target)
    other = np.full_like(values, 1e6)
    other[needed] = values[needed]
    expected, found = (resample(Volume(array, PREPARED), target).array for array in (values, other))
    assert np.array_equal(found, expected)
    assert needed.stop - needed.start <= 10 < PREPARED.shape_zyx[0]


def test_where_voxels_lie_on_voxels():
    assert start_on(PREPARED, PREPARED) == (0, 0, 0)
    assert start_on(PREPARED, PREPARED.crop((2, 3, 4), (5, 6, 7))) == (2, 3, 4)
    assert start_on(PREPARED, PREPARED.crop((20, 0, 0), (5, 6, 7))) is None  # sticks out
    assert start_on(PREPARED, PREPARED.crop((-1, 0, 0), (5, 6, 7))) is None
    for origin, spacing, direction in [
        ((3.0, -4.0, 5.01), (1.0, 1.0, 1.0), AXIAL_DIRECTION),
        ((3.0, -4.0, 5.0), (1.0, 1.0, 1.001), AXIAL_DIRECTION),
        ((3.0, -4.0, 28.0), (1.0, 1.0, 1.0), AXIAL_DIRECTION * np.array([-1, 1, 1])),
    ]:
        assert start_on(PREPARED, Grid((24, 20, 22), spacing, origin, direction)) is None
