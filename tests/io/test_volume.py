import gzip
import pickle

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hnseg.geometry import from_sitk
from hnseg.io import UnreadableImageError, memory, read_grid, read_volume, write_volume
from hnseg.types import Grid, Volume

SUFFIXES = [".nii", ".nii.gz", ".hdr", ".nrrd", ".nhdr", ".mha", ".mhd"]
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def oblique(mirrored=True):
    direction = Rotation.from_euler("xyz", (170, 20, -100), degrees=True).as_matrix()
    if mirrored:
        direction[:, 1] *= -1
    return Grid((5, 6, 7), (3.0, 0.97, 1.1), (-210.5, 33.25, 410.0), direction)


def noise(grid, dtype=np.int16):
    return Volume((np.random.default_rng(0).normal(size=grid.shape_zyx) * 100).astype(dtype), grid)


def lps_affine_xyz(grid):
    affine = grid.affine.copy()
    affine[:3, :3] = affine[:3, 2::-1]
    return affine


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_round_trip_keeps_voxels_type_and_place(tmp_path, suffix, dtype, compress):
    volume, path = noise(oblique(), dtype), tmp_path / "new folder" / f"scan{suffix}"
    write_volume(volume, path, compress)
    back = read_volume(path)
    assert back.array.dtype == dtype
    np.testing.assert_array_equal(back.array, volume.array)
    assert back.grid.matches(volume.grid, 1e-4)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    angles=st.tuples(*[st.one_of(st.floats(-180, 180), st.sampled_from([0.0, 90.0, 180.0, 179.99]))] * 3),
    spacing=st.tuples(*[st.floats(0.3, 6)] * 3),
    origin=st.tuples(*[st.floats(-900, 900)] * 3),
    mirrored=st.booleans(),
)
@pytest.mark.parametrize("suffix", [".nii", ".nrrd", ".mha"])
def test_any_grid_survives_and_nibabel_and_simpleitk_agree(tmp_path, suffix, angles, spacing, origin, mirrored):
    direction = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    if mirrored:
        direction[:, 2] *= -1
    volume, path = noise(Grid((4, 5, 6), spacing, origin, direction)), tmp_path / f"scan{suffix}"
    write_volume(volume, path)
    grid = read_grid(path)
    assert grid.matches(volume.grid, 2e-4)  # float32 sform at 900 mm: 6e-5 an entry
    assert grid.matches(read_volume(path).grid, 0.0)
    if suffix == ".nii":
        np.testing.assert_allclose(RAS_TO_LPS @ nib.load(path).affine, lps_affine_xyz(grid), atol=2e-4)
    else:
        assert from_sitk(sitk.ReadImage(str(path))).grid.matches(grid, 1e-6)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_simpleitk_reads_what_we_write_at_the_same_place(tmp_path, suffix):
    volume, path = noise(oblique()), tmp_path / f"scan{suffix}"
    write_volume(volume, path)
    theirs = from_sitk(sitk.ReadImage(str(path)))
    np.testing.assert_array_equal(theirs.array, volume.array)
    assert theirs.grid.matches(volume.grid, 1e-3)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_grid_alone_equals_the_grid_of_the_volume(tmp_path, suffix):
    write_volume(noise(oblique()), tmp_path / f"scan{suffix}")
    alone, whole = read_grid(tmp_path / f"scan{suffix}"), read_volume(tmp_path / f"scan{suffix}").grid
    assert alone.to_dict() == whole.to_dict()


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_grid_needs_no_voxels(tmp_path, suffix):
    path = tmp_path / f"scan{suffix}"
    write_volume(Volume(np.random.default_rng(0).integers(0, 99, (40, 40, 40)), Grid((40, 40, 40), (1, 1, 1))), path)
    path.write_bytes(path.read_bytes()[:4000])
    assert read_grid(path).shape_zyx == (40, 40, 40)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_float64_comes_back_as_float32_and_bool_as_uint8(tmp_path, suffix):
    grid = oblique()
    for given_dtype, expected in ((np.float64, np.float32), (np.bool_, np.uint8), (np.float16, np.float32)):
        volume = noise(grid, given_dtype)
        write_volume(volume, tmp_path / f"scan{suffix}")
        back = read_volume(tmp_path / f"scan{suffix}").array
        assert back.dtype == expected
        np.testing.assert_array_equal(back, volume.array.astype(expected))


def test_same_volume_same_bytes(tmp_path):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_volume(noise(oblique()), tmp_path / name)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_name_is_overwritten_and_nothing_else_is_left(tmp_path, suffix):
    path = tmp_path / f"scan{suffix}"
    write_volume(noise(Grid((3, 3, 3), (1, 1, 1))), path)
    before = {p.name for p in tmp_path.iterdir()}
    write_volume(noise(oblique()), path)
    assert read_volume(path).grid.shape_zyx == (5, 6, 7)
    assert {p.name for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".nrrd", ".mha", ".hdr", ".mhd", ".nhdr"])
@pytest.mark.parametrize("kept", [0.05, 0.5, 0.97])
@pytest.mark.parametrize("compress", [True, False])
def test_a_truncated_file_is_refused_quietly(tmp_path, capfd, suffix, kept, compress):
    path = tmp_path / f"scan{suffix}"
    grid = Grid((20, 30, 30), (1.0, 1.0, 1.0))
    write_volume(noise(grid), path, compress)
    largest = max(tmp_path.iterdir(), key=lambda file: file.stat().st_size)
    content = largest.read_bytes()
    largest.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UnreadableImageError, match=r"scan.*(cut short|header)"):
        read_volume(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.9999])
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_flipped_byte_in_compressed_voxels_is_refused_quietly(tmp_path, capfd, suffix, share):
    """Some damage stops the decoder, some yields too few voxels, some too many; and some only a wrong checksum."""
    path = tmp_path / f"scan{suffix}"
    write_volume(noise(Grid((20, 30, 30), (1.0, 1.0, 1.0))), path)
    content = bytearray(path.read_bytes())
    content[int(len(content) * share)] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UnreadableImageError, match=r"scan.*damaged.*download it again"):
        read_volume(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("size", [(64, 512, 256), (65, 512, 257)])
def test_voxels_that_compress_extremely_well_are_not_called_truncated(tmp_path, size):
    for suffix in (".nii.gz", ".mha", ".nrrd"):
        write_volume(Volume(np.zeros(size, np.int16), Grid(size, (1.0, 1.0, 1.0))), tmp_path / f"zeros{suffix}")
        assert not read_volume(tmp_path / f"zeros{suffix}").array.any()


@pytest.mark.parametrize("read", [read_volume, read_grid])
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"patient,tumour\n1,2\n", b"\x00" * 4000, b"x" * 1000, b"\x1f\x8b\x08\x00rubbish"])
def test_a_file_that_is_no_image_is_refused_quietly(tmp_path, capfd, suffix, content, read):
    path = tmp_path / f"scan{suffix}"
    path.write_bytes(content)
    with pytest.raises(UnreadableImageError, match=r"scan.*; .*\.$"):
        read(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("read", [read_volume, read_grid])
def test_missing_folder_empty_and_unknown_are_told_apart(tmp_path, read):
    (tmp_path / "folder.nii.gz").mkdir()
    (tmp_path / "empty.nii.gz").touch()
    (tmp_path / "slice.dcm").write_bytes(b"DICM")
    for name, words in {
        "none.nii.gz": "found nothing; check the path",
        "folder.nii.gz": "found a folder; name the file inside",
        "empty.nii.gz": "found an empty file; copy or download",
        "slice.dcm": r"name ending in \.nii.*dcm2niix",
    }.items():
        with pytest.raises(UnreadableImageError, match=rf"{name}.*{words}"):
            read(tmp_path / name)


def test_too_large_for_the_memory_is_refused_before_decompressing(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available_memory_bytes", lambda: 800)
    monkeypatch.setattr(gzip.GzipFile, "readinto", lambda *_: pytest.fail("decompressed"))
    for suffix in (".nii.gz", ".nrrd", ".mha"):
        write_volume(noise(oblique()), tmp_path / f"scan{suffix}")
        with pytest.raises(UnreadableImageError, match=r"5 x 6 x 7 voxels, which need 840 bytes .* where 800 bytes"):
            read_volume(tmp_path / f"scan{suffix}")


def test_the_error_survives_a_worker_process():
    error = UnreadableImageError("scan.nii", "expected an image, found a song", "send the image")
    back = pickle.loads(pickle.dumps(error))
    assert str(back) == str(error) == "scan.nii: expected an image, found a song; send the image."


def test_writing_refuses_unknown_names_and_voxels_that_are_no_numbers(tmp_path):
    volume = noise(oblique())
    with pytest.raises(ValueError, match=r"scan\.jpg.*choose one"):
        write_volume(volume, tmp_path / "scan.jpg")
    with pytest.raises(ValueError, match="complex"):
        write_volume(Volume(volume.array.astype(complex), volume.grid), tmp_path / "scan.nii")
    with pytest.raises(ValueError, match="not finite"):
        write_volume(Volume(volume.array, Grid((5, 6, 7), (1.0, 1.0, float("nan")))), tmp_path / "scan.nii")
    assert list(tmp_path.iterdir()) == []
