import pytest
import torch
from monai.networks.nets import UNet as MonaiUNet

from hnseg.models import ResUNet


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("in_channels", "residual_units", "parameters"),
    [
        (1, 0, 10_557_650),
        (1, 1, 13_408_292),  # Model M
        (1, 2, 25_980_905),  # Model L
        (3, 0, 10_558_802),
        (3, 1, 13_410_596),
        (3, 2, 25_983_209),
    ],
)
def test_parameter_count(in_channels, residual_units, parameters):
    with torch.device("meta"):
        assert count(ResUNet(in_channels, 10, residual_units=residual_units)) == parameters


@pytest.mark.parametrize("residual_units", [0, 1, 2, 3])
@pytest.mark.parametrize("size", [(48, 80), (16, 32, 48)])
def test_equals_monais_network_that_the_authors_used(size, residual_units):
    torch.manual_seed(0)
    widths = [4 * 2**level for level in range(5)]
    theirs = MonaiUNet(len(size), 3, 10, widths, [2] * 4, num_res_units=residual_units)
    ours = ResUNet(3, 10, filters=4, residual_units=residual_units, spatial_dims=len(size))
    weights = theirs.state_dict()
    for weight in weights.values():
        weight += 0.1 * torch.randn_like(weight)  # no two slopes alike
    ours.load_state_dict(dict(zip(ours.state_dict(), weights.values(), strict=True)))
    image = torch.randn(2, 3, *size)
    torch.testing.assert_close(ours(image), theirs(image), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("residual_units", [0, 1, 2])
def test_every_parameter_gets_a_gradient(residual_units):
    torch.manual_seed(0)
    net = ResUNet(1, 10, filters=2, residual_units=residual_units)
    out = net(torch.randn(2, 1, 48, 80))
    assert out.shape == (2, 10, 48, 80)
    (out * torch.randn_like(out)).sum().backward()
    # What is added before an instance normalisation it takes out again, so such a bias has no gradient but rounding's.
    learning = [p for name, p in net.named_parameters() if p.ndim > 1 or "activation" in name]
    assert all(p.grad.abs().max() > 1e-6 for p in learning)
    assert all(p.grad is not None for p in net.parameters())


def test_no_feature_has_the_size_of_the_image_before_the_logits():
    net, sizes = ResUNet(1, 10, filters=2), []
    for level in net.down:
        level.register_forward_hook(lambda *args: sizes.append(tuple(args[2].shape[1:])))
    net(torch.zeros(1, 1, 64, 96))
    assert sizes == [(2, 32, 48), (4, 16, 24), (8, 8, 12), (16, 4, 6), (32, 4, 6)]


def test_each_activation_has_one_slope_of_a_quarter():
    slopes = [p for name, p in ResUNet(1, 10, filters=2, residual_units=2).named_parameters() if "activation" in name]
    assert len(slopes) == 5 * 2 + 4 + 3  # none after the last convolution
    assert all(torch.equal(slope, torch.tensor([0.25])) for slope in slopes)


def test_logits_of_the_last_level_keep_what_was_doubled():
    net = ResUNet(1, 2, filters=2, residual_units=1)
    last = net.up[-1]
    torch.nn.init.zeros_(last.refine.units[0].weight)
    torch.nn.init.zeros_(last.refine.units[0].bias)
    doubled = []
    last.up.register_forward_hook(lambda *args: doubled.append(args[2]))
    assert torch.equal(net(torch.randn(1, 1, 32, 32)), doubled[0])


def test_a_negative_number_of_units_is_refused():
    with pytest.raises(ValueError, match="residual_units is -1"):
        ResUNet(1, 10, residual_units=-1)
