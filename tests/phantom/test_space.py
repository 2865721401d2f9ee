import numpy as np
import pytest

from hnseg.phantom.noise import SmoothNoise, generator
from hnseg.phantom.shapes import Ellipsoid
from hnseg.phantom.space import Pose, Space
from hnseg.types import Grid

RANDOM = generator(1, 1, "warp")
WARP = tuple(SmoothNoise.draw(RANDOM, 150.0) for _ in range(3))
GRID = Grid((40, 50, 45), (5.0, 4.0, 4.5), (-95.0, -110.0, -120.0))


def pose(turn=(0.0, 0.0, 0.0), warp_mm=0.0, scale=1.0, stretch=1.0):
    return Pose((0.0, 0.0, 0.0), scale, turn, stretch, WARP, warp_mm)


def test_without_pose_and_warp_anatomy_is_the_scanner():
    space = Space(GRID, pose())
    world = GRID.to_lps_mm(np.stack(np.indices(GRID.shape_zyx), axis=-1))
    np.testing.assert_allclose(np.stack([space.x, space.y, space.z], axis=-1), world, atol=1e-3)


def test_size_and_neck_length_are_undone():
    p = pose(scale=2.0, stretch=1.25).to_anatomy(np.array([[20.0, 0, 0], [0, 0, -320.0]]))
    np.testing.assert_allclose(p, [[10, 0, 0], [0, 0, -60 - 100 / 1.25]])


def test_the_head_turns_and_the_shoulders_do_not():
    moved = pose(turn=(0.2, 0.0, 0.0)).to_anatomy(np.array([[0.0, 0, 60], [0, 0, -200.0]]))
    assert abs(moved[0, 1]) > 15
    np.testing.assert_allclose(moved[1], [0, 0, -200])


@pytest.mark.parametrize("turn", [(0.17, 0.07, 0.1), (-0.17, -0.07, 0.1)], ids=str)  # as far as patients turn
def test_there_is_a_way_back_to_the_scanner(turn):
    tilted = pose(turn=turn, warp_mm=1.6, scale=0.88, stretch=1.08)
    points = RANDOM.uniform((-90, -110, -260), (90, 100, 110), (200, 3))
    np.testing.assert_allclose(tilted.to_anatomy(tilted.to_scanner(points)), points, atol=1e-3)
    assert tilted.to_scanner(points[0]).shape == (3,)


def test_interpolating_between_nodes_costs_less_than_a_millimetre():
    tilted = pose(turn=(0.15, 0.05, 0.08), warp_mm=1.6, scale=0.95, stretch=1.06)
    space = Space(GRID, tilted)
    exact = tilted.to_anatomy(GRID.to_lps_mm(np.stack(np.indices(GRID.shape_zyx), axis=-1)))
    assert np.abs(np.stack([space.x, space.y, space.z], axis=-1) - exact).max() < 0.8


@pytest.mark.parametrize("center", [(0, 0, 0), (60, -40, 50), (-90, 80, -110)])
def test_near_finds_every_voxel_of_a_shape(center):
    space = Space(GRID, pose(turn=(0.15, 0.05, 0.1), warp_mm=1.6))
    shape = Ellipsoid(center, (6, 7, 8))
    inside = shape.distance(space.x, space.y, space.z) < 3
    box = space.near(shape, 3.0)
    assert box is not None
    found = np.zeros_like(inside)
    found[box] = True
    assert inside.any()
    assert not (inside & ~found).any()


def test_near_says_when_a_shape_is_out_of_view():
    assert Space(GRID, pose()).near(Ellipsoid((500, 0, 0), (5, 5, 5))) is None
