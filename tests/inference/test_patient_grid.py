import numpy as np
import pytest
import torch

from hnseg.geometry import resample
from hnseg.inference import parts
from hnseg.inference.patient_grid import (
    decode_again,
    probabilities_on_patient_grid,
    slabs_to_patient_grid,
    to_patient_grid,
)
from hnseg.labels import LabelSet
from hnseg.types import AXIAL_DIRECTION, Grid, Volume

PREPARED = Grid((24, 20, 22), (1.0, 1.0, 1.0), (3.0, -4.0, 5.0))


@pytest.fixture
def oblique(rotation):
    return Grid((18, 40, 36), (3.0, 0.9, 0.8), (-6.0, -12.0, -9.0), rotation((8, -5, 12)) @ AXIAL_DIRECTION)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("slab", [32, 5])
def test_equals_interpolating_everything_and_then_decoding(activation, slab, oblique, monkeypatch):
    monkeypatch.setattr(parts, "SLAB_SLICES", slab)
    labels = LabelSet(("a", "b", "c"), activation)
    torch.manual_seed(0)
    smooth = torch.nn.functional.avg_pool3d(torch.randn(1, labels.channels, *PREPARED.shape_zyx), 5, 1, 2) * 20
    probabilities = labels.activate(smooth)[0]
    fill = [1.0, 0, 0, 0] if activation == "softmax" else [0.0] * 3
    channels = [
        resample(Volume(channel.numpy(), PREPARED), oblique, "linear", outside).array
        for channel, outside in zip(probabilities, fill, strict=True)
    ]
    expected = labels.decode(torch.from_numpy(np.stack(channels))[None], threshold=0.6)[0].numpy()
    mask = to_patient_grid(probabilities, PREPARED, oblique, labels, threshold=0.6)
    assert mask.array.dtype == np.uint8
    assert mask.grid is oblique
    assert set(np.unique(expected)) == {0, 1, 2, 3}
    assert np.array_equal(mask.array, expected)


FLIPPED = AXIAL_DIRECTION * np.array([-1, 1, -1])
IMAGES = {
    "the prepared grid": PREPARED,
    "a larger one, voxel on voxel": Grid((30, 24, 22), (1.0, 1.0, 1.0), (3.0, -6.0, 1.0)),
    "thick slices from feet to head and back": Grid((9, 30, 31), (3.0, 0.8, 0.7), (24.0, -4.0, 28.0), FLIPPED),
    "thin slices": Grid((60, 16, 17), (0.5, 1.3, 1.2), (4.0, -2.0, 2.0)),
}


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("image", [*IMAGES, "askew"])
@pytest.mark.parametrize("depths", [[24], [1] * 24, [9, 2, 13]])
def test_slabs_give_the_label_map_of_the_whole(activation, image, depths, oblique):
    labels = LabelSet(("a", "b"), activation)
    torch.manual_seed(0)
    smooth = torch.nn.functional.avg_pool3d(torch.randn(1, labels.channels, *PREPARED.shape_zyx), 5, 1, 2) * 20
    probabilities, grid = labels.activate(smooth)[0], IMAGES.get(image, oblique)

    def sharing_one_memory():
        memory = torch.empty(labels.channels, max(depths), *PREPARED.shape_zyx[1:])
        for slab in probabilities.split(depths, dim=1):
            memory[:, : slab.shape[1]] = slab
            yield memory[:, : slab.shape[1]]
            memory.fill_(float("nan"))

    whole = to_patient_grid(probabilities, PREPARED, grid, labels)
    streamed = slabs_to_patient_grid(sharing_one_memory(), PREPARED, grid, labels)
    assert set(np.unique(whole.array)) == {0, 1, 2}
    assert np.array_equal(streamed.array, whole.array)
    assert streamed.grid is grid


UP = Grid((100, 6, 6), (2.0, 1.0, 1.0), (0.0, 0.0, 0.5))
DOWN = Grid((100, 6, 6), (2.0, 1.0, 1.0), (0.0, 0.0, 198.5), AXIAL_DIRECTION * np.array([-1, 1, 1]))


@pytest.mark.parametrize("image", [UP, DOWN])
def test_slabs_that_are_let_go_are_not_held(image):
    labels, held = LabelSet(("a",)), []
    tall = Grid((200, 6, 6), (1.0, 1.0, 1.0))
    original = torch.cat

    def counting(tensors, dim):
        held.append(sum(tensor.shape[1] for tensor in tensors))
        return original(tensors, dim)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "cat", counting)
        slabs_to_patient_grid((torch.rand(1, 1, 6, 6) for _ in range(200)), tall, image, labels)
    assert len(held) == 200
    assert max(held) <= 2 * parts.SLAB_SLICES + 4


def test_slabs_that_are_missing_are_no_background():
    with pytest.raises(AssertionError, match="slabs of 23 slices"):
        slabs_to_patient_grid(iter([torch.rand(1, 23, 20, 22)]), PREPARED, PREPARED, LabelSet(("a",)))


def test_no_interpolation_where_voxels_lie_on_voxels(monkeypatch):
    from hnseg.inference import patient_grid

    labels = LabelSet(("a", "b"))
    probabilities = torch.rand(2, *PREPARED.shape_zyx)
    image = IMAGES["a larger one, voxel on voxel"]
    usual = to_patient_grid(probabilities, PREPARED, image, labels)
    moved = Grid(image.shape_zyx, image.spacing_mm, (3.0, -6.0, 1.001))
    monkeypatch.setattr(patient_grid, "resample", None)
    assert np.array_equal(to_patient_grid(probabilities, PREPARED, image, labels).array, usual.array)
    with pytest.raises(TypeError):
        to_patient_grid(probabilities, PREPARED, moved, labels)
    monkeypatch.setattr(patient_grid, "start_on", lambda *_: None)
    monkeypatch.setattr(patient_grid, "resample", resample)
    assert np.array_equal(to_patient_grid(probabilities, PREPARED, image, labels).array, usual.array)


def test_threshold_is_strict():
    labels = LabelSet(("a",))
    half = torch.full((1, *PREPARED.shape_zyx), 0.5)
    assert to_patient_grid(half, PREPARED, PREPARED, labels).array.max() == 0
    assert to_patient_grid(half + 1e-3, PREPARED, PREPARED, labels).array.min() == 1


def test_same_grid_gives_the_same_labels():
    labels = LabelSet(("a", "b"))
    torch.manual_seed(1)
    probabilities = torch.rand(2, *PREPARED.shape_zyx)
    mask = to_patient_grid(probabilities, PREPARED, PREPARED, labels)
    assert np.array_equal(mask.array, labels.decode(probabilities[None])[0].numpy())


def test_no_overlap_is_an_empty_mask():
    labels = LabelSet(("a",))
    elsewhere = Grid((4, 4, 4), (1.0, 1.0, 1.0), (500.0, 0.0, 0.0))
    ones = torch.ones(1, *PREPARED.shape_zyx)
    assert to_patient_grid(ones, PREPARED, elsewhere, labels).array.max() == 0
    assert probabilities_on_patient_grid(ones, PREPARED, elsewhere, labels)["a"].array.max() == 0


def test_nothing_outside_the_covered_part_is_lost_on_an_oblique_image(oblique):
    everywhere = resample(Volume(np.ones(PREPARED.shape_zyx, np.float32), PREPARED), oblique, "linear", 0.0).array > 0.5
    mask = to_patient_grid(torch.ones(1, *PREPARED.shape_zyx), PREPARED, oblique, LabelSet(("a",))).array
    assert everywhere.any()
    assert not everywhere.all()
    assert np.array_equal(mask > 0, everywhere)


def test_probability_volumes_are_of_the_structures_alone(oblique):
    labels = LabelSet(("a", "b"), "softmax")
    probabilities = torch.rand(3, *PREPARED.shape_zyx).softmax(dim=0)
    volumes = probabilities_on_patient_grid(probabilities, PREPARED, oblique, labels)
    assert list(volumes) == ["a", "b"]
    expected = resample(Volume(probabilities[2].numpy(), PREPARED), oblique, "linear", 0.0).array
    assert volumes["b"].array.dtype == np.float32
    np.testing.assert_allclose(volumes["b"].array, expected, atol=1e-6)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("askew", [True, False])
def test_decoding_again_what_has_changed_is_decoding_everything(activation, askew, oblique, monkeypatch):
    monkeypatch.setattr(parts, "SLAB_SLICES", 3)
    grid = oblique if askew else Grid((9, 40, 36), (3.1, 0.9, 0.8), (0.0, -12.0, 1.0), FLIPPED)
    labels = LabelSet(("a", "b"), activation)
    torch.manual_seed(1)
    before, after = (labels.activate(torch.randn(1, labels.channels, *PREPARED.shape_zyx))[0] for _ in range(2))
    for changed in ([], [0], [23], [7, 8], [3, 15]):
        mixed = before.clone()
        mixed[:, changed] = after[:, changed]
        mask = to_patient_grid(before, PREPARED, grid, labels)
        decode_again(mask, mixed, PREPARED, changed, labels)
        np.testing.assert_array_equal(mask.array, to_patient_grid(mixed, PREPARED, grid, labels).array)


def test_only_slabs_that_a_change_reaches_are_decoded_again(monkeypatch):
    monkeypatch.setattr(parts, "SLAB_SLICES", 4)
    mask = Volume(np.full(PREPARED.shape_zyx, 9, np.uint8), PREPARED)
    decode_again(mask, torch.zeros(1, *PREPARED.shape_zyx), PREPARED, [10], LabelSet(("a",)))
    assert np.flatnonzero((mask.array == 0).all(axis=(1, 2))).tolist() == [8, 9, 10, 11]
