import numpy as np
import pytest
import SimpleITK as sitk

from hnseg.io import UnreadableImageError, read_grid, read_volume
from hnseg.types import AXIAL_DIRECTION

VOXELS = np.arange(24, dtype="<i2")
GEOMETRY = {
    "space": "left-posterior-superior",
    "space directions": "(1,0,0) (0,2,0) (0,0,3)",
    "space origin": "(7,8,9)",
}


def nrrd(path, fields, sizes="4 3 2"):
    start = {"type": "short", "dimension": len(sizes.split()), "sizes": sizes, "encoding": "raw", "endian": "little"}
    lines = [f"{name}: {value}" for name, value in {**start, **fields}.items()]
    path.write_bytes(("NRRD0005\n" + "\n".join(lines) + "\n\n").encode() + VOXELS.tobytes())
    return path


def meta(path, **fields):
    start = {"ObjectType": "Image", "NDims": 3, "BinaryData": "True", "BinaryDataByteOrderMSB": "False"}
    start |= {"CompressedData": "False", "TransformMatrix": "1 0 0 0 1 0 0 0 1", "Offset": "7 8 9"}
    start |= {"ElementSpacing": "1 2 3", "DimSize": "4 3 2"} | fields
    start |= {"ElementType": "MET_SHORT", "ElementDataFile": fields.get("ElementDataFile", "LOCAL")}
    start = {name: start[name] for name in start if name != "ElementDataFile"} | {
        "ElementDataFile": start["ElementDataFile"]
    }
    text = "".join(f"{name} = {value}\n" for name, value in start.items() if value is not None)
    path.write_bytes(text.encode() + VOXELS.tobytes())
    return path


@pytest.mark.parametrize(
    ("space", "signs"),
    [
        ("left-posterior-superior", (1, 1, 1)),
        ("right-anterior-superior", (-1, -1, 1)),
        ("RAS", (-1, -1, 1)),
        ("LAS", (1, -1, 1)),
    ],
)
def test_nrrd_spaces_become_lps(tmp_path, space, signs):
    volume = read_volume(nrrd(tmp_path / "scan.nrrd", {**GEOMETRY, "space": space}))
    np.testing.assert_allclose(volume.origin_mm, np.array([7, 8, 9]) * signs)
    np.testing.assert_allclose(volume.direction, AXIAL_DIRECTION * np.array(signs)[:, None])
    assert volume.spacing_mm == (3.0, 2.0, 1.0)
    np.testing.assert_array_equal(volume.array, VOXELS.reshape(2, 3, 4))


@pytest.mark.parametrize("fields", [{**GEOMETRY, "space": "scanner-xyz"}, {"spacings": "1 2 3"}])
def test_nrrd_without_a_patient_space_is_taken_as_lps_with_a_warning(tmp_path, fields):
    with pytest.warns(UserWarning, match="patient 'space'"):
        grid = read_grid(nrrd(tmp_path / "scan.nrrd", fields))
    assert grid.spacing_mm == (3.0, 2.0, 1.0)
    np.testing.assert_array_equal(grid.direction, AXIAL_DIRECTION)


@pytest.mark.parametrize("read", [read_volume, read_grid])
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"space": "LPS"}, "expected a voxel spacing in its header, found none"),
        ({"space": "LPS", "spacings": "nan 2 3"}, "expected a voxel spacing in its header, found none"),
        ({**GEOMETRY, "space directions": "(0,0,0) (0,2,0) (0,0,3)"}, "spacing"),
        ({**GEOMETRY, "space directions": "(nan,0,0) (0,2,0) (0,0,3)"}, "header"),
        ({**GEOMETRY, "space directions": "(1,0,0) (0,2,0.5) (0,0,3)"}, r"sheared axes \(14\.04 degrees"),
        ({**GEOMETRY, "sizes": "4 0 2"}, "header"),
    ],
)
def test_nrrd_geometry_that_cannot_be_trusted_is_refused(tmp_path, capfd, read, fields, words):
    with pytest.raises(UnreadableImageError, match=rf"scan\.nrrd: .*{words}"):
        read(nrrd(tmp_path / "scan.nrrd", fields))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("read", [read_volume, read_grid])
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ElementSpacing": "0 1 1"}, "spacing of"),
        ({"ElementSpacing": "nan 1 1"}, "spacing of"),
        ({"ElementSpacing": "-1 1 1"}, "spacing of"),
        ({"ElementSpacing": None}, "found none"),
        ({"TransformMatrix": "1 0 0 0.2 1 0 0 0 1"}, "sheared"),
        ({"TransformMatrix": "1 0 0 1 0 0 0 0 1"}, "sheared"),
        ({"DimSize": "4 3"}, "header|three-dimensional"),
    ],
)
def test_meta_geometry_that_cannot_be_trusted_is_refused(tmp_path, read, fields, words):
    with pytest.raises(UnreadableImageError, match=rf"scan\.mha: .*({words})"):
        read(meta(tmp_path / "scan.mha", **fields))


@pytest.mark.parametrize("size", ["30000 30000 30000", "-4 3 2", "400 300 200"])
def test_meta_sizes_that_are_nonsense_are_refused_quietly(tmp_path, capfd, size):
    with pytest.raises(UnreadableImageError, match=r"of memory where|cut short"):
        read_volume(meta(tmp_path / "scan.mha", DimSize=size))
    assert capfd.readouterr().err == ""


def test_meta_header_without_its_data_file_is_refused(tmp_path):
    with pytest.raises(UnreadableImageError, match=r"scan\.mhd: expected its voxels in one file 'gone\.raw'"):
        read_volume(meta(tmp_path / "scan.mhd", ElementDataFile="gone.raw"))


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
def test_colours_are_refused(tmp_path, suffix):
    path = tmp_path / f"scan{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((2, 3, 4, 3), np.uint8), isVector=True), str(path))
    with pytest.raises(UnreadableImageError, match="one number a voxel, found 3"):
        read_volume(path)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
@pytest.mark.filterwarnings("ignore:NRRD files without")
def test_one_frame_is_squeezed_and_two_are_refused(tmp_path, suffix):
    path = tmp_path / f"scan{suffix}"
    for frames in (1, 2):
        image = sitk.JoinSeries([sitk.GetImageFromArray(VOXELS.reshape(2, 3, 4))] * frames)
        sitk.WriteImage(image, str(path))
        if frames == 1:
            np.testing.assert_array_equal(read_volume(path).array, VOXELS.reshape(2, 3, 4))
        else:
            with pytest.raises(UnreadableImageError, match="found 4 x 3 x 2 x 2"):
                read_volume(path)


def test_global_warnings_of_itk_are_left_as_they_were(tmp_path):
    assert sitk.ProcessObject.GetGlobalWarningDisplay()
    read_volume(nrrd(tmp_path / "scan.nrrd", GEOMETRY))
    assert sitk.ProcessObject.GetGlobalWarningDisplay()
