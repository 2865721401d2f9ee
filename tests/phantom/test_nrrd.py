import gzip
import time

import numpy as np
import pytest
import SimpleITK as sitk

from hnseg.io.volume import read_volume
from hnseg.phantom.nrrd import write_phantom_nrrd
from hnseg.types import Grid, Volume

GRID = Grid((2, 3, 4), (3.0, 1.25, 0.9765625), (-12.5, 7.0, -400.25))
TYPES = {np.int16: "short", np.uint8: "unsigned char"}


def header(path):
    return path.read_bytes().partition(b"\n\n")[0].decode().splitlines()


@pytest.fixture(params=TYPES, ids=lambda t: t.__name__)
def volume(request):
    return Volume(np.arange(24, dtype=request.param).reshape(2, 3, 4), GRID)


def test_the_header_is_that_of_real_files_and_a_mark(tmp_path, volume):
    write_phantom_nrrd(volume, tmp_path / "a.nrrd")
    assert header(tmp_path / "a.nrrd") == [
        "NRRD0004",
        "# Complete NRRD file format specification at:",
        "# http://teem.sourceforge.net/nrrd/format.html",
        "content: hnseg phantom, not a patient",
        f"type: {TYPES[volume.array.dtype.type]}",
        "dimension: 3",
        "space: left-posterior-superior",
        "sizes: 4 3 2",
        "space directions: (0.9765625,0,0) (0,1.25,0) (0,0,3)",
        "kinds: domain domain domain",
        "endian: little",
        "encoding: gzip",
        "space origin: (-12.5,7,-400.25)",
    ]


def test_hnseg_and_itk_read_what_was_written(tmp_path, volume):
    write_phantom_nrrd(volume, tmp_path / "a.nrrd")
    read = read_volume(tmp_path / "a.nrrd")
    assert read.array.dtype == volume.array.dtype
    np.testing.assert_array_equal(read.array, volume.array)
    assert read.grid.matches(GRID, 1e-6)
    image = sitk.ReadImage(str(tmp_path / "a.nrrd"))
    assert image.TransformIndexToPhysicalPoint((1, 2, 1)) == pytest.approx((-12.5 + 0.9765625, 7 + 2.5, -397.25))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), volume.array)


def test_a_turned_grid_is_kept(tmp_path, volume):
    turned = np.array([[0.0, 0.6, 0.8], [0.0, -0.8, 0.6], [-1.0, 0.0, 0.0]])
    tilted = Volume(volume.array, Grid(GRID.shape_zyx, GRID.spacing_mm, GRID.origin_mm, turned))
    write_phantom_nrrd(tilted, tmp_path / "a.nrrd")
    image = sitk.ReadImage(str(tmp_path / "a.nrrd"))
    expected = tilted.grid.to_lps_mm(np.array([1, 2, 3]))  # z, y, x
    assert image.TransformIndexToPhysicalPoint((3, 2, 1)) == pytest.approx(tuple(expected))


def test_the_same_image_gives_the_same_bytes(tmp_path, volume):
    write_phantom_nrrd(volume, tmp_path / "a.nrrd")
    time.sleep(1.1)  # gzip headers count seconds
    write_phantom_nrrd(volume, tmp_path / "b.nrrd")
    assert (tmp_path / "a.nrrd").read_bytes() == (tmp_path / "b.nrrd").read_bytes()
    packed = (tmp_path / "a.nrrd").read_bytes().partition(b"\n\n")[2]
    assert gzip.decompress(packed) == volume.array.tobytes()
