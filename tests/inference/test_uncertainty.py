import numpy as np
import pytest
import torch

from hnseg.inference.uncertainty import uncertainty
from hnseg.labels import LabelSet


def test_mean_of_the_sd_over_the_outlined_voxels_by_hand():
    mean = torch.tensor([0.2, 0.6, 0.9, 0.5]).reshape(1, 1, 1, 4)
    sd = torch.tensor([0.4, 0.1, 0.2, 0.3]).reshape(1, 1, 1, 4)
    assert uncertainty(mean, sd, LabelSet(("a",)))["a"] == pytest.approx(0.15)
    assert uncertainty(mean, sd, LabelSet(("a",)), threshold=0.7)["a"] == pytest.approx(0.2)
    assert uncertainty(mean, sd, LabelSet(("a",)), threshold=0.1)["a"] == pytest.approx(0.25)


def test_nothing_outlined_is_no_number():
    nothing = torch.full((1, 2, 2, 2), 0.5)
    assert uncertainty(nothing, torch.ones(1, 2, 2, 2), LabelSet(("a",))) == {"a": None}


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_each_structure_has_its_own_as_with_numpy(activation):
    labels = LabelSet(("a", "b", "never"), activation)
    torch.manual_seed(0)
    members = labels.activate(torch.randn(5, labels.channels, 4, 5, 6) * 2)
    members[:, labels.channels - 1] *= 1e-3  # no voxel is most likely "never"
    mean, sd = members.mean(dim=0), members.std(dim=0, correction=0)
    outlined, first = labels.decode(mean[None])[0].numpy(), labels.channels - 3
    found = uncertainty(mean, sd, labels)
    for value, name in ((1, "a"), (2, "b")):
        expected = sd.numpy()[first + value - 1][outlined == value].mean(dtype=np.float64)
        assert found[name] == pytest.approx(expected, rel=1e-6)
    assert found["a"] != found["b"]
    assert found["never"] is None
