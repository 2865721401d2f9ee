import itertools

import pytest
import torch

from hnseg.inference.sliding_window import sliding_window, window_starts, window_weight


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


@pytest.mark.parametrize("window", [(4, 4, 4), (7, 16, 9), (96, 96, 96), (1, 24, 24)])
@pytest.mark.parametrize("weighting", ["constant", "gaussian"])
def test_weights_equal_monais_with_the_same_least_weight(window, weighting):
    utils = pytest.importorskip("monai.data.utils")
    theirs = utils.compute_importance_map(window, mode=weighting, sigma_scale=0.125)
    torch.testing.assert_close(window_weight(window, weighting), theirs, atol=1e-6, rtol=1e-5)


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


@pytest.mark.parametrize(
    ("size", "window", "overlap"), [(160, 96, 0.5), (97, 96, 0.5), (31, 8, 0.9), (8, 8, 0.5), (9, 1, 0.5)]
)
def test_windows_cover_everything_evenly(size, window, overlap):
    starts = window_starts(size, window, overlap)
    steps = [b - a for a, b in itertools.pairwise(starts)]
    assert starts[0] == 0
    assert starts[-1] == size - window
    assert max(steps, default=0) <= max(int(window * (1 - overlap)), 1)
    assert max(steps, default=0) - min(steps, default=0) <= 1


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
