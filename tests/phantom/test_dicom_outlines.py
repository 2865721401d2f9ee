import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.path import Path as Outline

from hnseg.phantom.dicom_outlines import mask_outlines
from hnseg.types import Grid

GRID = Grid((1, 7, 8), (3.0, 2.0, 2.5), (10.0, -20.0, 30.0))


def inside(polygons):
    """Voxels that lie inside an odd number of outlines."""
    points = GRID.to_lps_mm(np.stack(np.indices(GRID.shape_zyx), axis=-1).reshape(-1, 3))[:, :2]
    found = np.zeros(len(points), bool)
    for polygon in polygons:
        closed = np.vstack([polygon, polygon[:1]])
        crossed = np.zeros(len(points), bool)
        for (x1, y1), (x2, y2) in zip(closed[:-1, :2], closed[1:, :2], strict=True):
            spans = (y1 > points[:, 1]) != (y2 > points[:, 1])
            if y1 != y2:
                crossed ^= spans & (points[:, 0] < x1 + (points[:, 1] - y1) / (y2 - y1) * (x2 - x1))
        found ^= crossed
    return found.reshape(GRID.shape_zyx)


@pytest.mark.parametrize("keyhole", [True, False])
@settings(max_examples=30, deadline=None)
@given(mask=arrays(bool, GRID.shape_zyx, elements=st.booleans()))
def test_outlines_hold_exactly_the_voxels_of_any_mask(keyhole, mask):
    found = list(mask_outlines(mask, GRID, keyhole))
    assert all(index == 0 for index, _ in found)
    np.testing.assert_array_equal(inside([polygon for _, polygon in found]), mask)


def test_a_hole_with_an_island_has_one_outline_less_with_a_channel():
    mask = np.zeros(GRID.shape_zyx, bool)
    mask[0, 1:6, 1:6] = True
    mask[0, 2:5, 2:5] = False
    mask[0, 3, 3] = True
    assert len(list(mask_outlines(mask, GRID, keyhole=False))) == 3
    ring, island = sorted((polygon for _, polygon in mask_outlines(mask, GRID, keyhole=True)), key=len, reverse=True)
    assert Outline(ring[:, :2]).get_extents().width == pytest.approx(5 * 2.5)
    np.testing.assert_allclose(island.mean(axis=0), GRID.to_lps_mm(np.array([0, 3, 3])))
