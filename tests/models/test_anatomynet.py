import pytest
import torch
import torch.nn.functional as F

from hnseg.models import AnatomyNet

RELU = {"activation": "relu"}


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("variant", "parameters"),
    [
        ({}, 734_417),
        (RELU, 734_417),
        ({"block": "res", **RELU}, 1_049_084),
        ({"block": "res", "merge": "sum", **RELU}, 493_639),
        ({"merge": "sum", **RELU}, 494_845),
        ({"block": "plain", **RELU}, 819_674),
        ({"block": "plain", "poolings": 2, **RELU}, 4_005_698),
        ({"block": "plain", "poolings": 3, **RELU}, 15_234_986),
        ({"block": "plain", "poolings": 4, **RELU}, 22_450_218),
    ],
)
def test_parameter_count_of_every_published_network(variant, parameters):
    with torch.device("meta"):
        assert count(AnatomyNet(1, 10, **variant)) == parameters


def test_parameter_count_of_every_part():
    net = AnatomyNet(1, 10)
    stem = net.down[0][0]
    assert [count(stem.conv), count(stem.norm)] == [756, 56]
    assert [count(level) for level in net.down[1:]] == [97_024, 110_468, 124_784]
    parts = [count(part) for level in net.up[:3] for part in (level.first, level.rest)]
    assert parts == [87_138, 55_586, 76_651, 48_872, 66_893, 42_533]
    assert [count(net.up[3]), count(net.head)] == [19_866, 3_790]
    assert sum(buffer.numel() for buffer in net.buffers()) == 2_034
    hidden = [m.squeeze.out_features for m in net.modules() if hasattr(m, "squeeze")]
    assert hidden == [2] * 6 + [2, 2, 1, 2, 1, 1]  # the fifth and the sixth merge: 30 and 28 channels over 16


def written_out(net, image):
    """The residual networks once more, without a class."""
    state = dict(net.state_dict())
    calls = iter([name.removesuffix(".weight") for name in state if name.endswith("weight")])
    slope = net.down[0][0].slope

    def conv(x, stride=1):
        name = next(calls)
        weight, bias = state[name + ".weight"], state.get(name + ".bias")
        return F.conv3d(x, weight, bias, stride, padding=weight.shape[-1] // 2)

    def norm(x):
        name = next(calls)
        mean, var = x.mean(dim=(0, 2, 3, 4)), x.var(dim=(0, 2, 3, 4), unbiased=False)
        if not net.training:
            mean, var = state[name + ".running_mean"], state[name + ".running_var"]
        columns = [v.reshape(1, -1, 1, 1, 1) for v in (mean, var, state[name + ".weight"], state[name + ".bias"])]
        return (x - columns[0]) / (columns[1] + 1e-5).sqrt() * columns[2] + columns[3]

    def leaky(x):
        return torch.where(x > 0, x, slope * x)

    def squeezed(x):
        w1, b1, w2, b2 = (state[f"{name}.{kind}"] for name in (next(calls), next(calls)) for kind in ("weight", "bias"))
        gate = torch.stack([torch.sigmoid(w2 @ leaky(w1 @ v.mean(dim=(1, 2, 3)) + b1) + b2) for v in x])
        return x * gate[:, :, None, None, None]

    def block(x, width, squeeze):
        out = norm(conv(leaky(norm(conv(x)))))
        out = squeezed(out) if squeeze else out
        return leaky(out + (x if x.shape[1] == width else norm(conv(x))))

    def merge(deep, skip):
        return conv(skip) + deep if net.up[0].match is not None else torch.cat([deep, skip], dim=1)

    se = any("squeeze" in name for name in state)
    widths = [level[-1].second.norm.num_features for level in net.down[1:]]
    features = [leaky(norm(conv(image, stride=2)))]
    for level, width in zip(net.down[1:], widths, strict=True):
        x = features[-1]
        for _ in level:
            x = block(x, width, se)
        features.append(x)
    x = features.pop()
    for level in net.up[:3]:
        skip = features.pop()
        width = skip.shape[1]
        x = block(merge(x, skip), width, se)
        for _ in level.rest:
            x = block(x, width, se)
    name = next(calls)
    doubled = F.conv_transpose3d(x, state[name + ".weight"], state[name + ".bias"], stride=2)
    return conv(block(merge(doubled, image), net.head.in_channels, False))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "variant",
    [{"filters": 6}, {"filters": 16, **RELU}, {"block": "res", "filters": 4}, {"merge": "sum", "filters": 4}],
)
def test_equals_the_network_written_out(variant, training):
    torch.manual_seed(0)
    net = AnatomyNet(2, 3, **variant).double()
    for name, tensor in net.state_dict().items():
        if tensor.ndim == 1:
            torch.nn.init.uniform_(tensor, 0.5 if "var" in name else -1, 1.5)
    image = torch.randn(2, 2, 4, 6, 8, dtype=torch.float64)
    net.train(training)
    expected = written_out(net, image)
    torch.testing.assert_close(net(image), expected)


@pytest.mark.parametrize("poolings", [1, 2, 3, 4])
def test_plain_networks_halve_as_often_as_asked(poolings):
    net, sizes = AnatomyNet(1, 10, filters=8, block="plain", poolings=poolings), []
    assert net.divisor == 2**poolings
    for level in (*net.down, *net.up):
        level.register_forward_hook(lambda *args: sizes.append(args[2].shape[2]))
    assert net(torch.zeros(1, 1, 32, 16, 48)).shape == (1, 10, 32, 16, 48)
    down = [32 // 2 ** min(level, poolings) for level in range(1, 5)]
    assert sizes == [*down, *reversed(down[:-1]), 32]


def test_plain_networks_see_the_skip_and_the_image_first():
    torch.manual_seed(0)
    net = AnatomyNet(1, 10, filters=4, block="plain", poolings=2)
    seen, image = [], torch.randn(1, 1, 8, 8, 8)
    for level in net.up:
        level.first.register_forward_pre_hook(lambda *args: seen.append(args[1][0]))
    skips = [image]
    for level in net.down[:3]:
        skips.append(level(skips[-1]))
    net(image)
    for merged, skip in zip(seen, reversed(skips), strict=True):
        assert torch.equal(merged[:, : skip.shape[1]], skip)


VARIANTS = [
    {},
    {"block": "res", "merge": "sum"},
    {"merge": "sum"},
    {"block": "res"},
    {"block": "plain"},
    {"block": "plain", "poolings": 3},
]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_the_narrowest_of_every_variant_learns_from_one_image(variant, spatial_dims):
    torch.manual_seed(0)
    net = AnatomyNet(2, 3, filters=2, spatial_dims=spatial_dims, **variant)
    size = [net.divisor * n for n in (3, 1, 2)][-spatial_dims:]
    out = net(torch.randn(1, 2, *size))
    assert out.shape == (1, 3, *size)
    (out * torch.randn_like(out)).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    assert all(p.grad.abs().sum() > 0 for name, p in net.named_parameters() if "down.0" in name)


def test_odd_sizes_are_refused_where_the_network_halves():
    for poolings, fitting in ((1, 6), (4, 16)):
        net = AnatomyNet(1, 10, filters=2, block="plain", poolings=poolings)
        with pytest.raises(ValueError, match=rf"multiple of {2**poolings}.*pad it to \({fitting}, "):
            net(torch.zeros(1, 1, 5, 32, 32))


def test_evaluation_goes_by_running_statistics_and_leaves_them():
    torch.manual_seed(0)
    net = AnatomyNet(1, 10, filters=4)
    image = torch.randn(1, 1, 8, 8, 8) * 3 + 1
    in_training = net(image)
    before = [buffer.clone() for buffer in net.buffers()]
    assert net.down[0][0].norm.num_batches_tracked == 1
    net.eval()
    first = net(image)
    assert all(torch.equal(a, b) for a, b in zip(before, net.buffers(), strict=True))
    assert not torch.allclose(first, in_training, atol=1e-3)
    # an image is answered alike in whatever company it comes
    together = net(torch.cat([image, 100 * torch.randn_like(image)]))
    torch.testing.assert_close(together[:1], first, atol=1e-4, rtol=1e-4)


def test_weights_are_kaimings_and_batch_norms_start_at_identity():
    torch.manual_seed(0)
    net = AnatomyNet(1, 10)
    for name in ("down.1.0.first.conv", "up.0.first.shortcut.conv", "head"):
        weight = net.get_parameter(f"{name}.weight")
        assert weight.std().item() == pytest.approx((2 / weight[0].numel()) ** 0.5, rel=0.05)
    doubling = net.get_parameter("up.3.up.weight")
    assert doubling.std().item() == pytest.approx((2 / doubling[0].numel()) ** 0.5, rel=0.05)
    norms = [m for m in net.modules() if isinstance(m, torch.nn.BatchNorm3d)]
    assert all(m.eps == 1e-5 and (m.weight == 1).all() and (m.bias == 0).all() for m in norms)
    assert len(norms) == 1 + 6 * 2 + 3 + 6 * 2 + 3 + 3


@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ({"block": "dense"}, "block is 'dense'; AnatomyNet has seres, res, plain"),
        ({"merge": "max"}, "merge is 'max'"),
        ({"activation": "elu"}, "activation is 'elu'; AnatomyNet has leaky, relu"),
        ({"block": "plain", "poolings": 5}, "poolings is 5; AnatomyNet has 1, 2, 3, 4"),
        ({"poolings": 2}, "poolings is 2 with block 'seres'"),
        ({"block": "plain", "merge": "sum"}, "merge is 'sum' with block 'plain'"),
    ],
)
def test_networks_that_nobody_published_are_refused(variant, message):
    with pytest.raises(ValueError, match=message):
        AnatomyNet(1, 10, **variant)
