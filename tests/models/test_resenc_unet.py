import pytest
import torch
import torch.nn.functional as F

from hnseg.models import ResEncUNet
from hnseg.models.resenc_unet import StridedResidualBlock, stages_for

WIDTHS = {2: (32, 64, 128, 256, 512, 512), 3: (32, 64, 128, 256, 320, 320)}
BLOCKS = (1, 3, 4, 6, 6, 6)


def count(module):
    return sum(p.numel() for p in module.parameters())


def full_size(**kwargs):
    with torch.device("meta"):
        return ResEncUNet(2, 3, **kwargs)


def counted_by_hand(dims, in_channels, out_channels):
    """Weights, biases and pairs of the normalisation, layer by layer."""

    def layer(source, width, kernel):
        return source * width * kernel + width + 2 * width

    widths, k = WIDTHS[dims], 3**dims
    total = layer(in_channels, widths[0], k)
    for source, width, blocks in zip((widths[0], *widths), widths, BLOCKS, strict=False):
        total += layer(source, width, k) + (2 * blocks - 1) * layer(width, width, k)
        total += 0 if source == width else source * width + 2 * width  # the shortcut has no bias
    for deep, width in zip(widths[1:], widths, strict=False):
        total += deep * width * 2**dims + width + layer(2 * width, width, k)
    return total + widths[0] * out_channels + out_channels


@pytest.mark.parametrize(("dims", "parameters"), [(3, 102_349_123), (2, 71_814_979)])
def test_parameter_count(dims, parameters):
    assert count(full_size(spatial_dims=dims)) == parameters
    assert counted_by_hand(dims, 2, 3) == parameters


@pytest.mark.parametrize(("dims", "nnunet"), [(3, 102_351_439), (2, 71_817_871)])
def test_nnunets_own_network_has_one_more_head(dims, nnunet):
    # ResidualEncoderUNet of dynamic-network-architectures 0.4.4 as nnU-Net plans it
    net = full_size(spatial_dims=dims, deep_supervision=True)
    assert count(net) + 3 * WIDTHS[dims][-2] + 3 == nnunet
    assert [head.in_channels for head in net.supervision] == [64, 128, 256]


def test_residual_block_equals_its_formula_written_out():
    torch.manual_seed(0)
    block, x = StridedResidualBlock(2, 4, 2, 3), torch.randn(2, 2, 4, 6, 8)
    for norm in (block.first.norm, block.second.norm, block.project.norm):
        torch.nn.init.normal_(norm.weight)
        torch.nn.init.normal_(norm.bias)

    def normal(y, norm):
        return F.instance_norm(y, weight=norm.weight, bias=norm.bias)

    first = F.conv3d(x, block.first.conv.weight, block.first.conv.bias, stride=2, padding=1)
    first = F.leaky_relu(normal(first, block.first.norm), 0.01)
    second = normal(F.conv3d(first, block.second.conv.weight, block.second.conv.bias, padding=1), block.second.norm)
    shortcut = normal(F.conv3d(F.avg_pool3d(x, 2), block.project.conv.weight), block.project.norm)
    torch.testing.assert_close(block(x), F.leaky_relu(second + shortcut, 0.01), atol=1e-5, rtol=1e-5)


def test_residual_blocks_start_as_their_shortcut():
    net = ResEncUNet(1, 1, filters=2, spatial_dims=2)
    x = torch.randn(1, 2, 8, 8)
    block = net.encoder[0][0]
    torch.testing.assert_close(block(x), F.leaky_relu(x, 0.01))
    assert net.stem.conv.bias.abs().max() == 0


@pytest.mark.parametrize(
    ("edges", "stages"), [((128, 128, 128), 6), ((512, 512), 6), ((96, 160, 160), 5), ((48, 48, 48), 4), ((32, 32), 4)]
)
def test_as_many_stages_as_nnunet_plans(edges, stages):
    assert stages_for(edges, most=6) == stages


def test_small_patches_get_a_shallower_network():
    net = ResEncUNet(2, 1, filters=2, size_zyx=(32, 32, 32))
    assert net.divisor == 8
    assert net(torch.randn(1, 2, 32, 32, 32)).shape == (1, 1, 32, 32, 32)
    assert ResEncUNet(2, 1, filters=2, size_zyx=(1, 96, 96), spatial_dims=2).divisor == 16  # one slice is no short axis
    assert ResEncUNet(2, 1, filters=2, size_zyx=(32, 32, 32), stages=3).divisor == 4
    assert ResEncUNet(2, 1, filters=2).divisor == 32
    assert ResEncUNet(2, 1, filters=2, blocks_per_stage=(1, 1, 1)).divisor == 4


@pytest.mark.parametrize(("stages", "outputs"), [(2, 1), (3, 1), (4, 2), (6, 4)])
def test_outputs_of_deep_supervision_are_all_but_the_lowest(stages, outputs):
    net = ResEncUNet(1, 1, filters=2, stages=stages, spatial_dims=2, deep_supervision=True)
    assert len(net(torch.randn(1, 1, 64, 64))) == outputs


def test_widths_stop_growing():
    assert ResEncUNet(1, 1, filters=4, max_filters=10, spatial_dims=2).encoder[-1][0].second.conv.out_channels == 10
    assert full_size(spatial_dims=2).encoder[-1][0].second.conv.out_channels == 512


def test_what_cannot_be_built_is_refused():
    with pytest.raises(ValueError, match=r"cannot halve patches of \(4, 64, 64\)"):
        ResEncUNet(1, 1, size_zyx=(4, 64, 64))
    with pytest.raises(ValueError, match="use 2 to 6"):
        ResEncUNet(1, 1, stages=7)
    with pytest.raises(ValueError, match="use 2 to 6"):
        ResEncUNet(1, 1, stages=1)
