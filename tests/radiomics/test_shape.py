import math

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.distance import pdist

from hnseg.radiomics.shape import shape

MESH = ("MeshVolume", "SurfaceArea", "SurfaceVolumeRatio", "Sphericity")


def vertices(mask, spacing):
    """Half-way between a voxel inside and its neighbour outside; (n, 3) in voxels."""
    padded, found = np.pad(mask, 1), []
    for axis in range(3):
        places = np.argwhere(np.diff(padded.astype(int), axis=axis)).astype(float)
        places[:, axis] += 0.5
        found.append(places)
    return np.concatenate(found)


def blob(seed, size=16):
    return ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(size,) * 3), 2) > 0.02


def test_a_single_voxel_is_an_octahedron() -> None:
    found = shape(np.ones((1, 1, 1), bool), (1, 1, 1))
    assert found["SurfaceArea"] == pytest.approx(math.sqrt(3))
    assert found["MeshVolume"] == pytest.approx(1 / 6)
    assert (found["VoxelVolume"], found["Maximum3DDiameter"], found["MajorAxisLength"]) == (1, 1, 0)
    assert math.isnan(found["Elongation"])
    assert math.isnan(found["Flatness"])


@pytest.mark.parametrize("beside", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1)])
def test_voxels_that_touch_along_an_edge_or_in_a_corner_are_two(beside) -> None:
    mask = np.zeros((2, 2, 2), bool)
    mask[0, 0, 0] = mask[beside] = True
    found = shape(mask, (1, 1, 1))
    assert found["SurfaceArea"] == pytest.approx(2 * math.sqrt(3))
    assert found["MeshVolume"] == pytest.approx(2 / 6)


def test_a_box_has_the_axes_of_its_uniform_distribution() -> None:
    found = shape(np.ones((2, 5, 9), bool), (3.0, 2.0, 1.0))
    least, minor, major = sorted(4 * math.sqrt((n**2 - 1) / 12) * mm for n, mm in ((2, 3), (5, 2), (9, 1)))
    assert found["LeastAxisLength"] == pytest.approx(least)
    assert found["MinorAxisLength"] == pytest.approx(minor)
    assert found["MajorAxisLength"] == pytest.approx(major)
    assert found["Elongation"] == pytest.approx(minor / major)
    assert found["Flatness"] == pytest.approx(least / major)
    assert found["VoxelVolume"] == 2 * 5 * 9 * 6


def test_a_box_is_chamfered_by_half_a_voxel() -> None:
    n = 6
    found = shape(np.ones((n, n, n), bool), (1, 1, 1))
    edge = n - 1  # of a face; an edge becomes a strip as long, a corner a triangle
    area = 6 * edge**2 + 12 * edge * math.sqrt(0.5) + 8 * math.sqrt(3) / 8
    volume = edge**3 + 6 * edge**2 / 2 + 12 * edge / 8 + 8 / 48
    assert found["SurfaceArea"] == pytest.approx(area)
    assert found["MeshVolume"] == pytest.approx(volume)
    assert found["SurfaceVolumeRatio"] == pytest.approx(area / volume)
    assert found["Sphericity"] == pytest.approx(math.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / area)


def test_what_is_flat_has_no_thickness_whichever_way_it_lies() -> None:
    two = np.zeros((4, 6, 8), bool)
    two[0, 1, 1] = two[3, 5, 7] = True
    found = shape(two, (3.0, 1.0, 0.8))
    assert (found["LeastAxisLength"], found["MinorAxisLength"], found["Elongation"], found["Flatness"]) == (0, 0, 0, 0)


def test_a_ball_is_nearly_a_sphere() -> None:
    z, y, x = np.ogrid[-21:22, -21:22, -21:22]
    found = shape(z**2 + y**2 + x**2 <= 20**2, (0.5, 0.5, 0.5))
    assert found["MeshVolume"] == pytest.approx(4 / 3 * math.pi * 10**3, rel=0.01)
    assert 0.91 < found["Sphericity"] < 1
    assert found["MajorAxisLength"] == pytest.approx(20 * 2 / math.sqrt(5), rel=0.01)
    for plane in ("2DDiameterSlice", "2DDiameterColumn", "2DDiameterRow", "3DDiameter"):
        assert found[f"Maximum{plane}"] == pytest.approx(20, rel=0.03)


@pytest.mark.parametrize("seed", range(3))
def test_diameters_are_those_of_all_pairs_of_vertices(seed) -> None:
    mask, spacing = blob(seed, 12), (2.5, 1.0, 0.8)
    points, found = vertices(mask, spacing), shape(mask, spacing)
    assert found["Maximum3DDiameter"] == pytest.approx(pdist(points * spacing).max())
    for axis, plane in enumerate(("Slice", "Column", "Row")):
        within = [points[points[:, axis] == at] * spacing for at in np.unique(points[:, axis])]
        longest = max(pdist(part).max() for part in within if len(part) > 1)
        assert found[f"Maximum2DDiameter{plane}"] == pytest.approx(longest)


def test_a_long_diagonal_row_of_voxels_has_diameters() -> None:
    mask = np.zeros((1, 70, 70), bool)
    mask[0, range(70), range(70)] = True
    assert shape(mask, (1, 1, 1))["Maximum2DDiameterSlice"] == pytest.approx(math.hypot(69, 70))


@pytest.mark.parametrize("seed", range(3))
def test_the_mesh_is_closed(seed) -> None:
    """Of a mesh with cracks, the surface changes when it is mirrored, and the volume when it is moved."""
    noise = np.random.default_rng(seed).random((7, 8, 9)) < 0.4
    found = shape(noise, (1, 1, 1))
    for other in (noise[::-1], noise[:, :, ::-1], np.pad(noise, ((5, 0), (3, 0), (2, 9)))):
        assert {name: shape(other, (1, 1, 1))[name] for name in MESH} == pytest.approx({n: found[n] for n in MESH})


def test_lengths_scale_with_spacing() -> None:
    mask = blob(4)
    one, two = shape(mask, (1, 1, 1)), shape(mask, (2, 2, 2))
    powers = {"MeshVolume": 3, "VoxelVolume": 3, "SurfaceArea": 2, "SurfaceVolumeRatio": -1}
    powers |= dict.fromkeys(("Sphericity", "Elongation", "Flatness"), 0)
    assert two == pytest.approx({name: value * 2 ** powers.get(name, 1) for name, value in one.items()})
    assert len(one) == 14
