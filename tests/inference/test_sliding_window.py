import itertools

import pytest
import torch

from hnseg.inference.sliding_window import finished_slabs, sliding_window
from hnseg.inference.windows import window_starts, window_weight


def network(seed=0, channels=2, classes=3):
    """A convolution with a wide kernel and zero padding: its answer at a window's border depends on the window."""
    torch.manual_seed(seed)
    conv = torch.nn.Conv3d(channels, classes, 5, padding=2).requires_grad_(False)
    return lambda x: conv(x).sigmoid()


def naive(net, image, window, starts, weight):
    """The definition: every window for itself, a full map of weights, no tricks."""
    total, weights = None, torch.zeros(image.shape[1:])
    for at in itertools.product(*starts):
        place = (slice(None), *(slice(a, a + w) for a, w in zip(at, window, strict=True)))
        answer = net(image[place][None])[0]
        total = torch.zeros(answer.shape[0], *image.shape[1:]) if total is None else total
        total[place] += answer * weight
        weights[place[1:]] += weight
    return total / weights


@pytest.mark.parametrize("weighting", ["constant", "gaussian"])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_equals_monai_where_windows_lie_alike(weighting, batch_size):
    monai = pytest.importorskip("monai.inferers")
    image, net = torch.randn(2, 24, 32, 16), network()
    ours = sliding_window(net, image, (16, 16, 16), 0.5, weighting, batch_size)
    theirs = monai.sliding_window_inference(image[None], (16, 16, 16), batch_size, net, 0.5, weighting)[0]
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("weighting", ["constant", "gaussian"])
def test_equals_monai_on_an_image_smaller_than_the_window(weighting):
    monai = pytest.importorskip("monai.inferers")
    image, net = torch.randn(2, 24, 9, 16), network()
    ours = sliding_window(net, image, (16, 16, 16), 0.5, weighting, fill=-0.7)
    theirs = monai.sliding_window_inference(image[None], (16, 16, 16), 1, net, 0.5, weighting, cval=-0.7)[0]
    assert ours.shape == (3, 24, 9, 16)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("weighting", ["constant", "gaussian"])
@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.8])
def test_equals_the_definition_at_odd_sizes(weighting, overlap):
    image, net, window = torch.randn(2, 19, 23, 11), network(), (8, 7, 11)
    starts = [window_starts(n, w, overlap) for n, w in zip(image.shape[1:], window, strict=True)]
    expected = naive(net, image, window, starts, window_weight(window, weighting))
    torch.testing.assert_close(sliding_window(net, image, window, overlap, weighting), expected, atol=1e-5, rtol=0)


def test_pointwise_network_gives_the_same_as_one_pass():
    image = torch.randn(2, 21, 30, 17)
    result = sliding_window(torch.sigmoid, image, (8, 8, 8))
    torch.testing.assert_close(result, image.sigmoid(), atol=1e-6, rtol=0)


def test_one_call_and_the_very_answer_where_the_window_is_the_image():
    calls = []

    def net(x):
        calls.append(x.shape)
        return x * 3

    image = torch.randn(1, 8, 8, 8)
    assert torch.equal(sliding_window(net, image, (8, 8, 8)), image * 3)
    assert calls == [(1, 1, 8, 8, 8)]


def test_each_window_is_normalised_by_itself():
    def net(x):
        return x - x.mean(dim=(2, 3, 4), keepdim=True)

    image = torch.cat([torch.full((1, 4, 4, 4), 5.0), torch.full((1, 4, 4, 4), 90.0)], dim=3)
    assert sliding_window(net, image, (4, 4, 4), overlap=0).abs().max() == 0


def test_slices_of_a_2d_network_in_batches():
    sizes = []
    conv = torch.nn.Conv2d(1, 2, 3, padding=1).requires_grad_(False)

    def net(x):
        sizes.append(len(x))
        return conv(x.squeeze(2)).unsqueeze(2)

    image = torch.randn(1, 7, 12, 10)
    result = sliding_window(net, image, (1, 12, 10), batch_size=3)
    assert sizes == [3, 3, 1]
    torch.testing.assert_close(result, conv(image.transpose(0, 1)).transpose(0, 1))


def test_padding_takes_each_channels_own_fill():
    seen = []

    def net(x):
        seen.append(x.clone())
        return x

    image = torch.zeros(2, 4, 4, 4)
    result = sliding_window(net, image, (4, 4, 8), fill=(-1024.0, 3.0))
    assert result.shape == (2, 4, 4, 4)
    assert result.abs().max() == 0
    assert torch.equal(seen[0][0, 0, ..., :2], torch.full((4, 4, 2), -1024.0))
    assert torch.equal(seen[0][0, 1, ..., 6:], torch.full((4, 4, 2), 3.0))


SHAPES = [(19, 12, 11), (5, 10, 11), (8, 7, 11), (33, 7, 11), (1, 7, 13)]


@pytest.mark.parametrize("weighting", ["constant", "gaussian"])
@pytest.mark.parametrize("batch_size", [1, 3, 7])
@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.8])
def test_finished_slabs_are_the_same_answer_to_the_last_bit(weighting, batch_size, overlap):
    for shape in SHAPES:
        image, how = torch.randn(2, *shape), ((8, 7, 11), overlap, weighting, batch_size)
        slabs = [slab.clone() for slab in finished_slabs(network(), image, *how)]
        assert torch.equal(torch.cat(slabs, dim=1), sliding_window(network(), image, *how))
        assert all(slab.shape[1] > 0 for slab in slabs)


def test_finished_slabs_come_as_early_as_they_can_and_little_is_held():
    called, held = [], set()

    def net(x):
        called.append(len(x))
        return x

    image = torch.randn(1, 40, 8, 8)
    for number, slab in enumerate(finished_slabs(net, image, (8, 8, 8), 0.5), start=1):
        assert len(called) == number
        assert slab.shape[1] == (4 if number < 9 else 8)
        held.add(slab.untyped_storage().nbytes())
    assert number == 9
    assert held == {8 * 8 * 8 * 4}


def test_finished_slabs_of_slices_come_a_call_at_a_time():
    image = torch.randn(1, 7, 12, 10)
    slabs = [slab.clone() for slab in finished_slabs(torch.sigmoid, image, (1, 6, 10), 0.5, batch_size=6)]
    assert [slab.shape[1] for slab in slabs] == [2, 2, 2, 1]
    torch.testing.assert_close(torch.cat(slabs, dim=1), image.sigmoid())


def test_half_precision_sums_stay_close_and_progress_counts():
    image, net, seen = torch.randn(2, 20, 20, 20), network(), []
    full = sliding_window(net, image, (8, 8, 8), progress=lambda done, total: seen.append((done, total)))
    half = sliding_window(net, image, (8, 8, 8), accumulate_dtype=torch.float16)
    assert half.dtype == torch.float16
    assert (full - half.float()).abs().max() < 5e-3
    assert seen[-1] == (64, 64)
    assert len(seen) == 64


@pytest.mark.parametrize(
    "wrong", [{"overlap": 1.0}, {"overlap": -0.1}, {"window_zyx": (4, 4)}, {"batch_size": 0}, {"weighting": "cosine"}]
)
def test_refuses_what_makes_no_sense(wrong):
    arguments = {"window_zyx": (4, 4, 4), **wrong}
    with pytest.raises(ValueError):
        sliding_window(torch.sigmoid, torch.zeros(1, 8, 8, 8), **arguments)
