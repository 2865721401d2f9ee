"""Unlike networks are the mean of what each of them leaves as probabilities on the patient's own grid."""

import numpy as np
import pytest
import torch

from hnseg.inference import parts
from hnseg.inference.mixture import Answer, Mixture
from hnseg.inference.predictor import Predictor
from hnseg.inference.settings import InferenceSettings
from hnseg.labels import LabelSet
from hnseg.postprocess import Crf, DropSmall, Postprocess
from hnseg.prepare.intensity import Normalization, Standardise
from hnseg.prepare.recipe import Recipe
from hnseg.types import AXIAL_DIRECTION, BoxMm, Grid, Volume

COARSE = Recipe(spacing_mm=(2.0, 1.5, 1.5), regions=("image",), box_size_mm=None)
BOX = Recipe(regions=("published",), box_size_mm=(24, 24, 24))
WHERE = BoxMm((-12.0, -12.0, -6.0), (12.0, 12.0, 18.0))


@pytest.fixture
def patient(rotation):
    """CT askew, and PET that rises and falls over all of it."""
    grid = Grid((14, 40, 36), (3.0, 1.1, 1.2), (-19.0, -22.0, -18.0), rotation((4, -3, 8)) @ AXIAL_DIRECTION)
    pet_grid = Grid((30, 30, 30), (2.0, 2.0, 2.0), (-29.0, -29.0, -29.0))
    z, y, x = np.meshgrid(*[np.arange(n) / 3 for n in pet_grid.shape_zyx], indexing="ij")
    pet = (2.5 + np.sin(z) + np.sin(y) + np.sin(x)).astype(np.float32)
    return {"ct": Volume(np.zeros(grid.shape_zyx, np.int16), grid), "pt": Volume(pet, pet_grid)}


@pytest.fixture
def unlike(pet_threshold):
    """Checkpoints of a 3-D network in a box, and of 2-D and other 3-D networks on coarse slices of all of the image."""
    raw = {"ct": Standardise(0, 1), "pt": Standardise(0, 1)}

    def checkpoints(*which):
        made = {
            "box": lambda: pet_threshold(2.0, name="box.ckpt", recipe=BOX),
            "flat": lambda: pet_threshold(
                3.0,
                name="flat.ckpt",
                recipe=COARSE,
                normalization=Normalization(("ct", "pt"), 2, **raw),
                inference=InferenceSettings(None, view="slices"),
            ),
            "coarse": lambda: pet_threshold(2.6, name="coarse.ckpt", recipe=COARSE, threshold=0.3),
        }
        return [made[name]() for name in which]

    return checkpoints


@pytest.mark.parametrize("which", [("box", "flat"), ("flat", "box", "coarse"), ("coarse", "coarse", "flat", "box")])
@pytest.mark.parametrize("slab", [8, 3])
def test_the_mean_of_what_each_network_leaves_on_the_patients_grid(unlike, patient, which, slab, monkeypatch):
    monkeypatch.setattr(parts, "SLAB_SLICES", slab)
    members = unlike(*which)
    together = Predictor(members).predict(patient, "A", WHERE, save_probabilities=True)
    alone = [Predictor([member]).predict(patient, "A", WHERE, save_probabilities=True) for member in members]
    maps = np.stack([prediction.probabilities["GTVt"].array for prediction in alone]).astype(np.float64)
    mean, sd = together.probabilities["GTVt"], together.probability_sds["GTVt"]
    np.testing.assert_allclose(mean.array, maps.mean(axis=0), atol=1e-6)
    # two networks of one recipe are apart on its grid, and that is interpolated
    np.testing.assert_allclose(sd.array, maps.std(axis=0), atol=1e-6 if len(set(which)) == len(which) == 2 else 0.02)
    threshold = np.mean([member.threshold for member in members])
    assert np.array_equal(together.mask.array > 0, mean.array > threshold)
    assert together.mask.array.any()
    assert mean.grid is sd.grid is together.mask.grid is patient["ct"].grid
    inside = together.mask.array > 0
    assert together.uncertainty["GTVt"] == pytest.approx(sd.array[inside].mean(dtype=np.float64), rel=1e-6)
    again = Predictor(members).predict(patient, "A", WHERE)
    assert np.array_equal(again.mask.array, together.mask.array)
    assert (again.uncertainty, again.probabilities) == (together.uncertainty, {})


def test_every_network_counts_once_and_sds_within_and_between_add_up():
    grid = Grid((3, 3, 3), (1.0, 1.0, 1.0))

    def answer(p, sd, networks):
        full = torch.full((1, 3, 3, 3), p)
        return Answer(full, None if sd is None else torch.full_like(full, sd), grid, networks)

    mixture = Mixture([answer(0.8, 0.1, 3), answer(0.4, None, 1)], grid, LabelSet(("a",)))
    means, sds = mixture.probabilities()
    assert means["a"].array == pytest.approx(np.full((3, 3, 3), 0.7))
    members = [0.8 + 0.1 * np.sqrt(1.5), 0.8, 0.8 - 0.1 * np.sqrt(1.5), 0.4]  # three of them 0.1 apart
    assert sds["a"].array == pytest.approx(np.full((3, 3, 3), np.std(members)))
    mask, apart = mixture.outline(0.69)
    assert mask.array.all()
    assert apart["a"] == pytest.approx(np.std(members))
    assert mixture.outline(0.71)[1] == {"a": None}


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_a_network_says_background_where_it_does_not_look(activation):
    labels = LabelSet(("a", "b"), activation)
    image = Grid((6, 4, 4), (1.0, 1.0, 1.0))
    lower = image.crop((0, 0, 0), (4, 4, 4))

    def answer(grid, structures, networks=1):
        said = [*([1 - sum(structures)] if activation == "softmax" else []), *structures]
        maps = torch.tensor(said).reshape(-1, 1, 1, 1).expand(-1, *grid.shape_zyx).contiguous()
        return Answer(maps, None, grid, networks)

    sure = (0.05, 0.9)
    mask, apart = Mixture([answer(image, sure), answer(lower, sure)], image, labels).outline(0.5)
    assert np.unique(mask.array[:4]).tolist() == [2]
    assert not mask.array[4:].any()
    assert apart == {"a": None, "b": pytest.approx(0.0, abs=1e-6)}
    mask, _ = Mixture([answer(image, sure, networks=2), answer(lower, sure)], image, labels).outline(0.5)
    assert mask.array.min() == mask.array.max() == 2  # two of three see it: 0.6
    means, _ = Mixture([answer(image, sure), answer(lower, sure)], image, labels).probabilities()
    assert means["b"].array[5] == pytest.approx(np.full((4, 4), 0.45))


def test_nobody_looks_where_the_image_is():
    elsewhere = Grid((4, 4, 4), (1.0, 1.0, 1.0), (500.0, 0.0, 0.0))
    answer = Answer(torch.ones(1, 4, 4, 4), None, elsewhere, 1)
    mixture = Mixture([answer, answer], Grid((5, 5, 5), (1.0, 1.0, 1.0)), LabelSet(("a",)))
    assert mixture.part is None
    mask, apart = mixture.outline(0.5)
    assert not mask.array.any()
    assert apart == {"a": None}
    assert not mixture.probabilities()[0]["a"].array.any()


class Remembering:
    """A refining chain that changes nothing, or halves, and remembers what it was shown."""

    refines = True

    def __init__(self, factor=1.0):
        self.factor = factor

    def refine(self, probabilities, scene, labels):
        self.scene, self.before = scene, probabilities.clone()
        return probabilities * self.factor

    def clean(self, mask, labels, clicks=None):
        return mask


def test_what_refines_sees_the_mean_and_the_images_on_the_patients_grid(unlike, patient):
    members, chain = unlike("flat", "box"), Remembering()
    own = Predictor(members).predict(patient, "A", WHERE, save_probabilities=True)
    refined = Predictor(members, postprocess=chain).predict(patient, "A", WHERE, save_probabilities=True)
    assert np.array_equal(refined.mask.array, own.mask.array)
    assert np.array_equal(chain.before[0].numpy(), own.probabilities["GTVt"].array)  # flat looks at all of the image
    assert chain.scene.image.shape == (2, *patient["ct"].grid.shape_zyx)
    assert chain.scene.spacing_mm == patient["ct"].spacing_mm
    assert chain.scene.image[0].unique().tolist() == [0.0]
    assert chain.scene.image[1].std() > 0.5
    doubting = Predictor(members, postprocess=Remembering(0.8)).predict(patient, "A", WHERE)
    assert np.array_equal(doubting.mask.array > 0, own.probabilities["GTVt"].array * np.float32(0.8) > 0.5)
    assert 0 < doubting.mask.array.sum() < own.mask.array.sum()
    assert doubting.uncertainty == own.uncertainty


def test_a_whole_chain_of_hnsegs_own_works_on_it(unlike, patient):
    members = unlike("flat", "box")
    own = Predictor(members).predict(patient, "A", WHERE).mask.array
    crf = Predictor(members, postprocess=Postprocess({"crf": Crf()})).predict(patient, "A", WHERE)
    assert 0 < (crf.mask.array != own).sum() < own.sum()
    drop = Postprocess({"drop_small": DropSmall(min_volume_mm3=1e6)})
    assert not Predictor(members, postprocess=drop).predict(patient, "A", WHERE).mask.array.any()


def test_modalities_and_notes_of_all_recipes_are_named(unlike, patient, pet_threshold):
    members = unlike("flat", "box")
    predictor = Predictor(members)
    assert predictor.modalities == ("ct", "pt")
    assert predictor.paths == tuple(member.path for member in members)
    notes = predictor.predict(patient, "A", WHERE).notes
    assert any(note.startswith("at 2 x 1.5 x 1.5 mm: box: the whole CT") for note in notes)
    assert any(note.startswith("at 1 x 1 x 1 mm: box: published") for note in notes)
    with pytest.raises(ValueError, match=r"A has no pt; the network needs \['ct', 'pt'\]"):
        predictor.predict({"ct": patient["ct"]}, "A", WHERE)


def test_networks_of_other_structures_stay_apart(pet_threshold):
    other = Recipe(label_names=("GTVp",), regions=("image",))
    with pytest.raises(ValueError, match=r"labels.*GTVt.*GTVp.*predict with each alone"):
        Predictor([pet_threshold(), pet_threshold(labels=LabelSet(("GTVp",)), recipe=other)])
    with pytest.raises(ValueError, match=r"activation: 'sigmoid' and 'softmax'"):
        Predictor([pet_threshold(), pet_threshold(labels=LabelSet(("GTVt",), "softmax"), recipe=COARSE)])
    with pytest.raises(ValueError, match="at least one checkpoint"):
        Predictor([])
