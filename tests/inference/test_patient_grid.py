import numpy as np
import pytest
import torch

from hnseg.geometry import resample
from hnseg.inference import patient_grid
from hnseg.inference.patient_grid import covered_part, probabilities_on_patient_grid, to_patient_grid
from hnseg.labels import LabelSet
from hnseg.types import AXIAL_DIRECTION, Grid, Volume

PREPARED = Grid((24, 20, 22), (1.0, 1.0, 1.0), (3.0, -4.0, 5.0))


@pytest.fixture
def oblique(rotation):
    return Grid((18, 40, 36), (3.0, 0.9, 0.8), (-6.0, -12.0, -9.0), rotation((8, -5, 12)) @ AXIAL_DIRECTION)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("slab", [32, 5])
def test_equals_interpolating_everything_and_then_decoding(activation, slab, oblique, monkeypatch):
    monkeypatch.setattr(patient_grid, "SLAB_SLICES", slab)
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
    assert covered_part(PREPARED, elsewhere) is None
    assert to_patient_grid(ones, PREPARED, elsewhere, labels).array.max() == 0
    assert probabilities_on_patient_grid(ones, PREPARED, elsewhere, labels)["a"].array.max() == 0


def test_covered_part_holds_exactly_the_voxels_inside():
    image = Grid((60, 50, 40), (1.0, 1.0, 1.0), (-7.0, -9.0, -11.0))
    start, shape = covered_part(PREPARED, image)
    assert start == (16, 5, 10)
    assert shape == PREPARED.shape_zyx
    ones = torch.ones(1, *PREPARED.shape_zyx)
    mask = to_patient_grid(ones, PREPARED, image, LabelSet(("a",))).array
    assert mask.sum() == np.prod(PREPARED.shape_zyx)


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
