from dataclasses import asdict

import highdicom as hd
import numpy as np
import pytest
from pydicom.dataset import Dataset

from hnseg.io.dicom.objects import Limits, RefusedDicomError
from hnseg.io.dicom.seg_read import seg_task, unpacked
from hnseg.types import Grid
from tests.io.dicom.making import ds, write
from tests.io.dicom.seg_making import AXIAL, frame_groups, save, seg_dataset, segment_item

GRID = Grid((6, 5, 7), (3.0, 1.0, 1.5), (-4.0, 8.0, 100.0))
RLE, DEFLATED, IMPLICIT = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2"


def read(dataset, grid=GRID, syntax="1.2.840.10008.1.2.1", *, tmp_path, limits=None):
    path = save(dataset, tmp_path / "seg", syntax)
    arguments = {"path": str(path), "grid": grid.to_dict(), "limits": asdict(limits or Limits())}
    return unpacked(seg_task(arguments | {"folder": str(tmp_path)}), tmp_path, grid)


def frames(count, seed=0):
    return np.random.default_rng(seed).random((count, *GRID.shape_zyx[1:])) < 0.4


def volume(planes, slices):
    """(Z, Y, X) with these planes in these slices."""
    array = np.zeros(GRID.shape_zyx, bool)
    for plane, index in zip(planes, slices, strict=True):
        array[index] |= plane
    return array


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", IMPLICIT, DEFLATED])
def test_binary_segments_overlap_and_cover_some_slices_in_any_order(syntax, tmp_path):
    planes, slices = frames(5), [4, 2, 3, 2, 5]
    found = read(seg_dataset(planes, [1, 1, 1, 3, 3], GRID, slices), syntax=syntax, tmp_path=tmp_path)
    np.testing.assert_array_equal(found["one"][0], volume(planes[:3], slices[:3]))
    np.testing.assert_array_equal(found["three"][0], volume(planes[3:], slices[3:]))
    assert not found["two"][0].any()
    assert [notes for _, notes in found.values()] == [(), ("empty: no voxel is marked",), ()]


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", RLE])
@pytest.mark.parametrize("most", [255, 100])
def test_fractional_counts_from_one_half_on(syntax, most, tmp_path):
    values = np.zeros((1, *GRID.shape_zyx[1:]), np.uint8)
    values[0, 1, 1:4] = [most // 2 - 1, most // 2 + 1, most]
    dataset = seg_dataset(values, [1], GRID, [2], kind="FRACTIONAL", bits=8, most=most, labels=["GTV"])
    mask, notes = read(dataset, syntax=syntax, tmp_path=tmp_path)["GTV"]
    assert np.argwhere(mask).tolist() == [[2, 1, 2], [2, 1, 3]]
    assert notes == ("fractional: voxels at or above one half of the largest value were taken",)


def test_fractional_at_exactly_one_half_is_taken(tmp_path):
    values = np.zeros((1, *GRID.shape_zyx[1:]), np.uint8)
    values[0, 1, 1:3] = [49, 50]
    dataset = seg_dataset(values, [1], GRID, [2], kind="FRACTIONAL", bits=8, most=100, labels=["GTV"])
    assert np.argwhere(read(dataset, tmp_path=tmp_path)["GTV"][0]).tolist() == [[2, 1, 2]]


@pytest.mark.parametrize(("bits", "syntax"), [(8, RLE), (16, IMPLICIT)])
def test_a_label_map_is_taken_apart(bits, syntax, tmp_path):
    values = np.random.default_rng(2).integers(0, 4, (6, *GRID.shape_zyx[1:]))
    labels = ["one", "two", "three"]
    dataset = seg_dataset(values, [0] * 6, GRID, range(6), kind="LABELMAP", bits=bits, labels=labels)
    dataset.SegmentSequence.insert(0, segment_item(0, "background"))
    found = read(dataset, syntax=syntax, tmp_path=tmp_path)
    assert list(found) == labels
    for number, label in enumerate(labels, 1):
        np.testing.assert_array_equal(found[label][0], values == number)


def test_a_single_frame_without_any_slice_spacing_lies_on_its_slice(tmp_path):
    measures = {"SpacingBetweenSlices": None, "SliceThickness": ds(30)}
    dataset = seg_dataset(frames(1), [1], GRID, [3], labels=["GTV"], measures=measures)
    np.testing.assert_array_equal(read(dataset, tmp_path=tmp_path)["GTV"][0], volume(frames(1), [3]))


def test_frames_far_apart_stay_single_slices(tmp_path):
    """Empty frames between them were left out; thick slices they are not."""
    measures = {"SpacingBetweenSlices": None, "SliceThickness": ds(3)}
    dataset = seg_dataset(frames(2), [1, 1], GRID, [0, 4], labels=["GTV"], measures=measures)
    mask, notes = read(dataset, tmp_path=tmp_path)["GTV"]
    np.testing.assert_array_equal(mask, volume(frames(2), [0, 4]))
    assert notes == ()


def test_frames_that_are_turned_in_their_plane_come_back_in_place(tmp_path):
    """Rows run to the right and columns upwards: the same pixels, listed from the other corner."""
    turned = Grid(GRID.shape_zyx, GRID.spacing_mm, tuple(GRID.to_lps_mm(np.array([5, 4, 6]))), -AXIAL)
    array = volume(frames(3), [1, 2, 4])
    dataset = seg_dataset(array[::-1, ::-1, ::-1], [1] * 6, turned, range(6), labels=["GTV"])
    mask, notes = read(dataset, tmp_path=tmp_path)["GTV"]
    np.testing.assert_array_equal(mask, array)
    assert notes == (f"drawn on another grid than the image's: {array.sum() * 4.5:.0f} mm3 became "
                     f"{array.sum() * 4.5:.0f} mm3 by the nearest voxel",)  # fmt: skip


def test_sheared_frames_of_a_tilted_gantry_are_laid_on_each_slice(tmp_path):
    positions = GRID.to_lps_mm(np.array([[i, 0, 0] for i in range(3)])) + np.array([[0, float(i), 0] for i in range(3)])
    plane = np.zeros((3, *GRID.shape_zyx[1:]), bool)
    plane[:, 1, 2] = True
    dataset = seg_dataset(plane, [1] * 3, GRID, range(3), labels=["GTV"], positions=positions)
    assert np.argwhere(read(dataset, tmp_path=tmp_path)["GTV"][0]).tolist() == [[0, 1, 2], [1, 2, 2], [2, 3, 2]]


def test_a_finer_grid_is_taken_by_the_nearest_voxel(tmp_path):
    """Two fine slices, rows and columns for each of the image: a box that ends between voxels comes back as it was."""
    fine = Grid((12, 10, 14), (1.5, 0.5, 0.75), tuple(GRID.to_lps_mm(np.full(3, -0.25))))
    array = np.zeros(fine.shape_zyx, bool)
    array[2:8, 2:6, 4:10] = True
    dataset = seg_dataset(array[2:8], [1] * 6, fine, range(2, 8), labels=["GTV"])
    mask, notes = read(dataset, tmp_path=tmp_path)["GTV"]
    expected = np.zeros(GRID.shape_zyx, bool)
    expected[1:4, 1:3, 2:5] = True
    np.testing.assert_array_equal(mask, expected)
    assert notes == ("drawn on another grid than the image's: 81 mm3 became 81 mm3 by the nearest voxel",)


@pytest.mark.parametrize("measures", [{}, {"SpacingBetweenSlices": None}])
@pytest.mark.parametrize("times", [2, 3])
def test_thicker_slices_fill_those_of_the_image(times, measures, tmp_path):
    """Their planes lie between the image's slices, or, three times as thick, on them."""
    x, y, z = GRID.origin_mm
    thick = Grid((2, *GRID.shape_zyx[1:]), (3.0 * times, *GRID.spacing_mm[1:]), (x, y, z + 1.5 * (times - 1)))
    dataset = seg_dataset(frames(2), [1, 1], thick, [0, 1], labels=["GTV"], measures=measures)
    mask, _ = read(dataset, tmp_path=tmp_path)["GTV"]
    np.testing.assert_array_equal(mask, volume(np.repeat(frames(2), times, axis=0), range(2 * times)))


def test_coronal_frames_come_back_in_an_axial_image(tmp_path):
    array = volume(frames(6), range(6))
    coronal = Grid((5, 6, 7), (1.0, 3.0, 1.5), GRID.origin_mm, GRID.direction[:, [1, 0, 2]])
    dataset = seg_dataset(array.transpose(1, 0, 2), [1] * 5, coronal, range(5), labels=["GTV"])
    np.testing.assert_array_equal(read(dataset, tmp_path=tmp_path)["GTV"][0], array)


def test_two_frames_of_a_segment_in_one_slice_are_joined(tmp_path):
    dataset = seg_dataset(frames(2), [1, 1], GRID, [3, 3], labels=["GTV"])
    np.testing.assert_array_equal(read(dataset, tmp_path=tmp_path)["GTV"][0], volume(frames(2), [3, 3]))


def test_what_lies_outside_the_image_is_counted(tmp_path):
    array = np.zeros((8, *GRID.shape_zyx[1:]), bool)
    array[:, 2, 3] = True  # eight slices, of which the image has six
    beyond = GRID.crop((-1, 0, 0), (8, *GRID.shape_zyx[1:]))
    mask, notes = read(seg_dataset(array, [1] * 8, beyond, range(8), labels=["GTV"]), tmp_path=tmp_path)["GTV"]
    assert mask.sum() == 6
    assert notes == ("25.0% of it lies outside the image and was lost",)


def test_in_plane_loss_is_counted_too(tmp_path):
    beside = GRID.crop((0, -3, 0), GRID.shape_zyx)
    array = np.ones((1, *GRID.shape_zyx[1:]), bool)
    mask, notes = read(seg_dataset(array, [1], beside, [0], labels=["GTV"]), tmp_path=tmp_path)["GTV"]
    assert mask.sum() == 2 * 7
    assert notes[-1] == "60.0% of it lies outside the image and was lost"


def test_a_segmentation_elsewhere_is_lost_whole_and_says_so(tmp_path):
    away = Grid(GRID.shape_zyx, (1.0, 1.0, 1.0), (900.0, 900.0, 900.5))
    mask, notes = read(seg_dataset(frames(2), [1, 1], away, [0, 1], labels=["GTV"]), tmp_path=tmp_path)["GTV"]
    assert not mask.any()
    assert notes[-1] == "100.0% of it lies outside the image and was lost"


def test_labels_that_say_nothing_give_way_to_codes_and_doubles_are_told_apart(tmp_path):
    dataset = seg_dataset(frames(6), [1, 2, 3, 4, 5, 6], GRID, range(6), labels=[""] * 6)
    parotid, bone = ("45289007", "Parotid gland"), ("272673000", "Bone")
    dataset.SegmentSequence = [
        segment_item(1, "Segment_1", parotid, "Right"),
        segment_item(2, "first segment", bone),
        segment_item(3, "", bone, "Left"),
        segment_item(4, "Parotid_R", bone),
        segment_item(5, "Tumour 2", bone),
        segment_item(6, "6", ("85756007", "")),
    ]
    found = read(dataset, tmp_path=tmp_path)
    assert list(found) == ["Parotid_R", "Bone", "Left Bone", "Parotid_R (2)", "Tumour 2", "6"]
    assert found["Parotid_R (2)"][1] == ("another segment of the file has the same name",)


def broken(change):
    dataset = seg_dataset(frames(3), [1, 1, 2], GRID, [0, 1, 2], labels=["one", "two"])
    change(dataset)
    return dataset


def drop_positions(dataset):
    del dataset.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence


def drop_spacing(dataset):
    del dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing


def mix(dataset):
    turned = Dataset()
    turned.ImageOrientationPatient = [0, 1, 0, 1, 0, 0]
    dataset.PerFrameFunctionalGroupsSequence[1].PlaneOrientationSequence = [turned]


def skew(dataset):
    dataset.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient = [1, 0, 0, 1, 0, 0]


def move_between_slices(dataset):
    """Off the image's slices, and 3 mm and 4 mm apart."""
    for group, z in zip(dataset.PerFrameFunctionalGroupsSequence, (101.5, 105.5, 108.5), strict=True):
        group.PlanePositionSequence[0].ImagePositionPatient = [-4, 8, z]


def shear_between_slices(dataset):
    for group, z in zip(dataset.PerFrameFunctionalGroupsSequence, (101.5, 104.5, 107.5), strict=True):
        group.PlanePositionSequence[0].ImagePositionPatient = [-4, z - 90, z]


def hide_thickness(dataset):
    move_between_slices(dataset)
    del dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices
    del dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SliceThickness


def name_unknown_segment(dataset):
    dataset.PerFrameFunctionalGroupsSequence[2] = frame_groups(np.zeros(3), 9)


def be_no_seg(dataset):
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.34"


def be_a_slide(dataset):
    dataset.TotalPixelMatrixRows = 100


REFUSED = {
    drop_positions: ("no_geometry", "ImagePositionPatient (0020,0032)"),
    drop_spacing: ("no_geometry", "PixelSpacing (0028,0030)"),
    skew: ("no_geometry", "ImageOrientationPatient (0020,0037)"),
    hide_thickness: ("no_geometry", "SpacingBetweenSlices (0018,0088)"),
    mix: ("mixed_orientations", "(0020,0037)"),
    move_between_slices: ("uneven_spacing", "3.000 mm"),
    shear_between_slices: ("gantry_tilt", "mm"),
    name_unknown_segment: ("broken_seg", "SegmentSequence (0062,0002)"),
    be_no_seg: ("no_seg", "SOPClassUID (0008,0016)"),
    be_a_slide: ("tiled", "slides"),
    lambda d: d.PerFrameFunctionalGroupsSequence.pop(): ("broken_seg", "PerFrameFunctionalGroupsSequence (5200,9230)"),
    lambda d: delattr(d, "SegmentSequence"): ("broken_seg", "breaks the DICOM standard"),
    lambda d: delattr(d, "NumberOfFrames"): ("broken_seg", "NumberOfFrames (0028,0008)"),
    lambda d: setattr(d, "PixelData", d.PixelData[:8]): ("truncated", "PixelData (7FE0,0010)"),
    lambda d: setattr(d, "NumberOfFrames", 2_000_000_000): ("too_large", "MiB"),
}


@pytest.mark.parametrize("change", REFUSED)
def test_what_cannot_be_read_is_refused_by_name(change, tmp_path):
    reason, words = REFUSED[change]
    with pytest.raises(RefusedDicomError) as refused:
        read(broken(change), tmp_path=tmp_path)
    assert refused.value.reason == reason
    assert words in refused.value.message


def test_limits_hold_before_anything_is_decoded(tmp_path, monkeypatch):
    dataset = seg_dataset(np.zeros((40, 600, 600), bool), [1] * 40, GRID, range(40), labels=["one"])
    monkeypatch.setattr(hd.seg.Segmentation, "get_stored_frames", None)
    with pytest.raises(RefusedDicomError) as refused:
        read(dataset, tmp_path=tmp_path, limits=Limits(series_mib=10))
    assert refused.value.reason == "too_large"
    with pytest.raises(RefusedDicomError) as refused:
        read(dataset, tmp_path=tmp_path, limits=Limits(file_mib=1))
    assert refused.value.reason == "too_large"


def test_a_volume_between_slices_is_limited_too(tmp_path):
    """Two frames a hundred metres apart, 0.01 mm thick, would need a volume of millions of slices."""
    positions = np.array([[-4.0, 8.0, 100.4], [-4.0, 8.0, 100100.4]])
    measures = {"SpacingBetweenSlices": ds(0.01)}
    dataset = seg_dataset(frames(2), [1, 1], GRID, [0, 1], labels=["one"], measures=measures, positions=positions)
    with pytest.raises(RefusedDicomError) as refused:
        read(dataset, tmp_path=tmp_path, limits=Limits(series_mib=64))
    assert refused.value.reason == "too_large"


def test_many_segments_on_a_large_image_are_limited(tmp_path):
    dataset = seg_dataset(frames(1), [1], GRID, [0], labels=[f"organ {i}x" for i in range(20)])
    large = Grid((800, 512, 512), (3.0, 1.0, 1.0))
    with pytest.raises(RefusedDicomError, match="20 segments"):
        read(dataset, large, tmp_path=tmp_path, limits=Limits(series_mib=200))


def test_no_refusal_quotes_the_file(tmp_path):
    """A value that cannot be a number ends in a refusal without that value."""
    dataset = seg_dataset(frames(1), [1], GRID, [0], labels=["one"])
    group = dataset.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0]
    group.add_new(0x00200032, "LO", ["Secretname", "8", "100"])
    write(dataset, tmp_path / "seg")
    arguments = {"path": str(tmp_path / "seg"), "grid": GRID.to_dict(), "limits": asdict(Limits())}
    with pytest.raises(RefusedDicomError) as refused:
        seg_task(arguments | {"folder": str(tmp_path)})
    assert "Secret" not in refused.value.message
    assert str(tmp_path) not in refused.value.message
