import numpy as np
import pytest
import torch

from hnseg.clicks import ClickChannels, PointEncoding
from hnseg.inference.runner import Runner
from hnseg.inference.settings import InferenceSettings
from hnseg.labels import LabelSet
from hnseg.models import UNet
from hnseg.prepare.intensity import Normalization
from hnseg.types import Clicks

PET_CT = Normalization(("ct", "pt"))
TUMOUR = LabelSet(("GTVt",))


class Recorder(torch.nn.Module):
    """Answers with its first channel and remembers what it saw."""

    def __init__(self, divisor=1):
        super().__init__()
        self.divisor, self.seen = divisor, []

    def forward(self, image):
        self.seen.append(image.clone())
        return image[:, :1]


def settings(window=(8, 8, 8), **changes):
    return InferenceSettings(window, **changes)


def test_auto_is_one_pass_over_a_box_and_windows_over_more():
    network = Recorder()
    runner = Runner(network, TUMOUR, PET_CT, settings(), whole_up_to_zyx=(12, 12, 12))
    runner(torch.rand(2, 12, 10, 12))
    assert [tuple(x.shape) for x in network.seen] == [(1, 2, 12, 10, 12)]
    network.seen.clear()
    assert runner(torch.rand(2, 13, 8, 8)).shape == (1, 13, 8, 8)
    assert {tuple(x.shape) for x in network.seen} == {(1, 2, 8, 8, 8)}


def test_auto_without_a_box_size_is_windows():
    assert not Runner(Recorder(), TUMOUR, PET_CT, settings()).in_one_pass((4, 4, 4))


@pytest.mark.parametrize("mode", ["whole", "sliding_window"])
def test_mode_is_obeyed(mode):
    network = Recorder()
    Runner(network, TUMOUR, PET_CT, settings(mode=mode), whole_up_to_zyx=(16, 16, 16))(torch.rand(2, 16, 8, 8))
    assert len(network.seen) == {"whole": 1, "sliding_window": 3}[mode]


def test_one_pass_pads_with_air_and_no_uptake_to_the_divisor():
    network = Recorder(divisor=8)
    plain = Normalization(
        ("ct", "pt"), ct={"kind": "standardise", "mean": 0, "std": 1}, pt={"kind": "clip", "low": -1, "high": 1}
    )
    image = torch.ones(2, 8, 6, 8)
    result = Runner(network, TUMOUR, plain, settings(mode="whole"))(image)
    assert network.seen[0].shape == (1, 2, 8, 8, 8)
    assert network.seen[0][0, 0, 0, 0, 0] == -1024
    assert network.seen[0][0, 1, 0, 0, 0] == 0
    torch.testing.assert_close(result, image[:1].sigmoid())


def test_every_window_is_normalised_by_its_own_mean():
    network = Recorder()
    pet_only = Normalization(("pt",))
    Runner(network, TUMOUR, pet_only, settings(mode="sliding_window", overlap=0.0))(torch.rand(1, 16, 8, 8) * 9)
    assert len(network.seen) == 2
    for window in network.seen:
        assert window.mean().abs() < 1e-5
        assert (window.std(correction=0) - 1).abs() < 1e-2


@pytest.mark.parametrize(("mode", "sizes"), [("whole", [4, 3]), ("sliding_window", [4, 4, 4, 4, 4, 4, 4])])
def test_2d_network_gets_slices_in_batches(mode, sizes):
    network = torch.nn.Conv2d(2, 1, 1).requires_grad_(False)
    seen = []
    network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
    flat = Normalization(("ct", "pt"), 2)
    image = torch.randn(2, 7, 12, 12)
    runner = Runner(network, TUMOUR, flat, settings((1, 8, 8), mode=mode), batch_size=4)
    result = runner(image)
    assert result.shape == (1, 7, 12, 12)
    assert [shape[0] for shape in seen] == sizes
    if mode == "whole":
        expected = network(flat(image.transpose(0, 1))).sigmoid().transpose(0, 1)
        torch.testing.assert_close(result, expected)


def test_probabilities_are_averaged_not_logits():
    class ByMean(torch.nn.Module):
        """One logit for a whole window: its mean."""

        def forward(self, image):
            return image.mean(dim=(2, 3, 4), keepdim=True).expand_as(image)

    image = torch.cat([torch.zeros(1, 4, 4, 4), torch.full((1, 4, 4, 4), 4.0)], dim=1)
    plain = Normalization(("pt",), pt={"kind": "standardise", "mean": 0, "std": 1})
    runner = Runner(ByMean(), TUMOUR, plain, settings((4, 4, 4), mode="sliding_window", weighting="constant"))
    outer, middle, far = torch.tensor([0.0, 2.0, 4.0]).sigmoid()
    expected = torch.stack(
        [outer, outer, (outer + middle) / 2, (outer + middle) / 2, *[(middle + far) / 2] * 2, far, far]
    )
    torch.testing.assert_close(runner(image)[0, :, 0, 0], expected)


def test_softmax_channels_sum_to_one():
    labels = LabelSet(("GTVp", "GTVn"), "softmax")
    network = UNet(in_channels=2, out_channels=3, filters=2).eval()
    result = Runner(network, labels, PET_CT, settings((16, 16, 16), mode="sliding_window"))(torch.randn(2, 24, 16, 20))
    assert result.shape == (3, 24, 16, 20)
    torch.testing.assert_close(result.sum(dim=0), torch.ones(24, 16, 20))


def test_bf16_stays_close_and_answers_in_float32():
    torch.manual_seed(0)
    network = UNet(in_channels=2, out_channels=1, filters=2).eval()
    image = torch.randn(2, 32, 32, 32)
    runners = [Runner(network, TUMOUR, PET_CT, settings((32, 32, 32)), precision=p) for p in ("32", "bf16")]
    full, half = (runner(image) for runner in runners)
    assert half.dtype == torch.float32
    assert not torch.equal(full, half)
    assert (full - half).abs().max() < 0.03


@pytest.mark.parametrize(
    ("names", "passes"),
    [(("GTVt",), 8), (("Parotid_L", "Parotid_R"), 4), (("left eye",), 4), (("Chiasm", "Larynx"), 8)],
)
def test_mirror_leaves_left_and_right_where_they_are(names, passes):
    network = Recorder()
    labels = LabelSet(names)
    runner = Runner(network, labels, PET_CT, settings(mode="whole", tta="mirror"))
    runner(torch.rand(2, 8, 8, 8))
    assert len(network.seen) == passes


def test_mirror_of_a_2d_network_stays_in_the_slice():
    network = Recorder()
    flat = Normalization(("ct", "pt"), 2)
    Runner(network, TUMOUR, flat, settings((1, 8, 8), tta="mirror"))(torch.rand(2, 1, 8, 8))
    assert len(network.seen) == 4


NINE = ("BrainStem", "Chiasm", "Mandible", "OpticNerve_L", "OpticNerve_R")
NINE += ("Parotid_L", "Parotid_R", "Submandibular_L", "Submandibular_R")


@pytest.mark.parametrize(("spatial_dims", "axes"), [(3, (2, 3)), (2, (2,))])
def test_mirror_never_swaps_left_and_right_of_the_nine_organs(spatial_dims, axes):
    network = Recorder()
    ct = Normalization(("ct",), spatial_dims, ct={"kind": "standardise", "mean": 0, "std": 1})
    image = torch.rand(1, 4, 4, 4)
    seen = {3: [image[None]], 2: [image.transpose(0, 1)]}[spatial_dims]
    Runner(network, LabelSet(NINE), ct, settings(None, tta="mirror"), batch_size=4)(image)
    for axis in axes:
        seen += [batch.flip(axis) for batch in seen]
    assert len(network.seen) == len(seen)
    assert all(any(torch.equal(was, wanted) for was in network.seen) for wanted in seen)


@pytest.mark.parametrize("mode", ["auto", "whole"])
def test_settings_without_a_window_are_one_pass_whatever_the_size(mode):
    network = Recorder(divisor=8)
    runner = Runner(network, TUMOUR, PET_CT, settings(None, mode=mode), whole_up_to_zyx=(8, 8, 8))
    assert runner(torch.rand(2, 21, 30, 17)).shape == (1, 21, 30, 17)
    assert [tuple(x.shape) for x in network.seen] == [(1, 2, 24, 32, 24)]
    flat = Recorder(divisor=8)
    runner = Runner(flat, TUMOUR, Normalization(("ct", "pt"), 2), settings(None, mode=mode), batch_size=16)
    assert runner(torch.rand(2, 21, 30, 17)).shape == (1, 21, 30, 17)
    assert [tuple(x.shape) for x in flat.seen] == [(16, 2, 32, 24), (5, 2, 32, 24)]


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize("window", [None, (4, 4, 8)])
def test_slabs_are_the_whole_answer(spatial_dims, window):
    class ByMean(Recorder):
        """Answers with the first channel less the mean of what it was given: windows differ where they overlap."""

        def forward(self, image):
            return super().forward(image) - image.mean()

    normalization = Normalization(("ct", "pt"), spatial_dims)
    runner = Runner(ByMean(divisor=4), TUMOUR, normalization, settings(window), batch_size=2)
    image = torch.randn(2, 9, 10, 12)
    slabs = [slab.clone() for slab in runner.slabs(image)]
    assert torch.equal(torch.cat(slabs, dim=1), runner(image))
    assert (len(slabs) == 1) == (window is None and spatial_dims == 3)


def test_batch_norm_answers_slice_by_slice_whatever_else_is_in_the_batch():
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(2, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.Conv2d(4, 1, 1)
    )
    network[1].running_mean.normal_()
    network.eval().requires_grad_(False)
    before = network[1].running_mean.clone()
    runners = [Runner(network, TUMOUR, Normalization(("ct", "pt"), 2), settings(None), batch_size=n) for n in (1, 4)]
    image = torch.randn(2, 6, 8, 8)
    torch.testing.assert_close(runners[0](image), runners[1](image), atol=1e-6, rtol=0)
    assert torch.equal(network[1].running_mean, before)


def test_unknown_precision():
    with pytest.raises(ValueError, match="precision"):
        Runner(Recorder(), TUMOUR, PET_CT, settings(), precision="64")


def test_windows_that_the_network_cannot_take():
    with pytest.raises(ValueError, match="multiples of"):
        Runner(Recorder(divisor=16), TUMOUR, PET_CT, settings((16, 16, 24)))


def test_a_2d_network_takes_slices_however_high_the_window():
    network = Recorder()
    Runner(network, TUMOUR, Normalization(("ct", "pt"), 2), settings((8, 8, 8)))(torch.rand(2, 3, 8, 8))
    assert {tuple(image.shape[2:]) for image in network.seen} == {(8, 8)}


SINGLE = ClickChannels(PointEncoding(), 1, 0, 1, 3, "random", None)
ONE_CLICK = Clicks(np.array([[9.0, 3.0, 5.0]]), np.array([1], np.uint8), (1.0, 1.0, 1.0))


@pytest.mark.parametrize("mode", ["whole", "sliding_window"])
def test_clicks_reach_the_network_behind_the_modalities_in_every_window(mode):
    network = Recorder()
    runner = Runner(network, TUMOUR, PET_CT, settings(mode=mode), clicks=SINGLE)
    runner(torch.rand(2, 12, 8, 8), clicks=ONE_CLICK)
    marked = [torch.nonzero(seen[0, 2]).tolist() for seen in network.seen if seen[0, 2].any()]
    assert all(tuple(seen.shape[:2]) == (1, 3) for seen in network.seen)
    assert marked == ([[[9, 3, 5]]] if mode == "whole" else [[[5, 3, 5]]])  # of windows at 0 and 4 only the second
    network.seen.clear()
    runner(torch.rand(2, 12, 8, 8))
    assert not any(seen[0, 2].any() for seen in network.seen)


def test_a_flat_network_sees_a_click_in_its_own_slice():
    network = Recorder()
    flat = Normalization(("pt",), spatial_dims=2)
    in_plane = ClickChannels(PointEncoding(), 1, 0, 1, 2, "random", None)
    runner = Runner(network, TUMOUR, flat, settings((1, 8, 8), mode="whole"), batch_size=12, clicks=in_plane)
    runner(torch.rand(1, 12, 8, 8), clicks=ONE_CLICK)
    assert torch.nonzero(network.seen[0][:, 1]).tolist() == [[9, 3, 5]]


def test_slabs_see_the_clicks_too():
    runner = Runner(Recorder(), TUMOUR, PET_CT, settings(mode="sliding_window"), clicks=SINGLE)
    image = torch.rand(2, 12, 8, 8)
    slabs = torch.cat([slab.clone() for slab in runner.slabs(image, clicks=ONE_CLICK)], dim=1)
    torch.testing.assert_close(slabs, runner(image, clicks=ONE_CLICK))
