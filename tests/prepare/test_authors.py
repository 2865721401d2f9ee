import numpy as np
import pytest
import SimpleITK as sitk

from hnseg.geometry import to_sitk
from hnseg.prepare.authors import crop_then_resample, crop_then_resample_mask, crop_to_voxels
from hnseg.prepare.images import prepare_images
from hnseg.prepare.recipe import Recipe
from hnseg.types import BoxMm, Volume

BOX = BoxMm((-71.3, -110.2, -179.1), (69.9, 31.0, -36.4))
RECIPE = Recipe(variant="code")


def by_simpleitk(image: sitk.Image, reference: sitk.Image | None, interpolator: int) -> sitk.Image:
    """Crop by the nearest indices of the corners, then resample; written from the description, in SimpleITK alone."""
    low, high = image.TransformPhysicalPointToIndex(BOX.low_mm), image.TransformPhysicalPointToIndex(BOX.high_mm)
    crop = image[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    target = reference or crop
    return sitk.Resample(
        crop,
        (144, 144, 144),
        sitk.Transform(),
        interpolator,
        target.GetOrigin(),
        (1.0, 1.0, 1.0),
        target.GetDirection(),
        0,
    )


@pytest.mark.parametrize("ct_type", [np.float32, np.int16])
def test_same_as_cropping_and_resampling_with_simpleitk(patient, ct_type):
    ct, pet, mask = patient.ct(), patient.pt(), patient.mask()
    ct = Volume(ct.array.astype(ct_type), ct.grid)
    arrays, grid = crop_then_resample({"ct": ct, "pt": pet}, RECIPE, BOX)
    reference = by_simpleitk(to_sitk(ct), None, sitk.sitkLinear)
    pet_reference = by_simpleitk(to_sitk(pet), reference, sitk.sitkLinear)
    assert grid.origin_mm == pytest.approx(reference.GetOrigin())
    tolerance = 1 if ct_type is np.int16 else 1e-2  # the last bit before the cut to whole numbers
    assert np.abs(arrays["ct"].astype(float) - sitk.GetArrayFromImage(reference)).max() <= tolerance
    expected = sitk.GetArrayFromImage(sitk.Cast(pet_reference, reference.GetPixelID())).astype(float)
    assert arrays["pt"].dtype == ct_type
    assert np.abs(arrays["pt"].astype(float) - expected).max() <= (1 if ct_type is np.int16 else 1e-4)
    assert (np.abs(arrays["pt"].astype(float) - expected) > 1e-4).mean() < 1e-3
    mask_reference = sitk.GetArrayFromImage(by_simpleitk(to_sitk(mask), reference, sitk.sitkNearestNeighbor))
    assert np.array_equal(crop_then_resample_mask(mask, grid, BOX), mask_reference > 0)


def test_borders_are_zero_filled_as_the_authors_have_them(patient):
    images = {"ct": patient.ct(), "pt": patient.pt()}
    arrays, _ = prepare_images(images, RECIPE, BOX)
    assert (arrays["ct"][-1] == 0).all()  # 0 HU is water
    assert (arrays["pt"][:, :, -1] == 0).all()
    assert arrays["ct"].shape == (144, 144, 144)


def test_pet_beside_an_integer_ct_is_cut_to_whole_suv(patient):
    arrays, _ = prepare_images({"ct": patient.ct(), "pt": patient.pt()}, RECIPE, BOX)
    assert set(np.unique(arrays["pt"])) <= set(range(13))


def test_reversed_axis_crops_the_same_patient(patient):
    ct = patient.ct()
    direction = ct.direction.copy()
    direction[:, 0] *= -1
    origin = tuple(ct.grid.to_lps_mm(np.array([ct.grid.shape_zyx[0] - 1, 0, 0])))
    flipped = Volume(ct.array[::-1], type(ct.grid)(ct.grid.shape_zyx, ct.spacing_mm, origin, direction))
    assert crop_to_voxels(flipped, BOX).array.size == pytest.approx(crop_to_voxels(ct, BOX).array.size, rel=0.1)


def test_box_beside_the_image_is_refused(patient):
    with pytest.raises(ValueError, match="no voxel"):
        crop_to_voxels(patient.ct(), BoxMm((900, 900, 900), (1000, 1000, 1000)))
