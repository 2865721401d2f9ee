import numpy as np
import pytest

from hnseg.metrics.surface_elements import areas_at, element_areas_mm2, neighbour_codes, surface_elements

SPACINGS = [(1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (2.0, 0.7, 1.3)]


@pytest.mark.parametrize("spacing_mm", SPACINGS)
def test_areas_equal_the_reference_library(spacing_mm) -> None:
    tables = pytest.importorskip("surface_distance.lookup_tables")
    bits = tables.ENCODE_NEIGHBOURHOOD_3D_KERNEL.ravel().astype(int)
    theirs = tables.create_table_neighbour_code_to_surface_area(spacing_mm)
    ours = element_areas_mm2(spacing_mm)
    for code in range(256):
        their_code = sum(bit for i, bit in enumerate(bits) if code >> i & 1)
        assert ours[code] == pytest.approx(theirs[their_code], abs=1e-6), code


def test_a_flat_face_has_the_area_of_the_voxel_side() -> None:
    ours = element_areas_mm2((2.0, 3.0, 5.0))
    assert ours[0b00001111] == pytest.approx(3 * 5)  # z is the normal
    assert ours[0b00110011] == pytest.approx(2 * 5)  # y
    assert ours[0b01010101] == pytest.approx(2 * 3)  # x
    assert ours[0] == ours[255] == 0


def test_a_mask_and_its_background_have_one_surface() -> None:
    ours = element_areas_mm2((2.0, 0.7, 1.3))
    np.testing.assert_allclose(ours, ours[::-1])


def test_one_voxel_is_an_octahedron() -> None:
    codes = neighbour_codes(np.ones((1, 1, 1), bool))
    assert codes.shape == (2, 2, 2)
    assert sorted(codes.ravel()) == [1, 2, 4, 8, 16, 32, 64, 128]
    # octahedron with half-axes of 1/2: 8 equilateral triangles with sides of sqrt(1/2)
    assert areas_at(codes, (1, 1, 1)).sum() == pytest.approx(8 * np.sqrt(3) / 4 / 2)


def test_codes_match_a_naive_loop() -> None:
    mask = np.random.default_rng(3).random((3, 4, 5)) > 0.5
    padded = np.pad(mask, 1)
    naive = np.zeros((4, 5, 6), int)
    for z, y, x in np.ndindex(naive.shape):
        for bit, (dz, dy, dx) in enumerate(np.ndindex(2, 2, 2)):
            naive[z, y, x] += int(padded[z + dz, y + dy, x + dx]) << bit
    codes = neighbour_codes(mask)
    np.testing.assert_array_equal(codes, naive)
    np.testing.assert_array_equal(surface_elements(codes), (naive > 0) & (naive < 255))
