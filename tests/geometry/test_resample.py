import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

from hnseg.geometry import resample
from hnseg.types import AXIAL_DIRECTION, Grid, Volume

MODES = ("nearest", "linear", "bspline")


def rotated(angles_degrees, mirror_axis=None):
    direction = Rotation.from_euler("xyz", angles_degrees, degrees=True).as_matrix() @ AXIAL_DIRECTION
    if mirror_axis is not None:
        direction[:, mirror_axis] *= -1
    return direction


def noise(grid, dtype=np.float32):
    return Volume((np.random.default_rng(0).normal(size=grid.shape_zyx) * 100).astype(dtype), grid)


def ramp(grid, slope_per_mm=(0.5, -1.25, 2.0), offset=7.0):
    """An image that is a linear function of LPS position: interpolation must reproduce it exactly."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_zyx], indexing="ij"), axis=-1)
    return Volume((grid.to_lps_mm(index) @ np.asarray(slope_per_mm) + offset).astype(np.float32), grid)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("direction", [AXIAL_DIRECTION, rotated((10, -25, 160), 0)])
def test_own_grid_gives_the_same_values(mode, direction):
    volume = noise(Grid((9, 10, 11), (3.0, 0.9, 1.1), (-100.0, 20.0, 5.0), direction))
    np.testing.assert_allclose(resample(volume, volume.grid, mode).array, volume.array, atol=1e-3)


@pytest.mark.parametrize("mode", MODES)
def test_translation_by_whole_voxels_shifts_and_fills(mode):
    volume = noise(Grid((8, 8, 8), (2.0, 1.0, 1.0)))
    moved = resample(volume, volume.grid.crop((1, 0, -2), (8, 8, 8)), mode, fill=-1024)
    np.testing.assert_allclose(moved.array[:7, :, 2:], volume.array[1:, :, :6], atol=1e-3)
    assert (moved.array[7] == -1024).all()
    assert (moved.array[:, :, :2] == -1024).all()


@pytest.mark.parametrize("mode", ["linear", "bspline"])
def test_oblique_grids_agree_on_where_things_are(mode):
    source = Grid((30, 32, 34), (2.0, 1.5, 1.0), (-20.0, -24.0, -30.0), rotated((20, 10, -30), 2))
    centre = source.to_lps_mm(np.array([14.5, 15.5, 16.5]))
    direction = rotated((-15, 35, 70))
    start = centre - direction @ (np.array([0.8, 1.2, 0.7]) * 4.5)
    target = Grid((10, 10, 10), (0.8, 1.2, 0.7), tuple(start), direction)
    np.testing.assert_allclose(resample(ramp(source), target, mode).array, ramp(target).array, atol=2e-3)


def test_linear_equals_scipy_within_the_outer_voxel_centres():
    volume = noise(Grid((12, 13, 14), (2.0, 1.0, 1.5), (3.0, 4.0, 5.0), rotated((5, 5, 5))))
    target = Grid((6, 6, 6), (1.1, 1.2, 1.3), tuple(volume.grid.to_lps_mm(np.array([4, 4, 4]))), rotated((0, 20, 0)))
    index = np.stack(np.meshgrid(*[np.arange(6)] * 3, indexing="ij"), axis=-1)
    where = np.moveaxis(volume.grid.to_index_zyx(target.to_lps_mm(index)), -1, 0)
    assert where.min() > 0
    expected = map_coordinates(volume.array, where, order=1)
    np.testing.assert_allclose(resample(volume, target).array, expected, atol=1e-2)


def test_the_outer_half_voxel_is_inside_and_what_lies_beyond_is_fill():
    volume = Volume(np.full((4, 4, 4), 5, np.float32), Grid((4, 4, 4), (1.0, 1.0, 1.0)))
    along_x = Grid((1, 1, 3), (1.0, 1.0, 0.2), (-0.8, 1.0, 1.0))  # x = -0.8, -0.6, -0.4
    assert resample(volume, along_x, fill=-1).array.ravel().tolist() == [-1, -1, 5]


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int16, np.float64])
def test_nearest_keeps_the_type_and_invents_no_value(dtype):
    volume = noise(Grid((6, 6, 6), (1.0, 1.0, 1.0)), dtype)
    out = resample(volume, Grid((9, 9, 9), (0.6, 0.6, 0.6)), "nearest")
    assert out.array.dtype == dtype
    assert set(np.unique(out.array)) <= set(np.unique(volume.array)) | {0}
    assert resample(volume, volume.grid, "linear").array.dtype == np.float32


@pytest.mark.parametrize("mode", MODES)
def test_far_corner_of_a_large_image_equals_resampling_a_cut(mode):
    """Only the part that the target reaches is used; the values must not show it."""
    volume = noise(Grid((60, 60, 60), (1.0, 1.0, 1.0)))
    target = Grid((8, 8, 8), (0.7, 0.7, 0.7), (30.2, 31.3, 29.4), rotated((0, 0, 15)))
    whole = Grid((60, 60, 60), (0.7, 0.7, 0.7), (12.7, 13.8, 11.9))  # reaches much further
    straight = Grid((8, 8, 8), (0.7, 0.7, 0.7), (30.2, 31.3, 29.4))
    np.testing.assert_allclose(
        resample(volume, straight, mode).array, resample(volume, whole, mode).array[25:33, 25:33, 25:33], atol=2e-3
    )
    assert np.isfinite(resample(volume, target, mode).array).all()


def test_no_overlap_is_fill_everywhere():
    volume = noise(Grid((6, 6, 6), (1.0, 1.0, 1.0)))
    out = resample(volume, Grid((3, 3, 3), (1.0, 1.0, 1.0), (500.0, 0.0, 0.0)), fill=-7)
    assert (out.array == -7).all()
    assert out.array.dtype == np.float32


def test_unknown_interpolation_names_the_known_ones():
    volume = noise(Grid((3, 3, 3), (1.0, 1.0, 1.0)))
    with pytest.raises(ValueError, match="nearest, linear, bspline"):
        resample(volume, volume.grid, "cubic")
