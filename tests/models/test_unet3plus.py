import pytest
import torch
import torch.nn.functional as F

from hnseg.models import UNet3Plus
from hnseg.models.blocks import upsample

# Which levels a stage joins and by how much each is pooled (positive) or interpolated (negative): the paper's Fig. 2.
TABLE = {
    4: [("h1", 8), ("h2", 4), ("h3", 2), ("h4", 1), ("hd5", -2)],
    3: [("h1", 4), ("h2", 2), ("h3", 1), ("hd4", -2), ("hd5", -4)],
    2: [("h1", 2), ("h2", 1), ("hd3", -2), ("hd4", -4), ("hd5", -8)],
    1: [("h1", 1), ("hd2", -2), ("hd3", -4), ("hd4", -8), ("hd5", -16)],
}
CONTEXT = {4: 2, 3: 1, 2: -2, 1: -4}  # the same of the sixth source, which is at a quarter of the size


def count(module):
    return sum(p.numel() for p in module.parameters())


def full_size(**kwargs):
    with torch.device("meta"):
        return UNet3Plus(2, 1, **kwargs)


def small(spatial_dims=3, **kwargs):
    torch.manual_seed(0)
    return UNet3Plus(2, 1, filters=2, spatial_dims=spatial_dims, **kwargs)


def conv_block(source, channels, kernel=27):
    """Parameters of a ``ConvBlock``: convolution with bias, and two gates of two layers with bias."""
    hidden = channels // 2
    return source * channels * kernel + channels + 2 * (channels * hidden + hidden + hidden * channels + channels)


def test_parameter_count():
    assert count(full_size()) == 18_494_809
    assert count(full_size(deep_supervision=True)) == 18_518_142  # the authors' five heads


def test_parameter_count_of_every_part_at_24_filters():
    net = full_size(deep_supervision=True)
    assert count(net.encoder) == 14_931_168
    assert [[count(source) for source in stage.sources] for stage in net.stages] == [
        [16_800, 32_352, 63_456, 125_664, 250_080],
        [16_800, 32_352, 63_456, 79_008, 250_080],
        [16_800, 32_352, 79_008, 79_008, 250_080],
        [16_800, 79_008, 79_008, 79_008, 250_080],
    ]
    assert [count(stage.merge) for stage in net.stages] == [418_080] * 4
    assert count(net.head) == 121
    assert [count(head) for head in net.supervision] == [120 * 27 + 1] * 4 + [384 * 27 + 1]


def test_six_sources_are_the_published_width_and_a_pyramid():
    published = 19_349_430  # five sources into a decoder of 144 channels, heads included: it has weights and cannot run
    pyramid = 3 * conv_block(48, 24) + 72 * 24 + 24
    assert count(full_size(sources=6, deep_supervision=True)) == published + pyramid + 4 * conv_block(24, 24)
    assert count(full_size(sources=6)) == 19_489_513
    assert count(full_size(sources=6).stages[0].merge) == conv_block(144, 144)


def test_channels_of_a_source_can_be_chosen():
    net = full_size(cat_channels=10)
    assert net.head.in_channels == 50
    assert count(net.stages[0].sources[1]) == conv_block(48, 10)


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("sources", [5, 6])
def test_decoder_equals_its_table_written_out(spatial_dims, sources):
    net = small(spatial_dims, sources=sources).double()
    image = torch.randn(2, 2, *(16, 16, 32)[-spatial_dims:], dtype=torch.float64)
    pool = F.max_pool3d if spatial_dims == 3 else F.max_pool2d
    found = dict(zip(("h1", "h2", "h3", "h4", "hd5"), net.encoder(image), strict=True))
    if net.context is not None:
        x = pool(found["h2"], 2)
        found["context"] = net.context.mix(torch.cat([branch(x) for branch in net.context.branches], dim=1))
    for stage, module in zip((4, 3, 2, 1), net.stages, strict=True):
        rows = [*TABLE[stage], *([("context", CONTEXT[stage])] if sources == 6 else [])]
        brought = [pool(found[name], by) if by > 0 else upsample(found[name], -by) for name, by in rows]
        joined = [source.block(x) for source, x in zip(module.sources, brought, strict=True)]
        found[f"hd{stage}"] = module.merge(torch.cat(joined, dim=1))
    for level, features in enumerate(net.features(image), start=1):
        torch.testing.assert_close(features, found[f"hd{level}"])
    torch.testing.assert_close(net(image), net.head(found["hd1"]))


def test_features_are_those_that_the_heads_see():
    net = small()
    shapes = [tuple(x.shape) for x in net.features(torch.randn(1, 2, 16, 16, 32))]
    assert shapes == [
        (1, 10, 16, 16, 32),
        (1, 10, 8, 8, 16),
        (1, 10, 4, 4, 8),
        (1, 10, 2, 2, 4),
        (1, 32, 1, 1, 2),
    ]


def test_each_output_of_deep_supervision_is_its_stage():
    net = small(deep_supervision=True)
    image = torch.randn(1, 2, 16, 16, 32)
    outputs, features = net(image), net.features(image)
    assert len(outputs) == 6
    for level, (output, x, head) in enumerate(zip(outputs[1:], features, net.supervision, strict=True)):
        torch.testing.assert_close(output, F.interpolate(head(x), scale_factor=float(2**level), mode="trilinear"))


def test_dilations_of_the_pyramid():
    branches = small(sources=6).context.branches
    assert [branch.conv.dilation for branch in branches] == [(6,) * 3, (12,) * 3, (18,) * 3]
    x = torch.zeros(1, 4, 40, 1, 1)
    x[:, :, 20] = 1
    for branch, dilation in zip(branches, (6, 12, 18), strict=True):
        with torch.no_grad():
            response = (branch.conv(x) - branch.conv(torch.zeros_like(x))).abs().sum(dim=(0, 1, 3, 4))
        assert response.nonzero().flatten().tolist() == [20 - dilation, 20, 20 + dilation]


def test_parts_are_registered_in_the_order_in_which_they_run():
    net = small(sources=6, deep_supervision=True)
    names, ran = {module: name for name, module in net.named_modules()}, []
    parts = [*net.encoder.levels, net.context, *(p for s in net.stages for p in (*s.sources, s.merge)), net.head]
    for part in (*parts, *net.supervision):
        part.register_forward_hook(lambda module, *_: ran.append(names[module]))
    net(torch.randn(1, 2, 16, 16, 32))
    registered = list(dict.fromkeys(r for n, _ in net.named_parameters() for r in ran if n.startswith(f"{r}.")))
    assert ran == registered
    assert len(ran) == 5 + 1 + 4 * 7 + 1 + 5


def test_decoder_loses_little_in_bf16(monkeypatch):
    net = small().eval()
    image = torch.randn(1, 2, 32, 32, 32)
    with torch.no_grad():
        levels, exact = net.encoder(image), net(image)
        monkeypatch.setattr(net.encoder, "forward", lambda _: list(levels))
        with torch.autocast("cpu", torch.bfloat16):
            half = net(image)
    assert (half.float() - exact).std() < 0.03 * exact.std()


@pytest.mark.parametrize("checkpointing", [False, True])
def test_bf16_autocast_keeps_nothing_large_in_float32(checkpointing):
    # more filters than input channels: a shortcut without weights would carry the image's own float32
    net, kept = UNet3Plus(2, 1, filters=3, deep_supervision=True, checkpointing=checkpointing), []
    image = torch.randn(1, 2, 32, 32, 32)

    def remember(tensor):
        if tensor.dtype == torch.float32 and tensor.numel() >= image.numel() // 2 and tensor is not image:
            kept.append(tuple(tensor.shape))
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16),
    ):
        net(image)
    assert kept == []


def test_another_number_of_sources_is_refused():
    with pytest.raises(ValueError, match="sources is 4"):
        UNet3Plus(2, 1, filters=2, sources=4)
