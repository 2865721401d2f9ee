import itertools
import math

import numpy as np
import pytest
from scipy import ndimage

from hnseg.radiomics import DEFAULTS, Settings, extract

CT = Settings(bin_width=25.0)
ISOTROPIC = (1.5, 1.5, 1.5)
KINDS = {"shape": 14, "firstorder": 18, "glcm": 24, "gldm": 14, "glrlm": 16, "glszm": 16, "ngtdm": 5}


def patient(seed=0, shape=(9, 10, 11)):
    rng = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(rng.normal(size=shape), 1) * 400
    mask = ndimage.gaussian_filter(rng.normal(size=shape), 1.5) > 0
    mask[:2] = mask[:, -1] = False
    return image, mask


def of_kind(found, *kinds):
    return {name: value for name, value in found.items() if name.split("_")[1] in kinds}


TEXTURES = ("glcm", "gldm", "glrlm", "glszm", "ngtdm")


def test_has_all_features_of_pyradiomics() -> None:
    found = extract(*patient(), ISOTROPIC, CT)
    assert len(found) == 107
    assert {kind: len(of_kind(found, kind)) for kind in KINDS} == KINDS
    assert all(name.startswith("original_") and math.isfinite(value) for name, value in found.items())
    assert all(type(value) is float for value in found.values())


def test_only_the_mask_is_looked_at() -> None:
    image, mask = patient()
    found = extract(image, mask, ISOTROPIC, CT)
    other = np.where(mask, image, np.nan)
    padding = ((2, 0), (0, 5), (1, 1))
    padded = extract(np.pad(other, padding, constant_values=np.inf), np.pad(mask, padding), ISOTROPIC, CT)
    assert padded == pytest.approx(found)
    assert extract(image, mask.astype(np.uint8) * 3, ISOTROPIC, CT) == found


@pytest.mark.parametrize("flips", [f for n in (1, 2, 3) for f in itertools.combinations(range(3), n)])
def test_mirrored_it_is_the_same(flips) -> None:
    image, mask = patient(1)
    found = extract(np.flip(image, flips), np.flip(mask, flips), (3.0, 1.0, 0.8), CT)
    assert found == pytest.approx(extract(image, mask, (3.0, 1.0, 0.8), CT), rel=1e-6)


@pytest.mark.parametrize("axes", [(1, 2), (0, 1), (0, 2)])
def test_turned_by_a_right_angle_only_the_planes_change_names(axes) -> None:
    image, mask = patient(2)
    found = extract(image, mask, ISOTROPIC, CT)
    turned = extract(np.rot90(image, 1, axes), np.rot90(mask, 1, axes), ISOTROPIC, CT)
    planes = [f"original_shape_Maximum2DDiameter{plane}" for plane in ("Slice", "Column", "Row")]
    expected = dict(found)
    expected[planes[axes[0]]], expected[planes[axes[1]]] = found[planes[axes[1]]], found[planes[axes[0]]]
    assert turned == pytest.approx(expected, rel=1e-6)


def test_a_shift_by_whole_bins_changes_no_texture() -> None:
    image, mask = patient(3)
    found, shifted = (extract(image + by, mask, ISOTROPIC, CT) for by in (0, 75))
    assert of_kind(shifted, *TEXTURES) == pytest.approx(of_kind(found, *TEXTURES))
    assert shifted["original_firstorder_Mean"] == pytest.approx(found["original_firstorder_Mean"] + 75)
    counted = Settings(bin_count=16)
    found, scaled = (extract(image * by, mask, ISOTROPIC, counted) for by in (1, 4))
    assert of_kind(scaled, *TEXTURES) == pytest.approx(of_kind(found, *TEXTURES))


def test_spacing_counts_for_shape_and_total_energy_alone() -> None:
    image, mask = patient(4)
    unit, apart = (extract(image, mask, spacing, CT) for spacing in ((1, 1, 1), (3, 1, 1)))
    moved = {name for name in unit if unit[name] != apart[name]}
    assert moved <= {*of_kind(unit, "shape"), "original_firstorder_TotalEnergy"}
    assert {"original_shape_MeshVolume", "original_firstorder_TotalEnergy"} <= moved
    assert extract(image, mask, (3, 1, 1), Settings(bin_width=25.0, ignore_spacing=True)) == unit


def test_within_slices_their_order_does_not_count() -> None:
    image, mask = patient(7)
    order = np.array([3, 8, 0, 5, 1, 7, 2, 6, 4])
    flat, deep = (Settings(bin_width=25.0, force_2d=force_2d) for force_2d in (True, False))
    for settings, same in ((flat, True), (deep, False)):
        found, shuffled = (extract(image[o], mask[o], ISOTROPIC, settings) for o in (slice(None), order))
        for kind in TEXTURES:
            assert (of_kind(shuffled, kind) == pytest.approx(of_kind(found, kind))) == same, kind


def test_resegmentation_spares_the_shape() -> None:
    image, mask = patient(5)
    whole = extract(image, mask, ISOTROPIC, CT)
    part = extract(image, mask, ISOTROPIC, Settings(bin_width=25.0, resegment_range=(-50, 100)))
    inside = mask & (image >= -50) & (image <= 100)
    assert of_kind(part, "shape") == of_kind(whole, "shape")
    alone = extract(image, inside, ISOTROPIC, CT)
    rest = [kind for kind in KINDS if kind != "shape"]
    assert of_kind(part, *rest) == of_kind(alone, *rest) != of_kind(whole, *rest)


def test_compact_types_are_as_good_as_floats() -> None:
    image, mask = patient(6)
    whole = np.round(image)
    assert extract(whole.astype(np.int16), mask, ISOTROPIC, CT) == extract(whole, mask, ISOTROPIC, CT)
    suv = (np.abs(image) / 50).astype(np.float16)
    assert extract(suv, mask, ISOTROPIC, DEFAULTS["pt"]) == extract(suv.astype(float), mask, ISOTROPIC, DEFAULTS["pt"])


def test_a_single_voxel_has_no_pairs_and_no_lines() -> None:
    mask = np.zeros((3, 3, 3), bool)
    mask[1, 1, 1] = True
    found = extract(np.full((3, 3, 3), 40.0), mask, ISOTROPIC, CT)
    unknown = {name for name, value in found.items() if math.isnan(value)}
    assert unknown == {
        *of_kind(found, "glcm", "glrlm"), "original_shape_Elongation", "original_shape_Flatness"
    }  # fmt: skip


def test_a_flat_region_has_every_feature() -> None:
    mask = patient()[1]
    assert all(math.isfinite(value) for value in extract(np.full(mask.shape, 40.0), mask, ISOTROPIC, CT).values())


IMAGE, MASK = patient()


@pytest.mark.parametrize(
    ("image", "mask", "spacing", "settings", "said"),
    [
        (IMAGE, np.zeros_like(MASK), ISOTROPIC, CT, "mask is empty"),
        (IMAGE[1:], MASK, ISOTROPIC, CT, "must have one shape"),
        (IMAGE[0], MASK[0], ISOTROPIC, CT, "must have one shape"),
        (np.where(MASK, np.nan, IMAGE), MASK, ISOTROPIC, CT, "are not finite"),
        (np.where(MASK, np.inf, IMAGE), MASK, ISOTROPIC, CT, "are not finite"),
        (IMAGE, MASK, (1, 0, 1), CT, "spacing"),
        (IMAGE, MASK, (1, math.nan, 1), CT, "spacing"),
        (IMAGE, MASK, ISOTROPIC, Settings(bin_width=1, resegment_range=(5e4, 6e4)), "resegmentation leaves none"),
    ],
)
def test_refuses_what_cannot_be_measured(image, mask, spacing, settings, said) -> None:
    with pytest.raises(ValueError, match=said):
        extract(image, mask, spacing, settings)
