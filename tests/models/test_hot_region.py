import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from hnseg.models.hot_region import hot_region, hot_regions
from hnseg.types import Clicks

ROW = np.array([[1.0, 8, 10, 5, 4, 1, 9, 9, 1]])
MM = (1.0, 1.0)


def along(index, **how):
    """Which voxels of the row a click outlines."""
    return np.flatnonzero(hot_region(ROW, np.array([[0, index]]), MM, **{"snap_mm": 1.0, **how})[0]).tolist()


def blobs(spatial_dims, seed=0):
    """A smooth image of several hot places; (*s) SUV."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).random((14, 18, 16)[-spatial_dims:]), 1.5)
    return 0.2 + 12 * ((smooth - smooth.min()) / np.ptp(smooth)) ** 3


def test_by_hand():
    assert along(3) == [1, 2, 3]  # 41 % of the 10 beside the click
    assert along(3, share=0.4) == [1, 2, 3, 4]
    assert along(3, share=1.0) == [2]
    assert along(3, snap_mm=0.5) == [1, 2, 3, 4]  # 41 % of the 5 that was clicked on
    assert along(3, reach_mm=1.0) == [2, 3]
    assert along(3, method="fixed") == [1, 2, 3, 4]
    assert along(3, method="fixed", fixed_suv=4.5) == [1, 2, 3]
    assert along(7) == [6, 7]
    assert along(5) == [6, 7]  # what is hottest near it


def test_by_hand_with_negative_clicks():
    assert along(3, negatives=np.array([[0, 1]])) == [2, 3]  # what is as far from both stays
    assert along(3, negatives=np.array([[0, 2]])) == [3, 4]  # the hottest is given up: 41 % of 5
    assert along(3, negatives=np.array([[0, 0], [0, 4], [0, 7]])) == [1, 2, 3]  # these are in nothing hot, or elsewhere
    assert along(3, negatives=np.array([[0, 3]])) == [1, 2, 3]  # who says both is taken for a yes


def test_what_was_cut_off_does_not_come_back_with_a_lower_peak():
    pet = np.array([[5.0] * 8, [4, 6, 6, 9, 20, 9, 6, 6]])  # first 41 % of 20 are hot, then of 9
    click = {"index": np.array([[1, 2]]), "snap_mm": 2.0}
    assert hot_region(pet, spacing_mm=MM, **click).tolist() == [[False] * 8, [False] * 3 + [True] * 3 + [False] * 2]
    cut = hot_region(pet, spacing_mm=MM, negatives=np.array([[1, 4]]), **click)
    assert cut.tolist() == [[True] * 4 + [False] * 4] * 2


def test_several_clicks_are_a_union_and_each_has_its_own_maximum():
    region = hot_region(ROW, np.array([[0, 2], [0, 7]]), MM, snap_mm=1.0)
    assert np.flatnonzero(region[0]).tolist() == [1, 2, 3, 6, 7]


def test_structures_are_negative_for_each_other():
    pet = np.full((1, 9), 5.0)
    clicks = Clicks(np.array([[0.0, 1], [0, 6], [0, 8]]), np.array([2, 1, 0], np.uint8), MM)
    assert hot_regions(pet, clicks).tolist() == [[2, 2, 2, 2, 1, 1, 1, 1, 0]]
    assert hot_regions(pet, Clicks.none(MM)).max() == 0


def test_what_two_structures_share_is_the_nearer_ones():
    pet = np.array([[10.0, 5, 5, 5, 3, 3]])  # 41 % of 10 reaches to voxel 3, of 5 to the end
    clicks = Clicks(np.array([[0.0, 0], [0, 4]]), np.array([1, 2], np.uint8), MM)
    how = {"snap_mm": 1.0}
    assert hot_region(pet, clicks.index[:1], MM, negatives=clicks.index[1:], **how).tolist() == [
        [True] * 4 + [False] * 2
    ]
    assert hot_regions(pet, clicks, **how).tolist() == [[1, 1, 1, 2, 2, 2]]
    turned = Clicks(clicks.index, np.array([2, 1], np.uint8), MM)
    assert hot_regions(pet, turned, **how).tolist() == [[2, 2, 1, 1, 1, 1]]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("method", ["share", "fixed"])
def test_equals_simpleitks_connected_threshold(method, spatial_dims, seed):
    pet, spacing = blobs(spatial_dims, seed), (3.0, 1.0, 1.5)[-spatial_dims:]
    click = np.random.default_rng(seed).integers(2, 12, spatial_dims)
    far_mm = np.linalg.norm((np.indices(pet.shape).T - click) * spacing, axis=-1).T
    snap_mm, reach_mm = 3.0, 9.0
    seed_voxel = np.unravel_index(np.where(far_mm <= snap_mm, pet, -1).argmax(), pet.shape)
    least = 0.6 * pet[seed_voxel] if method == "share" else 0.8 * pet[seed_voxel]
    full = sitk.ConnectedThresholdImageFilter.FullConnectivity
    image = sitk.GetImageFromArray(np.where(far_mm <= reach_mm, pet, -1).astype(np.float32))
    place = [int(i) for i in reversed(seed_voxel)]
    expected = sitk.GetArrayFromImage(sitk.ConnectedThreshold(image, [place], float(least), 1e9, 1, full))
    how = {"share": 0.6, "fixed_suv": least}
    region = hot_region(pet, click[None], spacing, method=method, snap_mm=snap_mm, reach_mm=reach_mm, **how)
    assert np.array_equal(region, expected.astype(bool))
    assert 1 < region.sum() < pet.size / 2


def test_neighbours_share_a_corner():
    pet = np.zeros((3, 3, 3))
    pet[0, 0, 0] = pet[1, 1, 1] = pet[2, 2, 2] = 4
    assert hot_region(pet, np.array([[0, 0, 0]]), (1.0, 1.0, 1.0), snap_mm=1.0).sum() == 3


@pytest.mark.parametrize("method", ["share", "fixed", "random_walker"])
def test_nothing_is_outlined_without_a_click_or_in_air(method):
    pet = np.zeros((7, 7))
    assert not hot_region(pet + 5, np.zeros((0, 2)), MM, method=method).any()
    assert not hot_region(pet, np.array([[3, 3]]), MM, method=method).any()
    assert not hot_region(pet - 1, np.array([[3, 3]]), MM, method=method).any()
    assert not hot_region(pet + 2, np.array([[3, 3]]), MM, method="fixed").any()


@pytest.mark.parametrize("method", ["share", "random_walker"])
def test_mirrored_images_have_mirrored_regions_and_the_unit_does_not_matter(method):
    pet, click = blobs(3), np.array([[6, 8, 9]])
    region = hot_region(pet, click, (2.0, 1.0, 1.0), method=method, reach_mm=8.0)
    mirrored = hot_region(pet[:, ::-1], np.array([[6, 17 - 8, 9]]), (2.0, 1.0, 1.0), method=method, reach_mm=8.0)
    assert np.array_equal(mirrored[:, ::-1], region)
    assert np.array_equal(hot_region(1000 * pet, click, (2.0, 1.0, 1.0), method=method, reach_mm=8.0), region)


def test_a_click_between_voxels_belongs_to_the_one_that_holds_it():
    pet = blobs(2)
    at = [hot_region(pet, np.array([index]), MM) for index in ((5, 7), (5.4, 6.6), (4.6, 7.4))]
    assert np.array_equal(at[0], at[1])
    assert np.array_equal(at[0], at[2])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "otsu"}, "use share, fixed, random_walker"),
        ({"share": 41}, "usually 0.41"),
        ({"share": 0}, "above 0"),
        ({"fixed_suv": -1}, "fixed SUV is -1"),
        ({"reach_mm": 0}, "reach_mm is 0"),
        ({"snap_mm": 0}, "snap_mm is 0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        hot_region(ROW, np.zeros((0, 2)), MM, **wrong)


def test_a_click_outside_the_image_is_ours_to_find():
    with pytest.raises(AssertionError, match="outside"):
        hot_region(ROW, np.array([[0, 9]]), MM)
