import threading

import numpy as np
import pytest
import torch

from hnseg.clicks import ClickChannels, EdtEncoding
from hnseg.inference import ClickSession, Predictor
from hnseg.inference.settings import InferenceSettings
from hnseg.io import write_volume
from hnseg.labels import LabelSet
from hnseg.postprocess import ClickFilter, Crf, DropSmall, Postprocess
from hnseg.prepare.cache import prepare_cohort
from hnseg.prepare.intensity import Normalization
from hnseg.prepare.recipe import Recipe
from hnseg.types import Click, Grid, Study, Volume

CT_GRID = Grid((14, 30, 28), (3.0, 1.5, 1.6), (-21.0, -22.0, -20.0))
PET_GRID = Grid((20, 24, 24), (2.2, 2.0, 2.0), (-23.0, -23.0, -21.0))
MODALITIES = ("ct", "pt")
RECIPE = Recipe(label_names=("GTVp", "GTVn"), regions=("image",), box_size_mm=None, spacing_mm=(3.5, 2.0, 2.0))


@pytest.fixture(scope="module")
def images():
    """CT and PET on grids of their own, with two hot blocks in noise."""
    rng = np.random.default_rng(5)
    pet = rng.random(PET_GRID.shape_zyx).astype(np.float32)
    pet[5:10, 5:11, 5:11] += 4.0
    pet[8:14, 14:19, 14:19] += 4.0
    return {
        "ct": Volume(rng.integers(-50, 80, CT_GRID.shape_zyx).astype(np.int16), CT_GRID),
        "pt": Volume(pet, PET_GRID),
    }


@pytest.fixture
def convolution(checkpoint):
    """A convolution with random weights that is shown clicks on two structures and beside them; small, to be quick."""

    def load(spatial_dims, activation="sigmoid", window=None, recipe=None, seed=0, **changes):
        labels = LabelSet(("GTVp", "GTVn"), activation)
        shape = {"in_channels": 5, "out_channels": labels.channels, "kernel_size": 3, "padding": 1}
        torch.manual_seed(seed)
        network = {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[spatial_dims](**shape)
        torch.nn.init.normal_(network.weight)
        parts = {
            "net": {"_target_": f"torch.nn.Conv{spatial_dims}d", **shape},
            "network": network,
            "labels": labels,
            "recipe": recipe or RECIPE,
            "normalization": Normalization(MODALITIES, spatial_dims),
            "inference": InferenceSettings(window),
            "clicks": ClickChannels(EdtEncoding(12.0), 2, 1, 3, spatial_dims, "random", 3),
            "trust": ("torch.nn",),
        }
        return checkpoint(name=f"{seed}.ckpt", **{**parts, **changes})

    return load


PLACES = [
    Click((-10.0, -8.0, -6.0), "GTVp"),
    Click((8.0, 10.0, 3.0), "GTVn"),
    Click((9.0, 3.0, 2.8), None),
    Click((-3.0, 4.0, -6.1), "GTVp"),
]


def assert_as_cold(session, predictor, images, clicks):
    cold = predictor.predict(images, "case", clicks=clicks or None).mask
    assert session.clicks == tuple(clicks)
    np.testing.assert_array_equal(session.answer.mask.array, cold.array)
    assert session.answer.mask.grid.matches(images["ct"].grid)
    return cold.array


@pytest.mark.parametrize(("spatial_dims", "activation"), [(2, "sigmoid"), (3, "softmax")])
def test_every_answer_is_that_of_a_cold_prediction(convolution, images, spatial_dims, activation):
    predictor = Predictor([convolution(spatial_dims, activation)])
    session = ClickSession(predictor, images)
    seen = [assert_as_cold(session, predictor, images, []).copy()]
    for count, click in enumerate(PLACES, start=1):
        answer = session.click(click)
        assert answer is session.answer
        assert 0 < answer.seconds < 60
        seen.append(assert_as_cold(session, predictor, images, PLACES[:count]))
    assert len({mask.tobytes() for mask in seen}) > 2  # clicks change something
    session.undo()
    assert_as_cold(session, predictor, images, PLACES[:-1])
    session.reset()
    np.testing.assert_array_equal(session.answer.mask.array, seen[0])
    assert session.undo().clicks == ()


@pytest.mark.parametrize(
    "chain",
    [
        {"filter": ClickFilter(2), "drop": DropSmall(50.0)},
        {"crf": Crf(iterations=1, form="window", window_voxels=3), "filter": ClickFilter()},
    ],
)
def test_with_post_processing(convolution, images, chain):
    predictor = Predictor([convolution(2)], postprocess=Postprocess(chain))
    session = ClickSession(predictor, images)
    assert_as_cold(session, predictor, images, [])
    for count, click in enumerate(PLACES[:2], start=1):
        session.click(click)
        assert_as_cold(session, predictor, images, PLACES[:count])


def test_of_several_networks(convolution, images):
    predictor = Predictor([convolution(2, seed=0), convolution(2, seed=1)])
    session = ClickSession(predictor, images)
    session.click(PLACES[0])
    assert_as_cold(session, predictor, images, PLACES[:1])


@pytest.mark.parametrize("mode", ["auto", "sliding_window"])
def test_with_windows_that_a_single_slice_would_not_need(convolution, images, mode):
    """A box of 8 slices is the largest that gets one pass: the whole of 13 slices is walked over, one alone is not."""
    recipe = Recipe(
        label_names=("GTVp", "GTVn"), regions=("image",), box_size_mm=(28.0, 160.0, 160.0), spacing_mm=(3.5, 2.0, 2.0)
    )
    predictor = Predictor([convolution(2, window=(1, 16, 16), recipe=recipe)], mode=mode)
    session = ClickSession(predictor, images)
    session.click(PLACES[0])
    assert_as_cold(session, predictor, images, PLACES[:1])


class Counting:
    """Stands where a predictor's only group stands, and remembers how many slices it was asked for."""

    def __init__(self, group):
        self.group, self.slices = group, []

    def __call__(self, image, *args):
        self.slices.append(image.shape[1])
        return self.group(image, *args)

    def __getattr__(self, name):
        return getattr(self.group, name)


def counted(predictor):
    predictor.groups = (Counting(predictor.groups[0]),)
    return predictor.groups[0].slices


def test_a_2d_network_sees_the_clicked_slice_alone(convolution, images):
    predictor = Predictor([convolution(2)])
    slices = counted(predictor)
    session = ClickSession(predictor, images)
    assert slices == [12]
    session.click(PLACES[0])
    session.click(PLACES[1])
    session.undo()
    assert slices == [12, 1, 1, 1]
    session.undo()
    session.undo()
    assert slices == [12, 1, 1, 1, 1]
    for click in PLACES[:3]:
        session.click(click)
    del slices[:]
    session.reset()
    assert slices == [1, 1]  # two of the three clicks lie in one slice


def test_a_3d_network_sees_its_whole_region(convolution, images):
    predictor = Predictor([convolution(3)])
    slices = counted(predictor)
    ClickSession(predictor, images).click(PLACES[0])
    assert slices == [12, 12]


def test_a_filter_alone_asks_no_network_again(pet_threshold, images):
    recipe = Recipe(regions=("image",), box_size_mm=None, spacing_mm=(3.0, 2.0, 2.0))
    predictor = Predictor([pet_threshold(recipe=recipe)], postprocess=Postprocess({"filter": ClickFilter()}))
    slices = counted(predictor)
    session = ClickSession(predictor, images)
    unfiltered = session.answer.mask.array.copy()  # nobody has said yet which of the two pieces is wanted
    session.click((-8.0, -8.0, -5.0))
    first = assert_as_cold(session, predictor, images, [Click((-8.0, -8.0, -5.0), "GTVt")])
    assert first.any()
    assert np.array_equal(session.click((9.0, 9.0, 2.0)).mask.array, unfiltered)
    assert unfiltered.sum() > first.sum()
    assert slices == [14]


def test_an_answer_stays_as_it_was_given(convolution, images):
    session = ClickSession(Predictor([convolution(2)]), images)
    first = session.click(PLACES[0])
    before = first.mask.array.copy()
    first.mask.array[:] = 9  # the caller's to change
    session.click(PLACES[1])
    np.testing.assert_array_equal(session.undo().mask.array, before)
    assert first.clicks == tuple(PLACES[:1])


@pytest.mark.parametrize(
    ("click", "says"),
    [
        (Click((-90.0, 0.0, 0.0), "GTVp"), r"CHUM-001: positive click 2, .* outside the image"),
        (Click((0.0, 0.0, 0.0), "GTVt"), "'GTVt', expected one of"),
        ((0.0, 0.0, 0.0), r"on which of \['GTVp', 'GTVn'\]"),
    ],
)
def test_a_click_of_no_use_changes_nothing(convolution, images, click, says):
    session = ClickSession(Predictor([convolution(2)]), images, "CHUM-001")
    before = session.click(PLACES[0])
    with pytest.raises(ValueError, match=says):
        session.click(click)
    assert session.answer is before
    session.click(PLACES[1])
    assert session.clicks == (PLACES[0], PLACES[1])


def test_what_nothing_would_look_at(pet_threshold, clickable, images):
    with pytest.raises(ValueError, match="the networks take none"):
        ClickSession(Predictor([pet_threshold()]), images).click((0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match="negative clicks"):
        ClickSession(Predictor([clickable(negatives=0)]), images).click(Click((0.0, 0.0, 0.0), None))
    with pytest.raises(ValueError, match="patient has no pt"):
        ClickSession(Predictor([clickable()]), {"ct": images["ct"]})
    other = clickable(recipe=Recipe(regions=("image",), box_size_mm=None, spacing_mm=(4.0, 4.0, 4.0)))
    with pytest.raises(ValueError, match="networks of one recipe"):
        ClickSession(Predictor([clickable(), other]), images)


@pytest.fixture
def case(images, tmp_path):
    """The same patient as a prepared case on disk."""
    files = {name: tmp_path / f"A_{name}.nii.gz" for name in images}
    for name, volume in images.items():
        write_volume(volume, files[name])

    def prepare(recipe):
        return prepare_cohort([Study("A", files)], recipe, tmp_path / "cache", workers=1, progress=False).cases[0]

    return prepare


def test_a_prepared_case_is_answered_as_its_images_are(convolution, images, case):
    predictor = Predictor([convolution(2)])
    session = ClickSession(predictor, case(predictor.groups[0].recipe))
    assert_as_cold(session, predictor, images, [])
    session.click(PLACES[0])
    assert_as_cold(session, predictor, images, PLACES[:1])
    with pytest.raises(ValueError, match=r"A: positive click 2, .* outside the image"):
        session.click(Click((-90.0, 0.0, 0.0), "GTVp"))


def test_a_case_of_another_recipe_is_refused(convolution, case):
    predictor = Predictor([convolution(2)])
    other = case(Recipe(label_names=("GTVp", "GTVn"), regions=("image",), box_size_mm=None, spacing_mm=(2.0, 2.0, 2.0)))
    with pytest.raises(
        ValueError, match=r"holds \['ct', 'pt'\] at \[2\.0, 2\.0, 2\.0\] mm, prepared with another recipe"
    ):
        ClickSession(predictor, other)


def test_several_threads_wait_for_each_other(convolution, images):
    predictor = Predictor([convolution(2)])
    session = ClickSession(predictor, images)
    threads = [threading.Thread(target=session.click, args=(click,)) for click in PLACES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(map(str, session.clicks)) == sorted(map(str, PLACES))
    assert_as_cold(session, predictor, images, list(session.clicks))
