import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from hnseg.clicks import PointEncoding
from hnseg.models import PetThreshold
from hnseg.models.hot_region import hot_region
from hnseg.run.places import conf_dir
from hnseg.run.resolvers import register_resolvers, to_plain

SPACING = (3.0, 2.0, 1.0)


def build(out_channels=2, clicks=3, structures=2, spatial_dims=3, **kwargs):
    given = {"modalities": ["ct", "pt"], "spacing_mm": SPACING, **kwargs}
    channels = len(given["modalities"]) + clicks
    return PetThreshold(channels, out_channels, clicks, structures, spatial_dims=spatial_dims, **given)


def image(size, clicks, channels):
    """CT, PET with two hot blocks, and click channels of {channel: [index, ...]}."""
    pet = torch.ones(size)
    pet[..., 1:4, 1:5] = 6
    pet[..., 5:7, 7:11] = 9
    shown = torch.zeros(channels, *size)
    for channel, index in clicks.items():
        shown[channel] = torch.from_numpy(PointEncoding()(np.array(index), size, SPACING[-len(size) :]))
    return torch.cat([torch.full(size, 999.0)[None], pet[None], shown])


def test_it_has_no_weights_and_is_sure():
    net = build()
    assert not list(net.state_dict())
    found = net(image((4, 8, 12), {0: [(2, 2, 2)]}, 3)[None])
    assert found.shape == (1, 2, 4, 8, 12)
    assert found.dtype == torch.float32
    assert found.unique().tolist() == [-10, 10]
    assert (found[0, 1] == -10).all()


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_each_structure_is_the_hot_block_that_was_clicked_on(spatial_dims):
    size = (4, 8, 12)[-spatial_dims:]
    first, second = (1, 2, 2)[-spatial_dims:], (3, 5, 8)[-spatial_dims:]
    net = build(spatial_dims=spatial_dims)
    batch = torch.stack([image(size, {0: [first], 1: [second]}, 3), image(size, {1: [first]}, 3)])
    found = net(batch) > 0
    pet = batch[0, 1]
    assert torch.equal(found[0], torch.stack([pet == 6, pet == 9]))
    assert torch.equal(found[1], torch.stack([pet < 0, pet == 6]))


def test_with_softmax_the_background_comes_first():
    found = build(out_channels=3)(image((4, 8, 12), {0: [(2, 2, 2)], 1: [(2, 5, 8)]}, 3)[None])
    assert torch.equal((found > 0).sum(dim=1), torch.ones(1, 4, 8, 12))
    without = build(out_channels=2)(image((4, 8, 12), {0: [(2, 2, 2)], 1: [(2, 5, 8)]}, 3)[None])
    assert torch.equal(found[:, 1:], without)


def test_the_last_channel_says_not_here():
    seen = image((4, 8, 12), {0: [(2, 2, 1)], 2: [(2, 2, 4)]}, 3)
    found = build(structures=2)(seen[None])[0, 0] > 0
    pet, clicks = seen[1].numpy(), (np.array([[2, 2, 1]]), np.array([[2, 2, 4]]))
    assert np.array_equal(found.numpy(), hot_region(pet, clicks[0], SPACING, negatives=clicks[1]))
    assert 0 < found.sum() < (pet == 6).sum()
    # without a channel for these it is a structure's
    assert torch.equal(build(structures=3, out_channels=3)(seen[None])[0, 0] > 0, found)


def test_a_negative_click_has_no_region_of_its_own():
    seen = torch.zeros(1, 3, 1, 6)
    seen[0, 0, 0] = torch.tensor([10.0, 5, 5, 5, 3, 3])
    seen[0, 1, 0, 0] = seen[0, 2, 0, 4] = 1  # the region of the second, were it one, would reach to voxel 3
    net = build(1, clicks=2, structures=1, spatial_dims=2, modalities=["pt"], spacing_mm=(3.0, 1.0, 1.0), snap_mm=1.0)
    assert (net(seen) > 0).flatten().tolist() == [True] * 4 + [False] * 2


def test_a_slice_has_the_last_two_spacings():
    seen = image((8, 12), {0: [(2, 2)]}, 2)
    net = build(1, clicks=2, structures=1, spatial_dims=2, reach_mm=2.0)
    expected = hot_region(seen[1].numpy(), np.array([[2, 2]]), SPACING[1:], reach_mm=2.0)
    assert np.array_equal((net(seen[None]) > 0)[0, 0].numpy(), expected)
    assert expected.sum() == 6  # four of its row, which begins at 1, and one up and one down


def test_without_a_positive_click_there_is_nothing():
    assert (build()(image((4, 8, 12), {2: [(2, 2, 2)]}, 3)[None]) == -10).all()
    assert (build()(image((4, 8, 12), {}, 3)[None]) == -10).all()
    assert (build(out_channels=3)(image((4, 8, 12), {}, 3)[None])[:, 0] == 10).all()


@pytest.mark.parametrize(
    ("how", "same"),
    [
        ({"method": "share", "share": 0.1}, {"share": 0.1}),
        ({"method": "fixed", "pet_suv": 0.5, "reach_mm": 6.0}, {"method": "fixed", "fixed_suv": 0.5, "reach_mm": 6.0}),
        ({"method": "random_walker", "reach_mm": 8.0}, {"method": "random_walker", "reach_mm": 8.0}),
        ({"snap_mm": 20.0}, {"snap_mm": 20.0}),
    ],
)
def test_settings_are_those_of_the_hot_region(how, same):
    seen = image((4, 8, 12), {0: [(2, 2, 2)]}, 2)
    found = build(clicks=2, structures=1, out_channels=1, **how)(seen[None])[0, 0] > 0
    assert np.array_equal(found.numpy(), hot_region(seen[1].numpy(), np.array([[2, 2, 2]]), SPACING, **same))


def test_half_precision_sees_the_same_clicks():
    seen = image((4, 8, 12), {0: [(2, 2, 2)], 2: [(3, 5, 8)]}, 3)[None]
    assert torch.equal(build()(seen.bfloat16()), build()(seen))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"clicks": 0}, "0 click channels for 2 structures; add clicks=point"),
        ({"clicks": 4}, "4 click channels"),
        ({"modalities": ["ct"]}, r"last modality is pt"),
        ({"modalities": ["pt", "ct"]}, r"last modality is pt"),
        ({"out_channels": 1}, "give 1 for 2 structures"),
        ({"share": 41}, "usually 0.41"),
        ({"spatial_dims": 1}, "spatial_dims is 1"),
    ],
)
def test_what_does_not_fit_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        build(**wrong)


def test_windows_of_ct_are_not_modalities():
    with pytest.raises(ValueError, match="gets 7 channels"):
        PetThreshold(7, 2, 3, 2, ["ct", "pt"], SPACING)


@pytest.mark.parametrize("shape", [(1, 4, 4, 8, 12), (1, 5, 8, 12)])
def test_another_image_is_refused(shape):
    with pytest.raises(ValueError, match="got an image of shape"):
        build()(torch.zeros(shape))


@pytest.mark.parametrize(
    "chosen", [[], ["data=turku"], ["experiment=hecktor2022_baseline", "debug=fdr"], ["clicks=edt", "view=slices"]]
)
def test_it_sees_suv_and_clicks_whatever_else_is_chosen(chosen, monkeypatch, tmp_path):
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    register_resolvers()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        model = to_plain(compose("train", overrides=["model=pet_threshold", *chosen]))["model"]
    net, normalise, clicks = (instantiate(model[part], _convert_="all") for part in ("net", "normalization", "clicks"))
    assert clicks.channels == net.click_channels == net.structures + 1
    seen = torch.rand(net.in_channels, *(3, 4, 5)[-net.spatial_dims :]) * 30
    last = len(model["normalization"]["modalities"]) - 1
    assert torch.equal(normalise(seen)[last:], seen[last:])
    assert model["inference"]["mode"] == "whole"
