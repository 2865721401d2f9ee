import cv2
import numpy as np
import pytest

from hnseg.prepare.recipe import Recipe
from hnseg.prepare.slice_masks import positive_area, positive_linear, slice_label_map
from hnseg.types import Grid, Volume

SIZES = [(512, 512), (400, 400), (144, 144), (72, 72), (128, 128), (90, 260), (129, 127)]


def block(*pixels):
    mask = np.zeros((12, 12), bool)
    for row, column in pixels:
        mask[4 + row, 4 + column] = True
    return mask


def disk(centre, radius=20, size=512):
    y, x = np.mgrid[:size, :size]
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


CENTRAL = [(1, 1), (1, 2), (2, 1), (2, 2)]
BORDER = [(0, column) for column in range(4)] + [(3, column) for column in range(4)] + [(1, 0), (2, 0), (1, 3), (2, 3)]


@pytest.mark.parametrize(
    ("pixels", "paper", "code"),
    [
        (BORDER[:4], False, False),
        (BORDER[:5], True, False),
        (BORDER, True, False),
        (CENTRAL, False, True),
        (CENTRAL[:1] + BORDER[:3], False, False),
        (CENTRAL[:1] + BORDER[:4], True, False),
        (CENTRAL[1:3], False, True),
        (CENTRAL[:2] + BORDER[:3], True, True),
    ],
)
def test_five_of_sixteen_or_two_of_the_central_four(pixels, paper, code):
    mask = block(*pixels)
    expected = np.zeros((3, 3), bool)
    expected[1, 1] = True
    assert (positive_area(mask, (3, 3)) == (expected & paper)).all()
    assert (positive_linear(mask, (3, 3)) == (expected & code)).all()


def test_figures_of_a_disk_of_radius_20():
    mask = disk((258, 258.5))
    assert positive_area(mask, (128, 128)).sum() == 83
    assert positive_linear(mask, (128, 128)).sum() == 79


def test_rules_differ_by_a_third_of_a_random_mask():
    mask = np.random.default_rng(0).random((512, 512)) < 0.3
    paper, code = positive_area(mask, (128, 128)), positive_linear(mask, (128, 128))
    assert 0.25 < (paper != code).mean() < 0.4


@pytest.mark.parametrize("size", SIZES)
def test_code_rule_is_opencvs_resize_above_a_quarter(size):
    mask = np.random.default_rng(1).random(size) < 0.3
    resized = cv2.resize(mask.astype(float), (128, 128))
    sure = np.abs(resized - 0.25) > 1e-6  # OpenCV rounds its weights
    ours = positive_linear(mask, (128, 128))
    assert (ours == (resized > 0.25))[sure].all()
    assert sure.mean() > 0.5


@pytest.mark.parametrize("size", [(512, 512), (9, 15), (6, 6)])
def test_area_rule_counts_whole_pixels_where_they_divide(size):
    mask = np.random.default_rng(2).random(size) < 0.3
    small = (size[0] // 3, size[1] // 3) if size[0] < 100 else (128, 128)
    factors = size[0] // small[0], size[1] // small[1]
    share = mask.reshape(small[0], factors[0], small[1], factors[1]).sum(axis=(1, 3)) * 16
    assert (positive_area(mask, small) == (share >= 5 * factors[0] * factors[1])).all()


@pytest.mark.parametrize("size", SIZES)
def test_area_rule_by_a_fine_raster(size):
    mask = np.random.default_rng(3).random((size[0] // 8, size[1] // 8)) < 0.4
    small = 5, 7
    fine = np.repeat(np.repeat(mask, small[0], axis=0), small[1], axis=1)
    share = fine.reshape(small[0], mask.shape[0], small[1], mask.shape[1]).sum(axis=(1, 3))
    assert (positive_area(mask, small) == (16 * share >= 5 * mask.size)).all()


@pytest.mark.parametrize("positive", [positive_area, positive_linear])
def test_full_empty_and_unchanged_slices(positive):
    assert positive(np.ones((100, 37), bool), (128, 128)).all()
    assert not positive(np.zeros((100, 37), bool), (128, 128)).any()
    mask = np.random.default_rng(4).random((40, 30)) < 0.5
    assert (positive(mask, mask.shape) == mask).all()
    assert (positive(mask[::-1, ::-1], (20, 10)) == positive(mask, (20, 10))[::-1, ::-1]).all()


def test_later_names_stay_and_slices_go_from_below():
    grid = Grid((3, 16, 16), (3.0, 1.0, 1.0), direction=np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]]))
    one, other = np.zeros((2, 3, 16, 16), bool)
    one[0, :8], other[0, 4:12] = True, True
    recipe = Recipe(("pt",), ("GTVp", "GTVn", "GTVx"), regions=("rainio2024",), slice_size_yx=(4, 4))
    labels = slice_label_map({"GTVp": Volume(one, grid), "GTVn": Volume(other, grid)}, recipe, grid)
    assert labels.dtype == np.uint8
    assert labels[2, :, 0].tolist() == [1, 2, 2, 0]
    assert not labels[:2].any()


@pytest.mark.parametrize("variant", ["paper", "code"])
def test_mask_on_another_grid_comes_to_the_images_first(variant):
    image_grid = Grid((4, 64, 64), (3.0, 2.0, 2.0), (-64.0, -64.0, 10.0))
    fine = Grid((24, 128, 128), (1.0, 1.0, 1.0), (-64.5, -64.5, 4.0))
    inside = np.zeros(fine.shape_zyx, bool)
    inside[6:12, 40:80, 20:60] = True  # the slices at 10 and 13 mm
    recipe = Recipe(("pt",), ("GTV",), regions=("rainio2024",), slice_size_yx=(32, 32), variant=variant)
    labels = slice_label_map({"GTV": Volume(inside, fine)}, recipe, image_grid)
    expected = np.zeros((4, 32, 32), np.uint8)
    expected[:2, 10:20, 5:15] = 1
    assert (labels == expected).all()
