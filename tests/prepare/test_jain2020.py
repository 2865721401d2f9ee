import numpy as np
import pytest

from hnseg.prepare.box import choose_box
from hnseg.prepare.images import prepare_images
from hnseg.prepare.jain2020 import jain2020_grid
from hnseg.prepare.recipe import Recipe, RegionNotFoundError
from hnseg.types import Grid, Volume

PDDCA = Grid((156, 512, 512), (2.5, 0.98, 0.98), (-250.0, -240.0, 30.0))
RECIPE = Recipe(modalities=("ct",), regions=("jain2020",), box_size_mm=None, spacing_mm=(9.0, 9.0, 9.0))


def test_crop_of_a_scan_of_156_slices():
    grid = jain2020_grid(PDDCA)
    assert grid.shape_zyx == (105, 280, 280)
    assert grid.matches(PDDCA.crop((50, 55, 120), (105, 280, 280)), 1e-9)


@pytest.mark.parametrize(("slices", "kept"), [(76, 76 - 25), (100, 99 - 32), (1, 0), (3, 2)])
def test_slices_are_rounded_up(slices, kept):
    grid = Grid((slices, 512, 512), (2.5, 1.0, 1.0))
    if kept:
        assert jain2020_grid(grid).shape_zyx[0] == kept
    else:
        with pytest.raises(RegionNotFoundError):
            jain2020_grid(grid)


def test_smaller_image_gives_a_smaller_crop_or_none():
    assert jain2020_grid(Grid((100, 300, 256), (2.5, 1.0, 1.0))).shape_zyx == (67, 245, 136)
    with pytest.raises(RegionNotFoundError, match="120 columns and 55 rows, the image has 120 and 300"):
        jain2020_grid(Grid((100, 300, 120), (2.5, 1.0, 1.0)))


@pytest.mark.parametrize(
    ("order", "flips"), [((0, 1, 2), ()), ((0, 1, 2), (0,)), ((2, 1, 0), ()), ((0, 2, 1), (0, 1, 2))]
)
def test_voxels_are_kept_as_they_are_and_of_the_same_part_of_the_patient(patient, order, flips):
    grid = Grid((12, 70, 130), (2.5, 0.98, 0.98), (-250.0, -240.0, 30.0))
    ct = Volume(np.random.default_rng(0).integers(-1000, 3000, grid.shape_zyx).astype(np.int16), grid)
    stored = patient.turned(ct, order, flips)
    box, _ = choose_box({"ct": stored}, None, RECIPE)
    arrays, prepared = prepare_images({"ct": stored}, RECIPE, box)
    assert (arrays["ct"] == ct.array[4:12, 55:, 120:]).all()
    assert prepared.spacing_mm == pytest.approx((2.5, 0.98, 0.98))


def test_box_is_that_of_the_crop():
    ct = Volume(np.zeros(PDDCA.shape_zyx, np.int8), PDDCA)
    box, _ = choose_box({"ct": ct}, None, RECIPE)
    assert box.low_mm == pytest.approx((-250 + 119.5 * 0.98, -240 + 54.5 * 0.98, 30 + 49.5 * 2.5))
    assert box.high_mm == pytest.approx((-250 + 399.5 * 0.98, -240 + 334.5 * 0.98, 30 + 154.5 * 2.5))
