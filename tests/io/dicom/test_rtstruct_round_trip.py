"""Masks to an RT Structure Set and back, through hnseg's reader, one written here, and plastimatch's."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from matplotlib.path import Path as Polygon

from hnseg.geometry.contour_mask import contour_mask
from hnseg.io import read_volume, write_volume
from hnseg.io.dicom.rtstruct import read_rtstruct
from hnseg.io.dicom.rtstruct_write import write_rtstruct
from hnseg.io.dicom.stack import stack
from hnseg.types import Grid, Volume
from tests.io.dicom import making

PLASTIMATCH = shutil.which("plastimatch", path=str(Path(sys.executable).parent)) or shutil.which("plastimatch")
SHAPE = (7, 26, 30)


def rotation(*degrees):
    matrix = np.eye(3)
    for axis, angle in enumerate(np.deg2rad(degrees)):
        turn = np.eye(3)
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turn[[i, i, j, j], [i, j, i, j]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        matrix = turn @ matrix
    return matrix


def directions(row, column):
    """Direction of a grid whose images have these axes: normal, column, row."""
    return np.column_stack([np.cross(row, column), column, row]).astype(float)


DIRECTIONS = {
    "axial": directions((1, 0, 0), (0, 1, 0)),
    "feet first": directions((-1, 0, 0), (0, 1, 0)),
    "prone": directions((-1, 0, 0), (0, -1, 0)),
    "mirrored in y": directions((1, 0, 0), (0, -1, 0)),
    "coronal": directions((1, 0, 0), (0, 0, -1)),
    "sagittal": directions((0, 1, 0), (0, 0, -1)),
    "oblique": rotation(13, -22, 31) @ directions((1, 0, 0), (0, 1, 0)),
    "oblique feet first": rotation(-7, 11, 4) @ directions((-1, 0, 0), (0, 1, 0)),
}
"""A mirrored image axis is what libraries call a negative spacing: DICOM itself has only positive ones."""


def series_on(direction, tmp_path, tilt_deg=0.0, **options):
    grid = Grid(SHAPE, (2.5, 1.1, 0.9765625), (-213.4375, 101.7, -987.65), direction)
    shift_mm = np.outer(np.arange(SHAPE[0]) * 2.5 * np.tan(np.deg2rad(tilt_deg)), direction[:, 1])
    positions = [grid.to_lps_mm(np.array([i, 0, 0])) + shift_mm[i] for i in range(SHAPE[0])]
    file_tags = [{"ImagePositionPatient": [making.ds(v) for v in position]} for position in positions]
    if tilt_deg:
        options["tags"] = {"GantryDetectorTilt": making.ds(tilt_deg)}
    headers = making.write_series(tmp_path / "ct", np.zeros(SHAPE), grid, file_tags=file_tags, **options)
    return stack(headers[::-1])  # from the last to the first, as descending series come


def structures_in(shape):
    """Everything that is hard about a mask, in a volume of at least ``SHAPE``."""
    z, y, x = np.mgrid[: shape[0], : shape[1], : shape[2]]
    masks = {"Ball": ((z - 3) / 3) ** 2 + ((y - 13) / 11) ** 2 + ((x - 16) / 9) ** 2 < 1}
    ring = np.maximum(abs(y - 12), abs(x - 12))
    masks["Island"] = ((ring < 10) & (ring > 5) | (ring < 3)) & (z > 1)
    masks["Holes"] = (y % 4 > 0) & (x % 5 > 0) & (z == 4) & (y < 13)
    masks["Parts"] = (abs(y - 12) < 4) & ((x < 8) | (x > 14)) & ((z < 2) | (z > 4))
    masks["Border"] = (y < 3) | (x < 2)
    masks["Whole"] = z < 2
    masks["Ring"] = (ring == 6) & (z > 2)
    masks["Noise"] = (np.random.default_rng(3).random(shape) < 0.6) & (z == 2) & (y > 9)
    for voxels in range(1, 6):
        masks[f"Voxels{voxels}"] = np.zeros(shape, bool)
        masks[f"Voxels{voxels}"][3, (7, 7, 8, 9, 9)[:voxels], (7, 8, 9, 9, 8)[:voxels]] = True
    return masks


def read_plainly(path, series):
    """Structure name to mask: each contour in the pixels of the very image that it names, filled by even-odd."""
    dataset = pydicom.dcmread(path)
    images = {file.sop_uid: (index, file.image) for index, file in enumerate(series.files)}
    centres = np.argwhere(np.ones(series.grid.shape_zyx[1:]))
    names = {roi.ROINumber: roi.ROIName for roi in dataset.StructureSetROISequence}
    masks = {name: np.zeros(series.grid.shape_zyx, bool) for name in names.values()}
    for drawing in dataset.ROIContourSequence:
        for contour in drawing.get("ContourSequence", []):
            index, image = images[contour.ContourImageSequence[0].ReferencedSOPInstanceUID]
            row, column = np.reshape(image.orientation, (2, 3))
            away_mm = np.reshape(np.array(contour.ContourData, float), (-1, 3)) - image.position_lps_mm
            assert abs(away_mm @ np.cross(row, column)).max() < 0.001
            in_pixels = np.column_stack([away_mm @ column, away_mm @ row]) / image.pixel_spacing_mm
            inside = Polygon(in_pixels + series.shift_px[index], closed=False).contains_points(centres)
            masks[names[drawing.ReferencedROINumber]][index] ^= inside.reshape(series.grid.shape_zyx[1:])
    return masks


def contours_of(path):
    dataset = pydicom.dcmread(path)
    names = {roi.ROINumber: roi.ROIName for roi in dataset.StructureSetROISequence}
    return {
        names[drawing.ReferencedROINumber]: [
            np.reshape(np.array(contour.ContourData, float), (-1, 3)) for contour in drawing.get("ContourSequence", [])
        ]
        for drawing in dataset.ROIContourSequence
    }


def check_same(found, masks):
    assert list(found) == list(masks)
    for name, mask in masks.items():
        np.testing.assert_array_equal(found[name], mask, err_msg=name)


@pytest.mark.parametrize("name", DIRECTIONS)
def test_masks_come_back_voxel_by_voxel_whatever_way_the_patient_lay(name, tmp_path):
    series = series_on(DIRECTIONS[name], tmp_path)
    masks = structures_in(series.grid.shape_zyx)
    write_rtstruct(tmp_path / "structures.dcm", masks, series)
    check_same(read_plainly(tmp_path / "structures.dcm", series), masks)
    found = {k: contour_mask(v, series.grid)[0] for k, v in contours_of(tmp_path / "structures.dcm").items()}
    check_same(found, masks)


@pytest.mark.parametrize("tilt_deg", [18.5, -12.0])
def test_masks_of_a_tilted_gantry_come_back_in_the_planes_of_the_images(tilt_deg, tmp_path):
    series = series_on(DIRECTIONS["axial"], tmp_path, tilt_deg)
    assert abs(series.tilt_deg) == pytest.approx(abs(tilt_deg), abs=0.1)
    masks = structures_in(series.grid.shape_zyx)
    write_rtstruct(tmp_path / "structures.dcm", masks, series)
    check_same(read_plainly(tmp_path / "structures.dcm", series), masks)
    found = {k: contour_mask(v, series.grid)[0] for k, v in contours_of(tmp_path / "structures.dcm").items()}
    check_same(found, masks)


def test_positions_that_a_scanner_rounded_keep_contours_in_the_planes_of_their_images(tmp_path):
    series = series_on(DIRECTIONS["oblique"], tmp_path)
    near = np.random.default_rng(0).uniform(-0.004, 0.004, (SHAPE[0], 3))
    moved = making.make_headers(
        series.grid,
        file_tags=[
            {"ImagePositionPatient": list(map(making.ds, series.files[i].image.position_lps_mm + near[i]))}
            for i in range(SHAPE[0])
        ],
    )
    assert moved[0].sop_uid == series.files[0].sop_uid
    series = stack([replace(file, path=old.path) for file, old in zip(moved, series.files, strict=True)])
    masks = structures_in(series.grid.shape_zyx)
    write_rtstruct(tmp_path / "structures.dcm", masks, series)
    check_same(read_plainly(tmp_path / "structures.dcm", series), masks)


def test_hnsegs_own_reader_gives_names_frame_and_contours(tmp_path):
    series = series_on(DIRECTIONS["axial"], tmp_path)
    masks = structures_in(series.grid.shape_zyx) | {"Nothing": np.zeros(SHAPE, bool)}
    path = tmp_path / "structures.dcm"
    write_rtstruct(path, masks, series)
    rois = read_rtstruct(making.header_of(pydicom.dcmread(path), path))
    assert [roi.number for roi in rois] == list(range(1, len(masks) + 1))
    assert {roi.frame_uid for roi in rois} == {series.frame_uid}
    assert all(roi.notes == () for roi in rois)
    check_same({roi.name: contour_mask(roi.contours, series.grid)[0] for roi in rois}, masks)


@pytest.mark.skipif(PLASTIMATCH is None, reason="plastimatch is not installed")
@pytest.mark.parametrize("name", ["axial", "feet first", "prone"])
def test_plastimatch_reads_the_same_masks(name, tmp_path):
    series = series_on(DIRECTIONS[name], tmp_path)
    masks = structures_in(series.grid.shape_zyx)
    write_rtstruct(tmp_path / "structures.dcm", masks, series)
    # It fills on axes along those of the patient, and takes the place of the voxels from an image.
    upright = Grid(
        SHAPE, series.grid.spacing_mm, tuple(series.grid.extent_mm[0] + np.array(series.grid.spacing_mm[::-1]) / 2)
    )
    write_volume(Volume(np.zeros(SHAPE, np.int16), upright), tmp_path / "upright.nrrd")
    files = {"--input": "structures.dcm", "--referenced-ct": "ct", "--fixed": "upright.nrrd", "--output-prefix": "out"}
    arguments = [text for key, value in files.items() for text in (key, str(tmp_path / value))]
    subprocess.run([PLASTIMATCH, "convert", *arguments, "--prefix-format", "nrrd"], check=True, capture_output=True)
    flipped = [axis for axis in range(3) if series.grid.direction[:, axis].sum() < 0]
    for structure, mask in masks.items():
        theirs = read_volume(tmp_path / "out" / f"{structure}.nrrd")
        assert theirs.grid.matches(upright, 1e-3)
        ours = np.flip(mask, flipped)
        dice = 2 * np.sum(ours & (theirs.array > 0)) / (ours.sum() + np.sum(theirs.array > 0))
        assert dice > 0.98, f"{structure}: {dice}"
