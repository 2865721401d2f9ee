import numpy as np
import pytest

from hnseg.clicks import on_grid
from hnseg.types import Click, Grid

TURNED = np.array([[0.0, 0.6, 0.8], [0.0, -0.8, 0.6], [1.0, 0.0, 0.0]])
GRID = Grid((20, 30, 40), (3.0, 2.0, 1.0), (-10.0, 5.0, 100.0), TURNED)


def test_clicks_land_on_the_voxel_that_lies_there():
    index = np.array([[4.0, 7.0, 9.0], [0.25, -3.0, 39.5], [2.0, 2.0, 2.0]])
    names = ("GTVp", None, "GTVn")
    clicks = [Click(tuple(at), name) for at, name in zip(GRID.to_lps_mm(index), names, strict=True)]
    placed = on_grid(clicks, GRID, ("GTVp", "GTVn"))
    np.testing.assert_allclose(placed.index, index, atol=1e-9)  # outside stays outside
    assert placed.values.tolist() == [1, 0, 2]
    assert placed.values.dtype == np.uint8
    assert placed.spacing_mm == GRID.spacing_mm


def test_an_unrotated_grid_worked_by_hand():
    grid = Grid((10, 10, 10), (3.0, 2.0, 1.0), (-10.0, 5.0, 100.0))
    placed = on_grid([Click((-8.5, 9.0, 106.0), "GTVp")], grid, ("GTVp",))
    np.testing.assert_allclose(placed.index, [[2.0, 2.0, 1.5]])


def test_no_clicks_are_none():
    placed = on_grid([], GRID, ("GTVp",))
    assert placed.index.shape == (0, 3)
    assert placed.spacing_mm == GRID.spacing_mm


def test_an_unknown_structure_is_refused_with_what_there_is():
    with pytest.raises(ValueError, match=r"'GTVx'.*GTVp.*GTVn"):
        on_grid([Click((0.0, 0.0, 0.0), None), Click((1.0, 2.0, 3.0), "GTVx")], GRID, ("GTVp", "GTVn"))
