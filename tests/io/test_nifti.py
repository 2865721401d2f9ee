import gzip
import struct
import warnings

import nibabel as nib
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hnseg.io import UnreadableImageError, read_grid, read_volume
from hnseg.types import AXIAL_DIRECTION

STORED = np.random.default_rng(0).integers(-900, 900, (4, 5, 6)).astype(np.int16)  # x, y, z
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def affine(angles=(0, 0, 0), spacing=(1.0, 2.0, 3.0), origin=(10.0, -20.0, 30.0)):
    out = np.eye(4)
    out[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * spacing
    out[:3, 3] = origin
    return out


def save(path, array=STORED, sform=None, qform=None, sform_code=1, qform_code=1, kind=nib.Nifti1Image):
    image = kind(array, sform if sform is not None else qform if qform is not None else np.eye(4))
    image.set_sform(sform, sform_code if sform is not None else 0)
    image.set_qform(qform, qform_code if qform is not None else 0, strip_shears=True)
    if qform is None and sform is not None:
        image.header["pixdim"][1:4] = np.linalg.norm(sform[:3, :3], axis=0)
    nib.save(image, path)
    return path


def patch(path, offset, content):
    data = bytearray(path.read_bytes())
    data[offset : offset + len(content)] = content
    path.write_bytes(data)
    return path


def assert_same_place_as_nibabel(path):
    volume, theirs = read_volume(path), nib.load(path)
    for index_xyz in [(0, 0, 0), (3, 4, 5), (3, 0, 2)]:
        here = volume.grid.to_lps_mm(np.array(index_xyz[::-1]))
        there = RAS_TO_LPS[:3, :3] @ nib.affines.apply_affine(theirs.affine, index_xyz)
        np.testing.assert_allclose(here, there, atol=1e-4)
    np.testing.assert_array_equal(volume.array, np.asanyarray(theirs.dataobj).reshape(4, 5, 6).T)


@pytest.mark.parametrize("angles", [(0, 0, 0), (180, 0, 0), (5, -20, 33), (90, 0, 179.99)])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_sform_alone_qform_alone_and_both_mean_what_nibabel_says(tmp_path, angles, kind):
    place = affine(angles)
    assert_same_place_as_nibabel(save(tmp_path / "s.nii.gz", sform=place, kind=kind))
    assert_same_place_as_nibabel(save(tmp_path / "q.nii.gz", qform=place, kind=kind))
    assert_same_place_as_nibabel(save(tmp_path / "b.nii.gz", sform=place, qform=place, kind=kind))


def test_a_left_handed_qform_alone(tmp_path):
    assert_same_place_as_nibabel(save(tmp_path / "q.nii", qform=affine((5, 6, 7)) @ np.diag([-1, 1, 1, 1])))


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (affine(origin=(10.0, -20.0, 35.0)), r"origins 5\.00 mm apart"),
        (affine((0, 0, 2)), r"direction cosines 0\.0349 apart"),
        (affine(spacing=(1.0, 2.0, 2.5)), r"spacings \(3\.0, 2\.0, 1\.0\) and \(2\.5, 2\.0, 1\.0\)"),
        (affine() @ np.diag([-1, 1, 1, 1]), r"direction cosines 2\.0000 apart"),
    ],
)
@pytest.mark.parametrize("read", [read_volume, read_grid])
def test_sform_and_qform_that_disagree_are_refused(tmp_path, other, words, read):
    path = save(tmp_path / "scan.nii.gz", sform=affine(), qform=other)
    with pytest.raises(UnreadableImageError, match=rf"scan\.nii\.gz: its sform and qform .*{words}.*; find out"):
        read(path)


def test_a_difference_that_is_rounding_is_tolerated_and_the_sform_used(tmp_path):
    path = save(tmp_path / "scan.nii", sform=affine(), qform=affine((0, 0, 0.01), origin=(10.05, -20, 30)))
    np.testing.assert_allclose(read_grid(path).origin_mm, (-10, 20, 30))


def test_neither_gives_spacing_and_lps_axes_with_a_warning(tmp_path):
    path = save(tmp_path / "scan.nii")
    patch(path, 80, struct.pack("<3f", 1.0, 2.0, 3.0))
    with pytest.warns(UserWarning, match="without sform and qform"):
        grid = read_grid(path)
    assert grid.spacing_mm == (3.0, 2.0, 1.0)
    assert grid.origin_mm == (0.0, 0.0, 0.0)
    np.testing.assert_array_equal(grid.direction, AXIAL_DIRECTION)


def test_sheared_axes_are_refused_with_their_angle(tmp_path):
    sheared = affine(spacing=(1.0, 1.0, 1.0))
    sheared[1, 2] = -np.tan(np.radians(18.5))  # a tilted gantry
    path = save(tmp_path / "scan.nii", sform=sheared)
    with pytest.raises(UnreadableImageError, match=r"sform has sheared axes \(18\.50 degrees.*gantry"):
        read_grid(path)


def test_cosines_rounded_by_another_program_become_orthonormal(tmp_path):
    rounded = affine((10, 20, 30), spacing=(1.0, 1.0, 1.0))
    rounded[:3, :3] = np.round(rounded[:3, :3], 4)
    direction = read_grid(save(tmp_path / "scan.nii", sform=rounded)).direction
    np.testing.assert_allclose(direction.T @ direction, np.eye(3), atol=1e-12)


@pytest.mark.parametrize(
    ("offset", "value", "words"),
    [(280, 0.0, "spacing of "), (280, float("nan"), "not a finite"), (292, float("inf"), "not a finite")],
)
def test_a_spacing_or_position_that_is_no_number_is_refused(tmp_path, offset, value, words):
    path = save(tmp_path / "scan.nii", sform=affine())  # srow_x starts at byte 280
    with pytest.raises(UnreadableImageError, match=words):
        read_volume(patch(path, offset, struct.pack("<f", value)))


@pytest.mark.parametrize("value", [0.0, float("nan"), -1.0])
def test_a_spacing_in_pixdim_that_is_no_positive_number_is_refused(tmp_path, value):
    path = save(tmp_path / "scan.nii", qform=affine())
    with pytest.raises(UnreadableImageError, match="scan"):
        read_volume(patch(path, 84, struct.pack("<f", value)))


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, -1024.0), (0.5, 3.0), (2.0, 0.0), (1e-3, 0.0)])
@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32, np.float64])
def test_slope_and_intercept_are_applied_in_float32(tmp_path, slope, intercept, dtype):
    path = save(tmp_path / "scan.nii", STORED.astype(dtype), sform=affine())
    array = read_volume(patch(path, 112, struct.pack("<2f", slope, intercept))).array
    assert array.dtype == np.float32
    np.testing.assert_allclose(array, nib.load(path).get_fdata().T, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("slope", "intercept"), [(0.0, 5.0), (float("nan"), float("nan")), (1.0, 0.0)])
def test_no_slope_keeps_integers(tmp_path, slope, intercept):
    path = patch(save(tmp_path / "scan.nii", sform=affine()), 112, struct.pack("<2f", slope, intercept))
    assert read_volume(path).array.dtype == np.int16


def test_large_integers_keep_their_digits_through_a_slope(tmp_path):
    stored = np.full((2, 2, 2), 2**24 + 1, np.int32)  # float32 cannot hold it
    path = save(tmp_path / "scan.nii", stored, sform=affine())
    array = read_volume(patch(path, 112, struct.pack("<2f", 1.0, -float(2**24)))).array
    assert (array == 1).all()


@pytest.mark.parametrize(("unit", "factor"), [(1, 1000.0), (2, 1.0), (3, 0.001), (0, 1.0), (10, 1.0)])
def test_units_become_millimetres(tmp_path, unit, factor):
    place = affine()
    place[:3] /= factor
    grid = read_grid(patch(save(tmp_path / "scan.nii", sform=place), 123, bytes([unit])))
    np.testing.assert_allclose(grid.spacing_mm, (3, 2, 1), rtol=1e-6)
    np.testing.assert_allclose(grid.origin_mm, (-10, 20, 30), rtol=1e-6)


@pytest.mark.parametrize("extra", [(1,), (1, 1)])
def test_a_single_frame_becomes_three_dimensional(tmp_path, extra):
    assert_same_place_as_nibabel(save(tmp_path / "scan.nii.gz", STORED.reshape(4, 5, 6, *extra), sform=affine()))


@pytest.mark.parametrize("shape", [(4, 5, 6, 2), (4, 5, 6, 1, 3), (4, 5)])
def test_frames_vectors_and_flat_images_are_refused(tmp_path, shape):
    path = save(tmp_path / "scan.nii", np.zeros(shape, np.int16), sform=affine())
    with pytest.raises(UnreadableImageError, match=f"three-dimensional image, found {' x '.join(map(str, shape))};"):
        read_volume(path)


def test_colours_and_complex_numbers_are_refused(tmp_path):
    colours = np.zeros((4, 5, 6), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    with pytest.raises(UnreadableImageError, match="found colours"):
        read_volume(save(tmp_path / "scan.nii", colours, sform=affine()))
    with pytest.raises(UnreadableImageError, match="complex64"):
        read_volume(save(tmp_path / "scan.nii", STORED.astype(np.complex64), sform=affine()))
    with pytest.raises(UnreadableImageError, match="unknown type"):
        read_volume(patch(save(tmp_path / "scan.nii", sform=affine()), 70, struct.pack("<h", 77)))


def test_big_endian_comes_back_in_native_order(tmp_path):
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    path = tmp_path / "scan.nii"
    nib.save(nib.Nifti1Image(STORED, affine(), header), path)
    assert path.read_bytes()[:4] == struct.pack(">i", 348)
    array = read_volume(path).array
    assert array.dtype.isnative
    np.testing.assert_array_equal(array, STORED.T)


def test_compression_is_recognised_by_content(tmp_path):
    for given_name, other in (("scan.nii", "other.nii.gz"), ("scan.nii.gz", "other.nii")):
        save(tmp_path / given_name, sform=affine()).rename(tmp_path / other)
        np.testing.assert_array_equal(read_volume(tmp_path / other).array, STORED.T)


@pytest.mark.parametrize("name", ["scan.nii", "scan.nii.gz"])
def test_a_header_that_promises_more_than_the_file_can_hold_is_refused(tmp_path, name):
    path = save(tmp_path / "scan.nii", sform=affine())
    patch(path, 42, struct.pack("<3h", 300, 300, 300))
    if name.endswith("gz"):
        (tmp_path / name).write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(UnreadableImageError, match=r"expected 51\.5 MiB of voxels after its header, found \d+"):
        read_volume(tmp_path / name)


def test_a_whole_gzip_file_with_too_few_voxels_is_refused(tmp_path):
    path = patch(save(tmp_path / "scan.nii", sform=affine()), 42, struct.pack("<3h", 4, 5, 7))
    (tmp_path / "scan.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(UnreadableImageError, match="expected 280 bytes of voxels, found 240"):
        read_volume(tmp_path / "scan.nii.gz")


def test_voxels_start_after_the_header_even_if_it_says_zero(tmp_path):
    path = patch(save(tmp_path / "scan.nii", sform=affine()), 108, struct.pack("<f", 0.0))
    np.testing.assert_array_equal(read_volume(path).array, STORED.T)


@pytest.mark.parametrize("size", [(32767, 32767, 32767), (0, 5, 6), (-4, 5, 6)])
def test_nonsense_sizes_are_refused(tmp_path, size):
    path = patch(save(tmp_path / "scan.nii", sform=affine()), 42, struct.pack("<3h", *size))
    with pytest.raises(UnreadableImageError, match=r"TiB of memory|size of"):
        read_volume(path)


def analyze(path, orient=0):
    image = nib.AnalyzeImage(STORED, None)
    image.header.set_zooms((1.0, 2.0, 3.0))
    nib.save(image, path)
    return patch(path.with_suffix(".hdr"), 252, bytes([orient]))


@pytest.mark.parametrize("suffix", [".hdr", ".img"])
def test_analyze_follows_its_definition_and_says_so(tmp_path, suffix):
    analyze(tmp_path / "scan.img")
    with pytest.warns(UserWarning, match="Analyze files do not say where left is"):
        volume = read_volume(tmp_path / f"scan{suffix}")
    np.testing.assert_array_equal(volume.array, STORED.T)
    assert volume.spacing_mm == (3.0, 2.0, 1.0)
    # array axes z, y, x run to superior, anterior, left
    np.testing.assert_array_equal(volume.direction.T, [[0, 0, 1], [0, -1, 0], [1, 0, 0]])
    # the axes are those of nibabel; only its origin, the middle, differs
    theirs = RAS_TO_LPS @ nib.load(tmp_path / "scan.img").affine
    np.testing.assert_allclose(volume.grid.affine[:3, 2::-1], theirs[:3, :3])


def test_analyze_in_another_order_is_refused(tmp_path):
    analyze(tmp_path / "scan.img", orient=3)
    with pytest.raises(UnreadableImageError, match="found orient 3; convert it to NIfTI"):
        read_volume(tmp_path / "scan.hdr")


def test_half_a_pair_is_refused(tmp_path):
    analyze(tmp_path / "scan.img")
    (tmp_path / "scan.img").unlink()
    with (
        warnings.catch_warnings(action="ignore"),
        pytest.raises(UnreadableImageError, match=r"scan\.hdr: expected scan\.img beside it"),
    ):
        read_volume(tmp_path / "scan.hdr")


def test_capital_letters_in_the_name(tmp_path):
    analyze(tmp_path / "scan.img")
    (tmp_path / "scan.img").rename(tmp_path / "SCAN.IMG")
    (tmp_path / "scan.hdr").rename(tmp_path / "SCAN.HDR")
    with warnings.catch_warnings(action="ignore"):
        assert read_volume(tmp_path / "SCAN.IMG").grid.shape_zyx == (6, 5, 4)
