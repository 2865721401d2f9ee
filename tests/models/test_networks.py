"""What holds for every network; a network joins by its name in ``hnseg.models.__all__``."""

import inspect

import pytest
import torch

import hnseg.models

WITHOUT_WEIGHTS = {"PetThreshold"}
NETWORKS = [getattr(hnseg.models, name) for name in hnseg.models.__all__ if name not in WITHOUT_WEIGHTS]
SUPERVISED = [network for network in NETWORKS if "deep_supervision" in inspect.signature(network).parameters]
UNNORMALISED = {"TurkuUNet"}  # one voxel has no variance, which they do not ask for
# Every stage of UNet3Plus sees the end of the SE-Norm encoder, whose eight voxels bf16 moves by 10 to 30 % here; the
# decoder alone has a test of its own.
BF16_ERROR = {"UNet3Plus": 0.4}


def build(network, spatial_dims=3, **kwargs):
    torch.manual_seed(1)
    return network(in_channels=2, out_channels=3, filters=2, spatial_dims=spatial_dims, **kwargs)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_logits_have_the_size_of_the_image_and_every_parameter_learns(network, spatial_dims):
    net = build(network, spatial_dims)
    size = (2 * net.divisor, net.divisor, 3 * net.divisor)[3 - spatial_dims :]
    logits = net(torch.randn(2, 2, *size))
    assert logits.shape == (2, 3, *size)
    assert (logits < 0).any()
    assert (logits > 0).any()
    (logits * torch.randn_like(logits)).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    assert any(p.grad.abs().sum() > 0 for p in net.parameters())


@pytest.mark.parametrize("network", NETWORKS)
def test_sizes_that_do_not_fit_are_refused_with_the_size_that_would(network):
    net = build(network)
    d = net.divisor
    with pytest.raises(ValueError, match=rf"multiple of {d}.*pad it to \({3 * d}, {d}, {d}\)"):
        net(torch.zeros(1, 2, 2 * d + d // 2, d, d))
    if network.__name__ in UNNORMALISED:
        assert net(torch.zeros(2, 2, d, d, d)).shape == (2, 3, d, d, d)
    else:
        with pytest.raises(ValueError, match="single voxel"):
            net(torch.zeros(2, 2, d, d, d))
    with pytest.raises(ValueError, match="spatial_dims=3"):
        net(torch.zeros(1, 2, d, 2 * d))
    with pytest.raises(ValueError, match="spatial_dims is 4"):
        build(network, 4)


@pytest.mark.parametrize("network", NETWORKS)
def test_checkpointing_changes_neither_logits_nor_gradients(network):
    plain, thrifty = build(network), build(network, checkpointing=True)
    image = torch.randn(1, 2, plain.divisor, plain.divisor, 2 * plain.divisor)
    outputs = []
    for net in (plain, thrifty):
        torch.manual_seed(1)  # of dropout
        outputs.append(net(image))
    for out in outputs:
        out.square().mean().backward()
    assert torch.equal(*outputs)
    for a, b in zip(plain.parameters(), thrifty.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)
    for a, b in zip(plain.buffers(), thrifty.buffers(), strict=True):
        assert torch.equal(a, b)  # running statistics take in the batch once, not again when it is computed again


@pytest.mark.parametrize("network", NETWORKS)
def test_checkpointing_keeps_fewer_activations(network):
    def saved_bytes(net):
        total = 0

        def pack(tensor):
            nonlocal total
            total += tensor.numel() * tensor.element_size()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            net(torch.randn(1, 2, net.divisor, net.divisor, 2 * net.divisor))
        return total

    assert saved_bytes(build(network, checkpointing=True)) < 0.7 * saved_bytes(build(network))


@pytest.mark.parametrize("network", NETWORKS)
def test_each_sample_of_a_batch_is_treated_by_itself_in_evaluation(network):
    net = build(network).double().eval()  # batch normalisation mixes samples while it trains
    batch = torch.randn(2, 2, net.divisor, net.divisor, 2 * net.divisor, dtype=torch.float64)
    torch.testing.assert_close(net(batch)[1:], net(batch[1:]))


@pytest.mark.parametrize("network", NETWORKS)
def test_bf16_autocast_stays_close(network):
    net = build(network).eval()
    # Eight voxels at the bottom: the fewer there are, the more their normalisation magnifies rounding.
    image = torch.randn(1, 2, *(2 * net.divisor,) * 3)
    with torch.no_grad():
        exact = net(image)
        with torch.autocast("cpu", torch.bfloat16):
            half = net(image)
    assert (half.float() - exact).std() < BF16_ERROR.get(network.__name__, 0.1) * exact.std()


@pytest.mark.parametrize("network", SUPERVISED)
@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_deep_supervision_gives_full_size_logits_in_training_only(network, spatial_dims):
    net, plain = build(network, spatial_dims, deep_supervision=True), build(network, spatial_dims)
    plain.load_state_dict({name: tensor for name, tensor in net.state_dict().items() if "supervision" not in name})
    image = torch.randn(2, 2, *(net.divisor,) * (spatial_dims - 1), 2 * net.divisor)
    outputs = net(image)
    assert isinstance(outputs, list)
    assert len(outputs) > 1
    assert {out.shape for out in outputs} == {(2, 3, *image.shape[2:])}
    torch.stack(outputs).square().mean().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
    assert torch.equal(plain(image), outputs[0])
    assert torch.equal(net.eval()(image), outputs[0])


@pytest.mark.parametrize("network", SUPERVISED)
def test_outputs_of_deep_supervision_get_coarser(network):
    net = build(network, 2, deep_supervision=True)
    outputs = net(torch.randn(1, 2, 2 * net.divisor, 2 * net.divisor))
    roughness = [(out.diff(dim=-1).square().mean() / out.var()).item() for out in outputs[-3:]]
    assert roughness == sorted(roughness, reverse=True)
