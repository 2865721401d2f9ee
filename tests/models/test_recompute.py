import pytest
import torch
from torch import nn
from torch.nn import functional as F

from hnseg.models import recompute
from hnseg.models.blocks import conv, upsample
from hnseg.models.recompute import conv_of_upsampled


def layer_and_image(spatial_dims):
    torch.manual_seed(0)
    layer = conv(spatial_dims, 7, 3, 3).double()
    return layer, torch.randn(2, 7, *(3, 2, 4)[:spatial_dims], dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("channels_at_once", [1, 3, 7, 100])
def test_convolving_in_pieces_equals_convolving_at_once(spatial_dims, channels_at_once):
    layer, image = layer_and_image(spatial_dims)
    wanted, given = layer(upsample(image, 4)), conv_of_upsampled(layer, image, 4, channels_at_once)
    torch.testing.assert_close(given, wanted)
    inputs = (image, layer.weight, layer.bias)
    grad = torch.randn_like(wanted)
    for a, b in zip(torch.autograd.grad(given, inputs, grad), torch.autograd.grad(wanted, inputs, grad), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("grad", [True, False])
def test_no_more_channels_than_asked_for_are_interpolated_at_a_time(grad, monkeypatch):
    layer, image = layer_and_image(3)
    seen = []
    monkeypatch.setattr(recompute, "upsample", lambda x, scale: seen.append(x.shape[1]) or upsample(x, scale))
    with torch.set_grad_enabled(grad):
        conv_of_upsampled(layer, image, 2, 3)
    assert sum(seen) == 7
    assert max(seen) <= 3


def test_what_is_interpolated_is_not_kept():
    layer, image = layer_and_image(3)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):
        conv_of_upsampled(layer, image, 4, 7)
        assert max(kept) <= max(image.numel(), layer.weight.numel())
        layer(upsample(image, 4))
    assert max(kept) == 4**3 * image.numel()


def test_a_dropped_activation_is_computed_again():
    calls = []

    def square(x):
        calls.append(1)
        return F.relu(x).square()

    x = torch.randn(5, requires_grad=True)
    recompute.run(square, x, checkpointing=True).sum().backward()
    assert len(calls) == 2
    torch.testing.assert_close(x.grad, 2 * F.relu(x))
    with torch.no_grad():
        recompute.run(square, x, checkpointing=True)
    assert len(calls) == 3


class Sums(nn.Module):
    """Batch normalisation in a method of a module, as the networks hand it over."""

    def __init__(self, **settings):
        super().__init__()
        self.norm = nn.BatchNorm1d(3, **settings)

    def forward(self, x):
        return self._both(x)

    def _both(self, x):
        return F.relu(self.norm(x)).square()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("settings", [{}, {"momentum": None}, {"track_running_stats": False}])
@pytest.mark.parametrize("method", [Sums.forward, Sums._both])
def test_statistics_take_in_a_batch_once(method, settings, training):
    torch.manual_seed(0)
    once, again = Sums(**settings).train(training), Sums(**settings).train(training)
    batches = torch.randn(2, 4, 3, requires_grad=True) + 1
    for batch in batches:
        method(once, batch).sum().backward(retain_graph=True)
        recompute.run(method.__get__(again), batch, checkpointing=True).sum().backward(retain_graph=True)
    for a, b in zip(once.parameters(), again.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)
    for (name, a), b in zip(once.named_buffers(), again.buffers(), strict=True):
        assert torch.equal(a, b), name
    if once.norm.track_running_stats:
        assert once.norm.num_batches_tracked == (2 if training else 0)


def test_statistics_are_the_same_tensors_after_the_second_computation():
    # whoever holds them, as distributed training does, keeps what the network uses
    net = Sums()
    before = [id(buffer) for buffer in net.buffers()]
    recompute.run(net, torch.randn(4, 3, requires_grad=True), checkpointing=True).sum().backward()
    assert [id(buffer) for buffer in net.buffers()] == before


def test_statistics_survive_a_second_computation_that_fails():
    class Failing(Sums):
        fails = False

        def _both(self, x):
            normed = self.norm(x)
            if self.fails:
                raise RuntimeError("out of memory")
            return F.relu(normed).square()

    net = Failing()
    out = recompute.run(net, torch.randn(4, 3, requires_grad=True), checkpointing=True)
    before, net.fails = [(id(buffer), buffer.clone()) for buffer in net.buffers()], True
    with pytest.raises(RuntimeError, match="out of memory"):
        out.sum().backward()
    for (place, value), buffer in zip(before, net.buffers(), strict=True):
        assert id(buffer) == place
        assert torch.equal(buffer, value)


def test_what_dropout_dropped_is_dropped_again():
    block = nn.Sequential(nn.Linear(50, 50), nn.Dropout(0.5))
    x, gradients = torch.randn(3, 50), []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        out = recompute.run(block, x, checkpointing=checkpointing)
        torch.rand(7)  # somebody else draws before the backward pass
        gradients.append(torch.autograd.grad(out.square().sum(), block[0].weight)[0])
    assert torch.equal(*gradients)
