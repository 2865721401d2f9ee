import numpy as np
import pytest
import torch

from hnseg.inference.predictor import Predictor
from hnseg.inference.settings import InferenceSettings
from hnseg.labels import LabelSet
from hnseg.postprocess import DropSmall, KeepLargest, Postprocess
from hnseg.prepare.intensity import Normalization
from hnseg.prepare.recipe import Recipe
from hnseg.types import AXIAL_DIRECTION, BoxMm, Grid, Volume

CENTRE_LPS_MM = np.array([4.0, -6.0, 9.0])
RADIUS_MM = 9.0


def ball(grid, value):
    """``value`` at the centre, falling by 1 a millimetre: above ``value - RADIUS_MM`` in a ball of that radius."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_zyx], indexing="ij"), axis=-1)
    distance_mm = np.linalg.norm(grid.to_lps_mm(index) - CENTRE_LPS_MM, axis=-1)
    return Volume(np.maximum(value - distance_mm, 0).astype(np.float32), grid)


def around(shape_zyx, spacing_mm, direction):
    """A grid of that shape, turned about the ball's centre."""
    turned = Grid(shape_zyx, spacing_mm, (0.0, 0.0, 0.0), direction)
    middle = turned.to_lps_mm((np.asarray(shape_zyx) - 1) / 2)
    return Grid(shape_zyx, spacing_mm, tuple(CENTRE_LPS_MM - middle + [1.3, -0.7, 2.1]), direction)


@pytest.fixture
def patient(rotation):
    """CT on an oblique anisotropic grid with a flipped axis, PET on a coarser grid turned otherwise."""
    flipped = AXIAL_DIRECTION * np.array([1, -1, 1])
    ct_grid = around((16, 48, 44), (3.0, 0.9, 1.1), rotation((7, -4, 11)) @ flipped)
    pet_grid = around((26, 22, 24), (2.0, 2.2, 2.1), rotation((-3, 5, 2)) @ AXIAL_DIRECTION)
    return {"ct": Volume(np.full(ct_grid.shape_zyx, -50, np.int16), ct_grid), "pt": ball(pet_grid, 2.0 + RADIUS_MM)}


def truth(grid):
    return ball(grid, 2.0 + RADIUS_MM).array > 2.0


def box_mm(half_mm=16.0, source="given"):
    return BoxMm(tuple(CENTRE_LPS_MM - half_mm), tuple(CENTRE_LPS_MM + half_mm), source)


@pytest.mark.parametrize("mode", ["whole", "sliding_window"])
def test_mask_lies_where_the_pet_is_hot_on_an_oblique_ct(pet_threshold, patient, mode):
    predictor = Predictor([pet_threshold()], mode=mode)
    prediction = predictor.predict(patient, "case", box_mm())
    mask, expected = prediction.mask.array > 0, truth(patient["ct"].grid)
    assert prediction.mask.grid is patient["ct"].grid
    assert prediction.mask.array.dtype == np.uint8
    centre = patient["ct"].grid.to_lps_mm(np.argwhere(mask)).mean(axis=0)
    assert np.linalg.norm(centre - CENTRE_LPS_MM) < 0.1  # half a voxel is 0.45 mm
    dice = 2 * (mask & expected).sum() / (mask.sum() + expected.sum())
    assert dice > 0.97
    volume_mm3 = mask.sum() * patient["ct"].grid.voxel_volume_mm3
    assert volume_mm3 == pytest.approx(4 / 3 * np.pi * RADIUS_MM**3, rel=0.05)


def test_whole_image_without_a_box_gives_the_same_as_the_box(pet_threshold, patient):
    predictor = Predictor([pet_threshold()])
    with_box, without = (predictor.predict(patient, "case", box) for box in (box_mm(), None))
    assert (with_box.mask.array != without.mask.array).sum() < 0.02 * with_box.mask.array.sum()
    assert any("whole CT" in note for note in without.notes)
    assert any("published" in note for note in with_box.notes)


def test_nothing_is_marked_outside_the_box(pet_threshold, patient):
    low = BoxMm(
        tuple(CENTRE_LPS_MM - [16, 16, 32]), tuple(CENTRE_LPS_MM + np.array([16, 16, 0]))
    )  # ends at the ball's centre
    mask = Predictor([pet_threshold()]).predict(patient, "case", low).mask
    z_mm = mask.grid.to_lps_mm(np.argwhere(mask.array > 0))[:, 2]
    assert len(z_mm) > 100
    assert z_mm.max() <= CENTRE_LPS_MM[2]
    assert z_mm.max() > CENTRE_LPS_MM[2] - 3


def test_region_is_found_from_the_brain_on_a_tall_scan(pet_threshold):
    grid = Grid((150, 40, 40), (4.0, 6.0, 6.0), (-117.0, -117.0, -300.0))
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_zyx], indexing="ij"), axis=-1)
    where = grid.to_lps_mm(index)
    brain = np.linalg.norm((where - [0, 0, 200]) / [70, 80, 60], axis=-1) < 1
    tumour = np.linalg.norm(where - [10, -20, 100], axis=-1) < 14
    bladder = np.linalg.norm(where - [0, 0, -220], axis=-1) < 40
    pet = Volume((12.0 * brain + 8.0 * tumour + 20.0 * bladder).astype(np.float32), grid)
    ct = Volume(np.zeros(grid.shape_zyx, np.int16), grid)
    recipe = Recipe(spacing_mm=(4, 4, 4), box_size_mm=(144, 144, 144))
    prediction = Predictor([pet_threshold(recipe=recipe)]).predict({"ct": ct, "pt": pet}, "tall")
    found = prediction.mask.array > 0
    assert any("brain" in note and "mm" in note for note in prediction.notes)
    assert found[tumour].mean() > 0.7
    assert not found[bladder].any()


def test_probabilities_come_back_on_the_same_grid(pet_threshold, patient):
    prediction = Predictor([pet_threshold(threshold=0.3)]).predict(patient, "case", box_mm(), save_probabilities=True)
    probability = prediction.probabilities["GTVt"]
    assert probability.grid is patient["ct"].grid
    assert probability.array.dtype == np.float32
    assert np.array_equal(probability.array > 0.3, prediction.mask.array > 0)
    assert Predictor([pet_threshold()]).predict(patient, "case", box_mm()).probabilities == {}


def test_predict_prepared_is_the_mean_of_the_members(checkpoint):
    members = [checkpoint(seed=seed) for seed in (0, 1)]
    image = torch.randn(2, 32, 16, 16)
    expected = torch.stack([Predictor([member]).predict_prepared(image) for member in members]).mean(dim=0)
    torch.testing.assert_close(Predictor(members).predict_prepared(image), expected)


def test_several_structures_with_softmax(checkpoint, patient):
    labels = LabelSet(("GTVp", "GTVn"), "softmax")
    loaded = checkpoint(
        net={"_target_": "hnseg.models.UNet", "in_channels": 2, "out_channels": 3, "filters": 2},
        labels=labels,
        recipe=Recipe(label_names=labels.names, regions=("published",), box_size_mm=(32, 32, 32)),
    )
    prediction = Predictor([loaded]).predict(patient, "case", box_mm(), save_probabilities=True)
    assert prediction.label_names == ("GTVp", "GTVn")
    assert list(prediction.probabilities) == ["GTVp", "GTVn"]
    assert prediction.mask.array.max() <= 2


def test_2d_network_on_a_volume(checkpoint, patient):
    loaded = checkpoint(
        net={"_target_": "hnseg.models.UNet", "in_channels": 2, "out_channels": 1, "filters": 2, "spatial_dims": 2},
        normalization=Normalization(("ct", "pt"), 2),
        inference=type(checkpoint().inference)((1, 32, 32), view="slices"),
    )
    prediction = Predictor([loaded], batch_size=8).predict(patient, "case", box_mm())
    assert prediction.mask.grid is patient["ct"].grid


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize(("spatial_dims", "window"), [(3, (16, 16, 16)), (3, None), (2, (1, 16, 16)), (2, None)])
def test_outlined_while_it_walks_is_outlined_the_same(
    checkpoint, patient, activation, spatial_dims, window, monkeypatch
):
    labels = LabelSet(("GTVp", "GTVn"), activation)
    net = {"_target_": "hnseg.models.UNet", "in_channels": 2, "out_channels": labels.channels, "filters": 2}
    loaded = checkpoint(
        net={**net, "spatial_dims": spatial_dims},
        labels=labels,
        recipe=Recipe(label_names=labels.names, regions=("image",), box_size_mm=None, spacing_mm=(4, 3, 3)),
        normalization=Normalization(("ct", "pt"), spatial_dims),
        inference=InferenceSettings(window),
        threshold=0.5 - 1e-3,
    )
    predictor = Predictor([loaded], batch_size=16)
    whole = predictor.predict(patient, "case", save_probabilities=True).mask.array
    assert len(np.unique(whole)) > 1
    monkeypatch.setattr(type(predictor.groups[0]), "__call__", None)  # no map of everything
    assert np.array_equal(predictor.predict(patient, "case").mask.array, whole)


def test_missing_modality_is_named(pet_threshold, patient):
    with pytest.raises(ValueError, match=r"case has no pt; the network needs \['ct', 'pt'\]"):
        Predictor([pet_threshold()]).predict({"ct": patient["ct"]}, "case", box_mm())


def test_answer_that_is_not_finite_is_no_empty_mask(checkpoint, patient):
    broken = checkpoint()
    broken.state_dict[next(iter(broken.state_dict))].fill_(float("nan"))
    with pytest.raises(ValueError, match=r"not finite.*precision=32"):
        Predictor([broken]).predict(patient, "case", box_mm())


def test_lightning_is_not_imported():
    import subprocess
    import sys

    code = (
        "import sys, hnseg.inference; assert 'pytorch_lightning' not in sys.modules; assert 'hydra' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_sd_and_uncertainty_of_several_networks(pet_threshold, patient):
    grid = Grid((32, 32, 32), (1.0, 1.0, 1.0), tuple(CENTRE_LPS_MM - 15.5))  # the prepared one: nothing to interpolate
    images = {"ct": Volume(np.zeros(grid.shape_zyx, np.int16), grid), "pt": patient["pt"]}
    members = [pet_threshold(suv=suv) for suv in (1.0, 2.0, 4.0)]
    several = Predictor(members).predict(images, "case", box_mm(), save_probabilities=True)
    alone = [Predictor([member]).predict(images, "case", box_mm(), save_probabilities=True) for member in members]
    probabilities = np.stack([prediction.probabilities["GTVt"].array for prediction in alone])
    np.testing.assert_allclose(several.probabilities["GTVt"].array, probabilities.mean(axis=0), atol=1e-6)
    sd, inside = several.probability_sds["GTVt"], several.mask.array > 0
    assert sd.grid is grid
    assert sd.array.dtype == np.float32
    np.testing.assert_allclose(sd.array, probabilities.std(axis=0), atol=1e-6)
    assert several.uncertainty["GTVt"] == pytest.approx(probabilities.std(axis=0)[inside].mean(), rel=1e-5)
    assert 0.01 < several.uncertainty["GTVt"] < sd.array.max() <= 0.5


def test_uncertainty_is_0_where_networks_agree_and_none_for_one_alone(pet_threshold, patient):
    agreeing = Predictor([pet_threshold()] * 3).predict(patient, "case", box_mm())
    assert agreeing.uncertainty == {"GTVt": 0.0}
    assert agreeing.probability_sds == {}
    alone = Predictor([pet_threshold()]).predict(patient, "case", box_mm(), save_probabilities=True)
    assert (alone.uncertainty, alone.probability_sds) == ({}, {})
    blind = Predictor([pet_threshold(suv=90.0), pet_threshold(suv=80.0)]).predict(patient, "case", box_mm())
    assert blind.uncertainty == {"GTVt": None}


@pytest.fixture
def two_lesions(patient):
    """A second, smaller lesion of 4 mm radius, in a corner of the box."""
    grid = patient["pt"].grid
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_zyx], indexing="ij"), axis=-1)
    distance_mm = np.linalg.norm(grid.to_lps_mm(index) - CENTRE_LPS_MM - 9.0, axis=-1)
    second = np.maximum(2.0 + 4.0 - distance_mm, 0).astype(np.float32)
    return {**patient, "pt": Volume(np.maximum(patient["pt"].array, second), grid)}


def test_checkpoints_chain_is_applied_unless_another_is_chosen(pet_threshold, two_lesions):
    carrying = pet_threshold(postprocess=Postprocess({"keep_largest": KeepLargest()}).to_dict())
    raw = Predictor([carrying], postprocess=Postprocess()).predict(two_lesions, "case", box_mm())
    kept = Predictor([carrying]).predict(two_lesions, "case", box_mm())
    volume_mm3 = raw.mask.grid.voxel_volume_mm3
    dropped = (raw.mask.array > 0) & (kept.mask.array == 0)
    assert 100 < dropped.sum() * volume_mm3 < 400
    assert not ((raw.mask.array == 0) & (kept.mask.array > 0)).any()
    huge = Postprocess({"drop_small": DropSmall(min_volume_mm3=1e6)})
    assert Predictor([carrying], postprocess=huge).predict(two_lesions, "case", box_mm()).mask.array.max() == 0


class Doubtful:
    """A refining chain that halves the probabilities and remembers the scene."""

    refines = True

    def refine(self, probabilities, scene, labels):
        self.scene, self.before = scene, probabilities.clone()
        return probabilities / 2

    def clean(self, mask, labels, clicks=None):
        return mask


def test_a_refining_chain_sees_raw_images_and_leaves_the_saved_probabilities_alone(pet_threshold, patient):
    chain = Doubtful()
    member = pet_threshold(threshold=0.3)
    refined = Predictor([member], postprocess=chain).predict(patient, "case", box_mm(), save_probabilities=True)
    own = Predictor([member]).predict(patient, "case", box_mm(), save_probabilities=True)
    assert np.array_equal(refined.probabilities["GTVt"].array, own.probabilities["GTVt"].array)
    unsaved = Predictor([member], postprocess=Doubtful()).predict(patient, "case", box_mm())
    assert np.array_equal(unsaved.mask.array, refined.mask.array)
    stricter = Predictor([pet_threshold(threshold=0.6)]).predict(patient, "case", box_mm())
    assert np.array_equal(refined.mask.array, stricter.mask.array)
    assert refined.mask.array.sum() < own.mask.array.sum()
    assert (chain.scene.modalities, chain.scene.spacing_mm) == (("ct", "pt"), (1.0, 1.0, 1.0))
    assert chain.scene.image[0].unique().tolist() == [-50.0]
    assert 9 < chain.scene.image[1].max() <= 2.0 + RADIUS_MM


def test_a_chain_for_other_structures_is_refused_before_any_patient(pet_threshold):
    with pytest.raises(ValueError, match=r"GTVn.*GTVt"):
        Predictor([pet_threshold()], postprocess=Postprocess({"keep": KeepLargest(structures=["GTVn"])}))


def test_members_that_carry_different_chains(pet_threshold):
    other = pet_threshold(name="other.ckpt", postprocess=Postprocess({"keep": KeepLargest()}).to_dict())
    with pytest.raises(ValueError, match="carry different post-processing"):
        Predictor([pet_threshold(), other])
    assert not Predictor([pet_threshold(), other], postprocess=Postprocess()).postprocess
