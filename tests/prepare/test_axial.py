import numpy as np
import pytest

from hnseg.prepare.axial import axial, axial_grid
from hnseg.types import AXIAL_DIRECTION, Grid, Volume

VOLUME = Volume(np.arange(2 * 3 * 4).reshape(2, 3, 4), Grid((2, 3, 4), (3.0, 2.0, 1.0), (-5.0, 7.0, 11.0)))


@pytest.mark.parametrize(
    ("order", "flips"), [((0, 1, 2), (0,)), ((2, 1, 0), ()), ((1, 2, 0), (1, 2)), ((0, 2, 1), (0, 1, 2))]
)
def test_however_it_is_stored_the_patient_is_seen_the_same_way(patient, order, flips):
    again = axial(patient.turned(VOLUME, order, flips))
    assert (again.array == VOLUME.array).all()
    assert again.grid.matches(VOLUME.grid, 1e-9)


def test_an_axial_scan_stays_and_an_oblique_one_stays_oblique():
    assert axial_grid(VOLUME.grid).matches(VOLUME.grid, 1e-12)
    angle = np.deg2rad(20)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    flipped = Grid((2, 3, 4), (3.0, 2.0, 1.0), (0.0, 0.0, 0.0), (turn @ AXIAL_DIRECTION) * [1, -1, 1])
    grid = axial_grid(flipped)
    assert np.allclose(grid.direction, turn @ AXIAL_DIRECTION)
    assert np.allclose(grid.to_lps_mm(np.array([0, 2, 0])), flipped.origin_mm)
