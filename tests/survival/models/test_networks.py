import numpy as np
import pytest
import torch
from torch import nn

from hnseg.survival.models.networks import load_weights, perceptron, weights_to_plain


def test_it_has_the_published_layers_and_number_of_parameters():
    net = perceptron(47, 32, 1, (0.3, 0.1))
    kinds = [nn.Linear, nn.ReLU, nn.BatchNorm1d, nn.Dropout]
    assert [type(layer) for layer in net] == [*kinds, *kinds, nn.Linear]
    assert [layer.p for layer in net if isinstance(layer, nn.Dropout)] == [0.3, 0.1]
    assert sum(value.numel() for value in net.parameters()) == 2753


def restored(plain):
    with torch.device("meta"):
        net = perceptron(3, 4, 2, (0.3, 0.1))
    load_weights(net, plain)
    return net


def test_weights_come_back_as_they_were():
    net = perceptron(3, 4, 2, (0.3, 0.1))
    net(torch.randn(9, 3))
    net.double().eval()
    values = torch.randn(5, 3, dtype=torch.float64)
    again = restored(weights_to_plain(net))
    assert not again.training
    assert torch.equal(again(values), net(values))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("0.weight", lambda a: a.T, "shape"),
        ("0.bias", lambda a: a * np.nan, "finite"),
        ("8.bias", lambda a: a.tolist(), "array"),
        ("6.running_var", lambda a: -a, "variance"),
        ("4.weight", None, "missing or too much"),
    ],
)
def test_weights_that_are_none_are_refused(name, change, message):
    plain = weights_to_plain(perceptron(3, 4, 2, (0.3, 0.1)))
    array = plain.pop(name)
    if change:
        plain[name] = change(array)
    with pytest.raises(ValueError, match=message):
        restored(plain)
