"""Real structure sets against the masks that others made of them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from hnseg.geometry.contour_mask import contour_mask
from hnseg.io import read_volume
from hnseg.io.dicom.rtstruct import read_rtstruct
from hnseg.io.dicom.scan import scan
from hnseg.io.dicom.stack import stack

ROOT = os.environ.get("HNSEG_REAL_DATA")
PLASTIMATCH = shutil.which("plastimatch", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not ROOT, reason="HNSEG_REAL_DATA does not name a folder with real scans"),
]
VISIBLE_HUMAN, SARCOMA_GE = "visible_human_rtstruct", "sts001_ge_fdg_pet"
SARCOMA = {"CT": "sts002_ibsi/CT", "PET": "sts002_ibsi/PET"}


@pytest.fixture(scope="module")
def read():
    """Grid, structures by name and path of the structure set in a folder below dicom; each is read once."""
    known = {}

    def read_one(folder):
        if folder not in known:
            headers = scan(Path(ROOT) / "dicom" / folder).headers
            series = stack([h for h in headers if h.modality in ("CT", "PT")])
            (structure_set,) = [h for h in headers if h.modality == "RTSTRUCT"]
            structures = {roi.name: roi for roi in read_rtstruct(structure_set)}
            known[folder] = (series, structures, structure_set.path)
        return known[folder]

    return read_one


def fill(series, roi):
    mask, notes = contour_mask(roi.contours, series.grid)
    assert roi.notes == notes == ()
    assert roi.frame_uid == series.frame_uid
    return mask


def dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())


@pytest.mark.parametrize("modality", SARCOMA)
def test_sarcoma_masks_equal_the_published_ones(read, modality):
    series, structures, _ = read(SARCOMA[modality])
    published = read_volume(Path(ROOT) / "petct" / "sts_ibsi" / "STS_002" / f"{modality}_mask.nii.gz")
    assert published.grid.matches(series.grid, 0.01)
    (roi,) = structures.values()
    np.testing.assert_array_equal(fill(series, roi), published.array > 0)


def test_pet_contours_fill_the_same_volume_on_the_ct(read):
    ct, pet_contours = read(SARCOMA["CT"])[0], read(SARCOMA["PET"])[1]["GTV_Mass_PET"].contours
    mask, _ = contour_mask(pet_contours, ct.grid)
    assert mask.sum() * ct.grid.voxel_volume_mm3 == pytest.approx(contour_volume_mm3(pet_contours), rel=0.01)


@pytest.mark.parametrize(("name", "slices", "ml"), [("GTV_Mass", 31, 365.2), ("GTV_Edema", 43, 580.6)])
def test_all_contours_of_the_ge_pet_are_used(read, name, slices, ml):
    series, structures, _ = read(SARCOMA_GE)
    mask = fill(series, structures[name])
    assert mask.any(axis=(1, 2)).sum() == slices == len({points[0, 2] for points in structures[name].contours})
    assert contour_volume_mm3(structures[name].contours) / 1000 == pytest.approx(ml, abs=0.1)
    assert mask.sum() * series.grid.voxel_volume_mm3 / 1000 == pytest.approx(ml, rel=0.01)


@pytest.mark.parametrize(("name", "lowest_dice"), [("BODY", 0.994), ("SpinalCord", 0.93)])
def test_visible_human_differs_from_the_reference_by_its_rounding_alone(read, name, lowest_dice):
    """The reference was drawn with every point rounded to a voxel and the outline's own voxels filled; ours was not."""
    series, structures, _ = read(VISIBLE_HUMAN)
    labels = read_volume(Path(ROOT) / "dicom" / VISIBLE_HUMAN / "Mask.nii.gz").array
    reference = labels > 0 if name == "BODY" else labels == 1
    rounded = np.zeros(reference.shape, np.uint8)
    for points_mm in structures[name].contours:
        z, y, x = np.floor(series.grid.to_index_zyx(points_mm) + 0.5).astype(np.int32).T
        cv2.fillPoly(rounded[z[0]], [np.column_stack([x, y])], 1)
    np.testing.assert_array_equal(rounded > 0, reference)
    assert dice(fill(series, structures[name]), reference) > lowest_dice


@pytest.mark.skipif(PLASTIMATCH is None, reason="plastimatch is not installed")
@pytest.mark.parametrize("folder", [VISIBLE_HUMAN, SARCOMA_GE, *SARCOMA.values()])
def test_plastimatch_fills_the_same_voxels(read, tmp_path, folder):
    series, structures, structure_set = read(folder)
    images = tmp_path / "images"
    images.mkdir()
    for i, file in enumerate(series.files):
        shutil.copy(file.path, images / f"{i}.dcm")
    command = [PLASTIMATCH, "convert", "--input", structure_set, "--referenced-ct", images]
    command += ["--output-prefix", tmp_path / "masks", "--prefix-format", "nrrd"]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    for name, roi in structures.items():
        theirs = read_volume(tmp_path / "masks" / f"{name}.nrrd")
        assert theirs.grid.matches(series.grid, 0.01)
        unlike = np.argwhere(fill(series, roi) ^ (theirs.array > 0))
        # it has another rule for a centre exactly on an edge; about any other voxel both agree
        assert all(edge_distance(voxel, roi, series.grid) < 1e-6 for voxel in unlike), f"{name}: {len(unlike)} voxels"
        assert len(unlike) < 1e-4 * np.count_nonzero(theirs.array)


def edge_distance(voxel_zyx, roi, grid):
    """Voxels between a centre and the nearest edge in its slice."""
    distances = []
    for points_mm in roi.contours:
        index = grid.to_index_zyx(points_mm)
        if abs(index[0, 0] - voxel_zyx[0]) < 0.1:
            start, along = index[:, 1:], np.roll(index, -1, axis=0)[:, 1:] - index[:, 1:]
            to_voxel = voxel_zyx[1:] - start
            part = np.clip((to_voxel * along).sum(1) / np.maximum((along**2).sum(1), 1e-12), 0, 1)
            distances.append(np.linalg.norm(to_voxel - part[:, None] * along, axis=1).min())
    return min(distances)


def contour_volume_mm3(contours):
    """Polygons by the shoelace formula, times their distance."""
    areas = [abs(np.sum(p[:, 0] * np.roll(p[:, 1], -1) - p[:, 1] * np.roll(p[:, 0], -1))) / 2 for p in contours]
    return sum(areas) * float(np.median(np.diff(np.unique([points[0, 2] for points in contours]))))
