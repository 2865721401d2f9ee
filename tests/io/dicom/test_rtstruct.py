import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from hnseg.geometry.contour_mask import contour_mask
from hnseg.io.dicom import rtstruct
from hnseg.io.dicom.isolated import load_array
from hnseg.io.dicom.objects import FileHeader, Limits, RefusedDicomError
from hnseg.io.dicom.rtstruct import RT_STRUCTURE_SET, read_rtstruct, rtstruct_task
from hnseg.types import Grid

SQUARE = np.array([(0.0, 0, 5), (4, 0, 5), (4, 4, 5), (0, 4, 5)])
FRAME = "1.2.3.4"


def contour(points=SQUARE, kind="CLOSED_PLANAR", count=None, data=None):
    item = Dataset()
    if kind is not None:
        item.ContourGeometricType = kind
    item.NumberOfContourPoints = len(points) if count is None else count
    item.ContourData = [float(v) for v in np.ravel(points)] if data is None else data
    return item


def structure_set(path, contours, structures=((7, "Parotid_L"),), syntax=ExplicitVRLittleEndian, frame=FRAME):
    """``contours``: (ROI Number, contour items or None for no sequence) in the file's order."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = RT_STRUCTURE_SET, "1.2.3", "RTSTRUCT"
    dataset.SpecificCharacterSet = "ISO_IR 100"
    reference = Dataset()
    reference.FrameOfReferenceUID = FRAME
    dataset.ReferencedFrameOfReferenceSequence = [reference]
    dataset.StructureSetROISequence = [roi(number, name, frame) for number, name in structures]
    dataset.ROIContourSequence = [drawn(number, items) for number, items in contours]
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.save_as(path, enforce_file_format=True)
    return path


def roi(number, name, frame):
    item = Dataset()
    item.ROINumber, item.ROIName = number, name
    if frame:
        item.ReferencedFrameOfReferenceUID = frame
    return item


def drawn(number, items):
    item = Dataset()
    item.ReferencedROINumber = number
    if items is not None:
        item.ContourSequence = items
    return item


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Read a structure set in this process: the child has a test of its own."""

    def in_process(task, arguments, folder, limits):
        return rtstruct_task(arguments | {"folder": str(folder)})

    monkeypatch.setattr(rtstruct, "run_isolated", in_process)

    def read_one(*args, points=1000, **kwargs):
        return read_rtstruct(header(structure_set(tmp_path / "rs", *args, **kwargs)), Limits(points=points))

    return read_one


def header(path, frame_uid="9.9"):
    return FileHeader(path, "RTSTRUCT", RT_STRUCTURE_SET, "1.2.3", "", "", frame_uid, ExplicitVRLittleEndian)


def test_structures_come_through_the_child_process_as_they_were_drawn(tmp_path):
    first, second = SQUARE + 0.125, SQUARE[:3] - [300.5, 0, 1000.25]
    structures = ((7, "Parotid_L"), (3, "Rückenmark"), (9, "never drawn"))
    path = structure_set(
        tmp_path / "any name", [(3, [contour(second)]), (7, [contour(first), contour(second)])], structures
    )
    rois = read_rtstruct(header(path))
    assert [(r.number, r.frame_uid, r.notes) for r in rois] == [(n, FRAME, ()) for n in (7, 3, 9)]
    assert [r.name for r in rois] == ["Parotid_L", "Rückenmark", "never drawn"]
    assert [len(r.contours) for r in rois] == [2, 1, 0]
    np.testing.assert_array_equal(rois[0].contours[0], first)
    np.testing.assert_array_equal(rois[0].contours[1], second)
    np.testing.assert_array_equal(rois[1].contours[0], second)


@pytest.mark.parametrize(
    ("item", "kept", "note"),
    [
        (contour(kind="POINT", points=SQUARE[:1]), 0, "1 contours are points or open lines"),
        (contour(kind="OPEN_PLANAR"), 0, "1 contours are points or open lines"),
        (contour(kind="OPEN_NONPLANAR"), 0, "1 contours are points or open lines"),
        (contour(kind="CLOSED_SOMEHOW"), 0, "1 contours are of a kind that DICOM does not know"),
        (contour(kind=None), 1, "1 contours have no ContourGeometricType (3006,0042); taken as closed"),
        (contour(kind=""), 1, "1 contours have no ContourGeometricType"),
        (contour(points=SQUARE[:2]), 0, "1 contours have fewer than 3 points"),
        (contour(data=[]), 0, "1 contours have fewer than 3 points"),
        (contour(data=[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), 0, "or not three a point: not taken"),
        (contour(count=9), 1, "1 contours have not as many points as NumberOfContourPoints (3006,0046) says"),
    ],
)
def test_a_contour_that_is_no_area_is_left_out_and_noted(read, item, kept, note):
    (found,) = read([(7, [item, contour()])])
    assert len(found.contours) == kept + 1
    assert len(found.notes) == 1
    assert note in found.notes[0]


@pytest.mark.parametrize("written", [b"1.5\\2\\x", b"1.5\\2\\nan", b"1.5\\2\\inf", b"1.5\\\\2", b"\xff\\1\\2"])
def test_data_that_are_no_numbers_cost_their_contour_alone(read, tmp_path, written):
    path = structure_set(tmp_path / "damaged", [(7, [contour(), contour(data=[5.25, 6.25, 7.25] * 3)])])
    content = path.read_bytes()
    assert content.count(b"5.25\\6.25\\7.25") == 3
    path.write_bytes(content.replace(b"5.25\\6.25\\7.25", written.ljust(14), 1))
    (found,) = rtstruct.read_rtstruct(header(path))
    assert len(found.contours) == 1
    assert "1 contours have ContourData (3006,0050) that are no numbers" in found.notes[0]


def test_implicit_files_padded_numbers_and_split_structures_are_read(read):
    (found,) = read(
        [(7, [contour(data=[1.25] * 8 + ["  2.5"])]), (7, [contour()]), (7, None)], syntax=ImplicitVRLittleEndian
    )
    assert [points.tolist() for points in found.contours] == [
        [[1.25] * 3, [1.25] * 3, [1.25, 1.25, 2.5]],
        SQUARE.tolist(),
    ]


def test_exclusive_contours_of_a_plane_are_combined_and_others_nested(read):
    """Two squares that overlap: their exclusive or has no middle, their union has."""
    planes = [SQUARE - shift for shift in ([0.5, 0.5, 5], [-1.5, 0.5, 5], [0.5, 0.5, 4])]
    grid = Grid((3, 6, 8), (1.0, 1.0, 1.0))
    (found,) = read([(7, [contour(points, "CLOSEDPLANAR_XOR") for points in planes])])
    mask, notes = contour_mask(found.contours, grid)
    assert mask[0, 1].tolist() == [True, True, False, False, True, True, False, False]
    assert mask[1, 1].tolist() == [True] * 4 + [False] * 4
    assert (len(found.contours), notes) == (2, ())
    assert "3 contours are of the kind CLOSEDPLANAR_XOR" in found.notes[0]
    (found,) = read([(7, [contour(points) for points in planes])])
    mask, notes = contour_mask(found.contours, grid)
    assert mask[0, 1].tolist() == [True] * 6 + [False] * 2
    assert "overlap in part" in notes[0]


def test_contours_of_a_structure_without_a_name_and_frames_that_are_missing(read):
    found = read([(7, [contour()]), (8, [contour()])], frame="")
    assert [(r.number, r.name, r.frame_uid, len(r.contours)) for r in found] == [
        (7, "Parotid_L", FRAME, 1),
        (8, "", FRAME, 1),
    ]


def test_what_cannot_be_told_apart_or_is_too_much_is_refused(read, tmp_path):
    with pytest.raises(RefusedDicomError, match=r"same ROINumber \(3006,0022\)") as refusal:
        read([(7, [contour()])], ((7, "Secretname"), (7, "b")))
    assert refusal.value.reason == "double_numbers"
    assert "Secret" not in repr(refusal.value)
    for points, limit in ((SQUARE.repeat(10, 0), 39), (SQUARE, 9)):
        with pytest.raises(RefusedDicomError, match=f"more than {limit} contour points") as refusal:
            read([(7, [contour(points)])], points=limit)
        assert refusal.value.reason == "too_large"
    assert read([(7, [contour(SQUARE.repeat(10, 0))])], points=40)
    path = structure_set(tmp_path / "ct", [])
    path.write_bytes(path.read_bytes().replace(RT_STRUCTURE_SET.encode(), b"1.2.840.10008.5.1.4.1.1.481.2"))
    with pytest.raises(RefusedDicomError) as refusal:
        read_rtstruct(header(path))
    assert refusal.value.reason == "no_rtstruct"


def test_no_structures_at_all_are_none(read, tmp_path):
    assert read([], ()) == ()
    rtstruct_task({"path": str(tmp_path / "rs"), "file_mib": 1, "points": 1, "folder": str(tmp_path)})
    assert load_array(tmp_path, "points.npy").shape == (0, 3)
