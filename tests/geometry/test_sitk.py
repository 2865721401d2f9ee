import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hnseg.geometry import from_sitk, to_sitk
from hnseg.types import Grid, Volume

ANGLES = st.tuples(*[st.floats(-180, 180)] * 3)
SPACINGS = st.tuples(*[st.floats(0.3, 6)] * 3)
ORIGINS = st.tuples(*[st.floats(-900, 900)] * 3)


@settings(max_examples=40, deadline=None)
@given(angles=ANGLES, spacing=SPACINGS, origin=ORIGINS, mirrored=st.booleans())
def test_each_voxel_keeps_its_world_position(angles, spacing, origin, mirrored):
    direction = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    if mirrored:
        direction[:, 1] *= -1
    volume = Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4), Grid((2, 3, 4), spacing, origin, direction))
    image = to_sitk(volume)
    for z, y, x in [(0, 0, 0), (1, 2, 3), (1, 0, 2)]:
        there = image.TransformIndexToPhysicalPoint((x, y, z))
        np.testing.assert_allclose(there, volume.grid.to_lps_mm(np.array([z, y, x])), atol=1e-6)
        assert image[x, y, z] == volume.array[z, y, x]
    back = from_sitk(image)
    assert back.grid.matches(volume.grid, 1e-6)
    np.testing.assert_array_equal(back.array, volume.array)


@pytest.mark.parametrize(("dtype", "expected"), [(bool, np.uint8), (np.float16, np.float32), (np.int64, np.int64)])
def test_types_that_simpleitk_lacks_are_widened(dtype, expected):
    array = np.ones((2, 2, 2), dtype)
    assert sitk.GetArrayFromImage(to_sitk(Volume(array, Grid((2, 2, 2), (1, 1, 1))))).dtype == expected
