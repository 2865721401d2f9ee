"""Clicks on patients whose CT lies askew: they reach networks and filter where they were made, or are an error."""

import numpy as np
import pytest

from hnseg.inference.predictor import Predictor
from hnseg.inference.settings import InferenceSettings
from hnseg.postprocess import ClickFilter, KeepLargest, Postprocess
from hnseg.prepare.intensity import Normalization, Standardise
from hnseg.prepare.recipe import Recipe
from hnseg.types import AXIAL_DIRECTION, BoxMm, Click, Grid, Volume

CENTRE_LPS_MM = np.array([24.0, -36.0, 9.0])
FIRST, SECOND = (18.0, -36.0, 6.0), (30.0, -30.0, 14.0)
"""Middles of two hot balls of 4 and 3 mm."""
COLD = CENTRE_LPS_MM + np.array([-9.0, 4.0, 6.0])
BOX = BoxMm(tuple(CENTRE_LPS_MM - 16), tuple(CENTRE_LPS_MM + 16))
WIDE = Recipe(regions=("image",), box_size_mm=None, spacing_mm=(2.0, 2.0, 2.0))
FILTER = Postprocess({"filter": ClickFilter()})


def around(shape_zyx, spacing_mm, direction):
    turned = Grid(shape_zyx, spacing_mm, (0.0, 0.0, 0.0), direction)
    middle = turned.to_lps_mm((np.asarray(shape_zyx) - 1) / 2)
    return Grid(shape_zyx, spacing_mm, tuple(CENTRE_LPS_MM - middle), direction)


def distance_mm(grid, place):
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_zyx], indexing="ij"), axis=-1)
    return np.linalg.norm(grid.to_lps_mm(index) - place, axis=-1)


@pytest.fixture
def patient(rotation):
    """CT on an oblique grid with a flipped axis, all of it tissue; PET with two hot balls."""
    flipped = AXIAL_DIRECTION * np.array([1, -1, 1])
    ct_grid = around((16, 48, 44), (3.0, 0.9, 1.1), rotation((7, -4, 11)) @ flipped)
    pet_grid = around((30, 30, 30), (2.0, 2.0, 2.0), AXIAL_DIRECTION)
    pet = np.maximum(6 - distance_mm(pet_grid, FIRST), 5 - distance_mm(pet_grid, SECOND)).clip(0)
    ct = Volume(np.full(ct_grid.shape_zyx, -50, np.int16), ct_grid)
    return {"ct": ct, "pt": Volume(pet.astype(np.float32), pet_grid)}


def near(mask, place, radius_mm=3.0):
    """Part of the voxels near a place that are outlined."""
    return (mask.array > 0)[distance_mm(mask.grid, place) < radius_mm].mean()


def positive(place):
    return Click(tuple(float(v) for v in place), "GTVt")


def negative(place):
    return Click(tuple(float(v) for v in place), None)


def test_a_filter_keeps_what_was_clicked_on_in_the_patient(pet_threshold, patient):
    predictor = Predictor([pet_threshold()], postprocess=FILTER)
    raw = Predictor([pet_threshold()]).predict(patient, "A", BOX).mask
    assert near(raw, FIRST, 2) == near(raw, SECOND, 2) == 1
    for place, other in ((FIRST, SECOND), (SECOND, FIRST)):
        mask = predictor.predict(patient, "A", BOX, clicks=[positive(place)]).mask
        assert (near(mask, place, 2), near(mask, other, 5)) == (1, 0)
    np.testing.assert_array_equal(predictor.predict(patient, "A", BOX).mask.array, raw.array)
    assert not predictor.predict(patient, "A", BOX, clicks=[]).mask.array.any()
    both = predictor.predict(patient, "A", BOX, clicks=[positive(FIRST), positive(SECOND)]).mask
    np.testing.assert_array_equal(both.array, raw.array)


def test_a_network_sees_clicks_where_they_were_made(clickable, patient):
    predictor = Predictor([clickable()])
    without = predictor.predict(patient, "A", BOX).mask
    assert (near(without, FIRST, 2), near(without, COLD)) == (1, 0)
    clicked = predictor.predict(patient, "A", BOX, clicks=[positive(COLD), negative(FIRST)]).mask
    assert (near(clicked, FIRST, 2), near(clicked, COLD)) == (0, 1)
    assert near(clicked, SECOND, 2) == 1
    np.testing.assert_array_equal(predictor.predict(patient, "A", BOX, clicks=[]).mask.array, without.array)


@pytest.mark.parametrize("how", ["slabs", "probabilities", "several", "2d", "unlike"])
def test_clicks_reach_networks_on_every_road(clickable, patient, how):
    members = {
        "several": lambda: [clickable(2.0), clickable(3.0)],
        "2d": lambda: [clickable(spatial_dims=2, inference=InferenceSettings(None))],
        "unlike": lambda: [clickable(), clickable(recipe=WIDE)],
    }.get(how, lambda: [clickable()])()
    predictor = Predictor(members)
    column = [
        positive(COLD + np.array([0, 0, step + 0.25])) for step in range(-3, 3)
    ]  # a 2-D network sees one in its slice
    for clicks, part in ((column, 1), ([], 0)):
        asked = predictor.predict(patient, "A", BOX, save_probabilities=how == "probabilities", clicks=clicks)
        assert near(asked.mask, COLD, 2) == part


def test_networks_and_filter_together(clickable, pet_threshold, patient):
    """One network of two is shown clicks, the filter is on the patient's grid: the first ball alone is left."""
    predictor = Predictor([clickable(), pet_threshold(recipe=WIDE)], postprocess=FILTER)
    mask = predictor.predict(patient, "A", BOX, clicks=[positive(FIRST)]).mask
    assert near(mask, FIRST, 2) == 1
    assert near(mask, SECOND) == 0


def test_probabilities_that_are_refined_are_filtered_too(pet_threshold, patient):
    from hnseg.postprocess import Crf

    crf = Crf(iterations=1, form="window", window_voxels=3, position_weight=0.1, bilateral_weight=0.1)
    chain = Postprocess({"crf": crf, "filter": ClickFilter()})
    mask = Predictor([pet_threshold()], postprocess=chain).predict(patient, "A", BOX, clicks=[positive(SECOND)]).mask
    assert near(mask, SECOND, 1.5) == 1
    assert near(mask, FIRST) == 0


def test_predict_prepared_with_clicks(clickable):
    import torch

    from hnseg.types import Clicks

    image = torch.zeros(2, 8, 8, 8)
    clicks = Clicks(np.array([[4.0, 4.0, 4.0]]), np.array([1], np.uint8), (1.0, 1.0, 1.0))
    predictor = Predictor([clickable()])
    assert predictor.predict_prepared(image, clicks=clicks)[0, 4, 4, 4] > 0.99
    assert predictor.predict_prepared(image)[0, 4, 4, 4] < 0.1


@pytest.mark.parametrize(
    ("click", "says"),
    [
        (
            positive(CENTRE_LPS_MM * [-1, -1, 1]),
            r"A: positive click 1, at LPS \(-24\.0, 36\.0, 9\.0\) mm, .* outside the",
        ),
        (Click(FIRST, "GTVn"), r"'GTVn', expected one of \['GTVt'\]"),
        (
            positive(CENTRE_LPS_MM + np.array([0, 0, 18])),
            r"lies in the image, but 2\.0 mm outside the region that the network",
        ),
    ],
)
def test_clicks_that_cannot_be_meant(clickable, patient, click, says):
    with pytest.raises(ValueError, match=says):
        Predictor([clickable()]).predict(patient, "A", BOX, clicks=[click])


def test_a_click_in_the_air(clickable, patient):
    patient["ct"].array[:, :, :22] = -1000
    place = patient["ct"].grid.to_lps_mm(np.array([8, 24, 4]))
    with pytest.raises(
        ValueError, match=r"voxel \(4\.0, 24\.0, 8\.0\) in x, y, z, lies in the air, (19|2\d) mm outside"
    ):
        Predictor([clickable()]).predict(patient, "A", clicks=[positive(place)])


def test_clicks_that_nothing_looks_at(pet_threshold, clickable, patient):
    keep = Postprocess({"keep": KeepLargest()})
    with pytest.raises(ValueError, match="the networks take none"):
        Predictor([pet_threshold()], postprocess=keep).predict(patient, "A", BOX, clicks=[positive(FIRST)])
    Predictor([pet_threshold()], postprocess=keep).predict(patient, "A", BOX, clicks=[])
    with pytest.raises(ValueError, match="negative clicks were given"):
        Predictor([clickable(negatives=0)]).predict(patient, "A", BOX, clicks=[negative(FIRST)])
    with pytest.raises(ValueError, match="negative clicks were given"):
        Predictor([pet_threshold()], postprocess=FILTER).predict(patient, "A", BOX, clicks=[negative(FIRST)])


def test_pet_alone(checkpoint, patient):
    """Image and body are those of the PET where a network needs no CT."""
    import torch

    shape = {"in_channels": 1, "out_channels": 1, "kernel_size": 1}
    network = torch.nn.Conv3d(**shape)
    torch.nn.init.constant_(network.weight, 1.0)
    torch.nn.init.constant_(network.bias, -2.0)
    alone = checkpoint(
        net={"_target_": "torch.nn.Conv3d", **shape},
        network=network,
        recipe=Recipe(modalities=("pt",), regions=("image",), box_size_mm=None, spacing_mm=(2.0, 2.0, 2.0)),
        normalization=Normalization(("pt",), pt=Standardise(0, 1)),
        trust=("torch.nn",),
    )
    predictor = Predictor([alone], postprocess=FILTER)
    pet = {"pt": patient["pt"]}
    mask = predictor.predict(pet, "A", clicks=[positive(SECOND)]).mask
    assert mask.grid is patient["pt"].grid
    assert (near(mask, SECOND, 2), near(mask, FIRST, 5)) == (1, 0)
    with pytest.raises(ValueError, match="in the air"):
        predictor.predict(pet, "A", clicks=[positive(CENTRE_LPS_MM - [26, 0, 0])])
