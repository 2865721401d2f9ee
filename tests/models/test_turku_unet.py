import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hnseg.models import TurkuUNet
from hnseg.models.memory import training_bytes


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("channels", "levels", "parameters"), [(1, 4, 231_665), (2, 4, 231_809), (1, 3, 116_753), (2, 3, 116_897)]
)
def test_parameter_count_of_every_published_network(channels, levels, parameters):
    with torch.device("meta"):
        assert count(TurkuUNet(channels, 1, levels=levels)) == parameters


def test_parameter_count_of_every_part():
    net = TurkuUNet(1, 1)
    assert [count(level) for level in net.down] == [2_480, 13_888, 55_424, 73_856]
    assert [(count(level.up), count(level.pair)) for level in net.up] == [
        (8_224, 36_928),
        (4_128, 27_712),
        (2_064, 6_944),
    ]
    assert count(net.head) == 17
    assert not list(net.buffers())


def test_dropout_lies_between_the_convolutions_and_grows_downwards():
    net = TurkuUNet(2, 1)
    assert [level.dropout.p for level in net.down] == [0.1, 0.1, 0.2, 0.2]
    assert [level.pair.dropout.p for level in net.up] == [0.1, 0.1, 0.1]
    assert [level.dropout.p for level in TurkuUNet(2, 1, levels=3).down] == [0.1, 0.1, 0.2]
    seen = []
    net.down[3].dropout.register_forward_hook(lambda *args: seen.extend([args[1][0], args[2]]))
    net(torch.randn(1, 2, 16, 16))
    before, after = seen
    assert (before >= 0).all()
    torch.testing.assert_close(after[after != 0], (before / 0.8)[after != 0])
    assert ((before > 0) & (after == 0)).any()


def written_out(net, image):
    """The network in evaluation once more, without a class; weights in the order in which they are used."""
    tensors = iter(net.state_dict().values())
    dims = image.ndim - 2
    convolve, transpose, pool = (
        (F.conv2d, F.conv_transpose2d, F.max_pool2d) if dims == 2 else (F.conv3d, F.conv_transpose3d, F.max_pool3d)
    )

    def pair(x):
        for _ in range(2):
            x = convolve(x, next(tensors), next(tensors), padding=1).clamp(min=0)
        return x

    levels = [pair(image)]
    while len(levels) < len(net.down):
        levels.append(pair(pool(levels[-1], 2)))
    x = levels.pop()
    while levels:
        x = transpose(x, next(tensors), next(tensors), stride=2)
        x = pair(torch.cat([x, levels.pop()], dim=1))
    return convolve(x, next(tensors), next(tensors))


@pytest.mark.parametrize(("spatial_dims", "levels"), [(2, 4), (2, 3), (3, 3)])
def test_equals_the_network_written_out(spatial_dims, levels):
    torch.manual_seed(0)
    net = TurkuUNet(2, 3, filters=4, spatial_dims=spatial_dims, levels=levels).double().eval()
    for name, tensor in net.state_dict().items():
        if name.endswith("bias"):
            nn.init.normal_(tensor)
    image = torch.randn(2, 2, *(8, 24, 16)[-spatial_dims:], dtype=torch.float64)
    torch.testing.assert_close(net(image), written_out(net, image))


def test_variants_differ_by_what_comes_out():
    nets = {variant: TurkuUNet(1, 1, 4, variant=variant).eval() for variant in ("logits", "paper", "sigmoid")}
    for net in nets.values():
        net.load_state_dict(nets["logits"].state_dict())
    image = torch.randn(1, 1, 16, 24)
    logits = nets["logits"](image)
    assert torch.equal(nets["paper"](image), logits)
    assert torch.equal(nets["sigmoid"](image), logits.sigmoid())
    assert {variant: net.activation for variant, net in nets.items()} == {
        "logits": None,
        "paper": "identity",
        "sigmoid": "identity",
    }


def test_first_weights_are_those_of_keras():
    torch.manual_seed(0)
    net = TurkuUNet(2, 1)
    for layer in (net.down[2].second, net.up[0].pair.first):
        std = math.sqrt(2 / layer.weight[0].numel())
        assert layer.weight.std().item() == pytest.approx(std, rel=0.03)
        assert layer.weight.abs().max() <= 2 * std / 0.8796  # cut off
        assert layer.weight.abs().max() > 1.9 * std / 0.8796
    up = net.up[0].up.weight  # Glorot's, uniform: 64 channels to 32, 2 x 2
    limit = math.sqrt(6 / (4 * (64 + 32)))
    assert 0.98 * limit < up.abs().max() <= limit
    assert up.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.03)
    assert net.head.weight.abs().max() <= math.sqrt(6 / 17)
    assert all((p == 0).all() for name, p in net.named_parameters() if name.endswith("bias"))


def test_its_memory_is_known_without_building_it_and_checkpointing_takes_less():
    plain, thrifty = (
        training_bytes(lambda given=given: TurkuUNet(2, 1, checkpointing=given), (1, 2, 64, 64))
        for given in (False, True)
    )
    assert 4 * 4 * 231_809 < thrifty < 0.9 * plain


@pytest.mark.parametrize("levels", [3, 4])
def test_divisor_follows_the_levels(levels):
    net = TurkuUNet(1, 1, 2, levels=levels).eval()
    assert net.divisor == 2 ** (levels - 1)
    assert net(torch.zeros(1, 1, net.divisor, 3 * net.divisor)).shape == (1, 1, net.divisor, 3 * net.divisor)
    with pytest.raises(ValueError, match=f"multiple of {net.divisor}"):
        net(torch.zeros(1, 1, net.divisor, net.divisor + 2))


@pytest.mark.parametrize(
    ("wrong", "message"), [({"variant": "linear"}, "logits, paper, sigmoid"), ({"levels": 5}, "levels is 5")]
)
def test_networks_that_nobody_published_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        TurkuUNet(1, 1, **wrong)
