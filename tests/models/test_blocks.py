import pytest
import torch
import torch.nn.functional as F

from hnseg.models.blocks import ConvBlock, MaxPool, ResidualBlock, SENorm, conv, instance_normalise, upsample


def test_instance_normalisation_equals_torch_instance_norm():
    x = torch.randn(2, 3, 6, 7, 8) * 5 + 2
    torch.testing.assert_close(instance_normalise(x), F.instance_norm(x), atol=1e-6, rtol=1e-6)


def test_senorm_equals_its_formula_written_out():
    torch.manual_seed(0)
    layer, x = SENorm(4, 2), torch.randn(2, 4, 3, 4, 5) * 3 + 1
    for b in range(2):
        s = x[b].mean(dim=(1, 2, 3))
        gates = []
        for gate in (layer.gamma, layer.beta):
            hidden = (gate.squeeze.weight.flatten(1) @ s + gate.squeeze.bias).clamp(min=0)
            gates.append(gate.excite.weight.flatten(1) @ hidden + gate.excite.bias)
        for c in range(4):
            values = x[b, c]
            normal = (values - values.mean()) / (values.var(unbiased=False) + 1e-5).sqrt()
            expected = torch.sigmoid(gates[0][c]) * normal + torch.tanh(gates[1][c])
            torch.testing.assert_close(layer(x)[b, c], expected, atol=1e-5, rtol=1e-5)


def test_senorm_has_1224_parameters_at_24_channels():
    assert sum(p.numel() for p in SENorm(24, 2).parameters()) == 1224


def test_senorm_keeps_the_scale_of_the_image_only_through_its_gates():
    layer = SENorm(4, 2)
    for parameter in layer.parameters():
        torch.nn.init.zeros_(parameter)
    x = torch.randn(1, 4, 5, 5, 5)
    torch.testing.assert_close(layer(x), 0.5 * instance_normalise(x))  # sigmoid(0), tanh(0)


def test_conv_block_activates_before_it_normalises():
    block = ConvBlock(2, 4)
    out = block(torch.randn(1, 2, 4, 4, 4))
    assert (out < 0).any()  # a ReLU after the normalisation would leave none


def test_residual_block_projects_only_where_channels_change():
    assert not list(ResidualBlock(4, 4).shortcut.parameters())
    assert ResidualBlock(2, 4).shortcut.conv.kernel_size == (1, 1, 1)
    names = [name.split(".")[0] for name, _ in ResidualBlock(2, 4).named_parameters()]
    assert names == sorted(names)  # main before shortcut
    inner = [name for name, _ in SENorm(4).named_parameters()]
    assert [name.split(".")[0] for name in inner] == ["gamma"] * 4 + ["beta"] * 4


def test_residual_block_adds_its_input():
    block, x = ResidualBlock(4, 4), torch.randn(1, 4, 4, 4, 4)
    torch.testing.assert_close(block(x) - block.main(x), x, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1, 2, 3), (1, 1, 2, 2, 3)])
def test_upsample_multiplies_the_size_and_keeps_constants(shape):
    out = upsample(torch.full(shape, 3.0), 4)
    assert out.shape[2:] == tuple(4 * n for n in shape[2:])
    torch.testing.assert_close(out, torch.full_like(out, 3.0))


def test_too_strong_a_reduction_is_refused():
    with pytest.raises(ValueError, match="reduction 8"):
        SENorm(4, 8)


@pytest.mark.parametrize("size", [2, 4])
def test_pooling_is_that_of_torch(size):
    torch.manual_seed(0)
    flat, deep = torch.randn(2, 3, 8, 4), torch.randn(2, 3, 8, 4, 12)
    assert torch.equal(MaxPool(size)(flat), torch.nn.MaxPool2d(size)(flat))
    assert torch.equal(MaxPool(size)(deep), torch.nn.MaxPool3d(size)(deep))


def test_pooling_keeps_the_precision_of_autocast():
    x = torch.randn(1, 3, 4, 4, 4, dtype=torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        assert MaxPool()(x).dtype == torch.bfloat16


@pytest.mark.parametrize(("options", "size"), [({"dilation": 3}, 8), ({"stride": 2}, 4), ({"kernel_size": 5}, 8)])
def test_convolution_keeps_the_size_or_divides_it(options, size):
    layer = conv(2, 1, 2, **{"kernel_size": 3, **options})
    assert layer(torch.zeros(1, 1, 8, 8)).shape == (1, 2, size, size)
