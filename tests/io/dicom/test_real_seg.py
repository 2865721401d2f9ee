import os
from dataclasses import asdict
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest

from hnseg.io import read_volume
from hnseg.io.dicom.objects import Limits, RefusedDicomError, Series
from hnseg.io.dicom.seg import seg_task, write_seg
from hnseg.io.dicom.seg_read import unpacked
from hnseg.types import Grid
from tests.io.dicom.making import header_of
from tests.io.dicom.seg_making import AXIAL, in_order, marked_lps_mm

ROOT = os.environ.get("HNSEG_REAL_DATA")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not ROOT, reason="HNSEG_REAL_DATA does not name a folder with real scans"),
]
DICOM = Path(ROOT or ".") / "dicom"
DCMQI, HIGHDICOM = DICOM / "dcmqi_ct_seg" / "segmentations", DICOM / "highdicom_ct_seg"
FLAVOURS = ("binary", "binary_fractional", "binary_overlap", "binary_single_frame", "true_fractional")


def read(path, grid, folder):
    arguments = {"path": str(path), "grid": grid.to_dict(), "limits": asdict(Limits()), "folder": str(folder)}
    return unpacked(seg_task(arguments), folder, grid)


def series_of(files, descending=False):
    """Axial files as a series, sorted here by z, without hnseg's own stacking."""
    sets = {path: pydicom.dcmread(path, stop_before_pixels=True) for path in files}
    headers = sorted((header_of(d, p) for p, d in sets.items()), key=lambda h: h.image.position_lps_mm[2])
    first = headers[0].image
    step = headers[1].image.position_lps_mm[2] - first.position_lps_mm[2]
    grid = Grid(
        (len(headers), first.rows, first.columns), (step, *first.pixel_spacing_mm), first.position_lps_mm, AXIAL
    )
    return Series("ct", tuple(headers), grid, np.zeros((len(headers), 2)))


def test_dcmqi_liver_equals_its_nrrd(tmp_path):
    truth = read_volume(DCMQI / "liver_seg.nrrd")
    found = read(DCMQI / "liver.dcm", truth.grid, tmp_path)
    assert list(found) == ["Liver"]
    np.testing.assert_array_equal(found["Liver"][0], truth.array == 1)
    assert found["Liver"][1] == ()
    # the same from the grid of the CT files, which have no reference to the NRRD
    ct = series_of((DCMQI / "ct-3slice").glob("*.dcm"))
    assert ct.grid.matches(truth.grid)


def test_dcmqi_segments_that_overlap_equal_their_nrrds(tmp_path):
    truths = [read_volume(DCMQI / f"partial_overlaps-{n}.nrrd") for n in (1, 2, 3)]
    found = read(DCMQI / "partial_overlaps.dcm", truths[0].grid, tmp_path)
    assert list(found) == ["GREEN", "ORANGE", "PURPLE", "LIGHT_BLUE", "DARK_BLUE"]
    for value, (mask, notes) in enumerate(found.values(), 1):
        expected = np.any([truth.array == value for truth in truths], axis=0)
        assert expected.sum() > 4000
        np.testing.assert_array_equal(mask, expected)
        assert notes == ()


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_highdicom_flavours_read_as_highdicom_reads_them(flavour, tmp_path):
    path = HIGHDICOM / f"seg_image_ct_{flavour}.dcm"
    theirs = hd.seg.segread(path).get_volume()
    spacing = np.linalg.norm(theirs.affine[:3, :3], axis=0)
    grid = Grid(theirs.spatial_shape, tuple(spacing), tuple(theirs.affine[:3, 3]), theirs.affine[:3, :3] / spacing)
    found = read(path, grid, tmp_path)
    assert list(found) == ["Bone", "Spine"][: theirs.array.shape[3]]  # the labels are "first segment", ...
    for index, (mask, _) in enumerate(found.values()):
        assert mask.any()
        np.testing.assert_array_equal(mask, theirs.array[..., index] >= 0.5)


@pytest.mark.parametrize("name", ["sr_document.dcm", "sr_document_with_multiple_groups.dcm", "ct_image.dcm"])
def test_other_objects_are_no_segmentations(name, tmp_path):
    with pytest.raises(RefusedDicomError) as refused:
        read(HIGHDICOM / name, Grid((1, 4, 4), (1.0, 1.0, 1.0)), tmp_path)
    assert refused.value.reason == "no_seg"


@pytest.mark.parametrize("folder", ["hn_ct_picker", "dcmqi_ct_seg/segmentations/ct-3slice", "visible_human_rtstruct"])
def test_masks_on_real_series_come_back_in_place(folder, tmp_path):
    series = series_of(path for path in (DICOM / folder).glob("*.dcm") if not path.name.startswith("RS"))
    rng, shape = np.random.default_rng(3), series.grid.shape_zyx
    masks = {"Parotid_L": rng.random(shape) < 0.01, "GTVp": np.zeros(shape, bool), "Brain": rng.random(shape) < 0.01}
    masks["GTVp"][-1, -1, -1] = True
    write_seg(tmp_path / "seg", masks, series)
    points = marked_lps_mm(tmp_path / "seg")
    for name, (mask, notes) in read(tmp_path / "seg", series.grid, tmp_path).items():
        np.testing.assert_array_equal(mask, masks[name])
        assert notes == ()
        expected = in_order(series.grid.to_lps_mm(np.argwhere(mask)))
        np.testing.assert_allclose(points[name], expected, atol=1e-3)
