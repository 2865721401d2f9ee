"""All features against pyradiomics 3.0.1, where it is installed (it needs a compiler, and Python below 3.12)."""

import logging

import numpy as np
import pytest
import SimpleITK as sitk

from hnseg.radiomics import Settings, extract
from tests.radiomics.test_extract import patient
from tests.radiomics.test_shape import MESH

SPACING_MM = (3.0, 1.0, 0.8)
VARIANTS = {
    "width": (Settings(bin_width=25), {"binWidth": 25}),
    "count": (Settings(bin_count=16, energy_shift=300), {"binCount": 16, "voxelArrayShift": 300}),
    "slices": (Settings(bin_width=50, force_2d=True), {"binWidth": 50, "force2D": True}),
    "sigma": (
        Settings(bin_width=25, resegment_sigma=1.5),
        {"binWidth": 25, "resegmentRange": [-1.5, 1.5], "resegmentMode": "sigma"},
    ),
    "range": (
        Settings(bin_width=25, resegment_range=(-100, 90)),
        {"binWidth": 25, "resegmentRange": [-100, 90]},
    ),
}

CRACKED = {"tumour": 0.02, "slice": 0.05, "scattered": 0.35}
"""Masks with voxels that touch along an edge or in a corner only, and by how much the meshes may differ."""


def scenes():
    noise = np.random.default_rng(7)
    image, scattered = noise.normal(size=(9, 10, 11)) * 100, noise.random((9, 10, 11)) < 0.1
    slice_alone, row = np.zeros_like(scattered), np.zeros_like(scattered)
    slice_alone[4] = noise.random((10, 11)) < 0.7
    row[4, 3] = True
    masks = {"scattered": scattered, "slice": slice_alone, "row": row}
    box = np.zeros((9, 10, 11), bool)
    box[2:7, 3:8, 1:10] = True
    return {"tumour": patient(8), **{name: (image, mask) for name, mask in masks.items()}, "box": (image, box)} | {
        "flat": (np.full(box.shape, 50.0), box)
    }


def theirs(image, mask, **settings):
    extractor = pytest.importorskip("radiomics.featureextractor", reason="pyradiomics is not installed")
    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    pair = sitk.GetImageFromArray(image), sitk.GetImageFromArray(mask.astype(np.uint8))
    for one in pair:
        one.SetSpacing(SPACING_MM[::-1])
    found = extractor.RadiomicsFeatureExtractor(additionalInfo=False, minimumROIDimensions=1, **settings).execute(*pair)
    return {name: float(value) for name, value in found.items()}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("scene", scenes())
def test_every_feature_is_that_of_pyradiomics(scene, variant, monkeypatch) -> None:
    monkeypatch.setattr(np, "float", float, raising=False)  # pyradiomics uses it, numpy 1.24 took it away
    (image, mask), (settings, their_settings) = scenes()[scene], VARIANTS[variant]
    expected, found = theirs(image, mask, **their_settings), extract(image, mask, SPACING_MM, settings)
    assert set(found) == set(expected)
    for name, value in expected.items():
        tolerance = {"rel": 1e-9, "abs": 1e-7 if "Length" in name else 1e-11}
        if scene in CRACKED and name.removeprefix("original_shape_") in MESH:
            tolerance = {"rel": CRACKED[scene]}
        assert found[name] == pytest.approx(value, nan_ok=True, **tolerance), name
