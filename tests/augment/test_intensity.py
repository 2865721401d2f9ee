import numpy as np
import pytest
import torch

from hnseg.augment import Intensity
from hnseg.augment.intensity import ChannelParams

NOTHING = ChannelParams()


def sample(size=(8, 9, 10)):
    generator = torch.Generator().manual_seed(0)
    image = torch.stack([torch.randn(size, generator=generator) * 300, torch.rand(size, generator=generator) * 5])
    return image, torch.ones(size, dtype=torch.uint8)


@pytest.mark.parametrize("size", [(8, 9, 10), (12, 13)])
def test_nothing_drawn_changes_nothing(size):
    image, label = sample(size)
    out, mask = Intensity().apply(image, label, (NOTHING, NOTHING))
    assert torch.equal(out, image)
    assert torch.equal(mask, label)


def test_gain_and_noise_have_the_drawn_size_and_keep_to_their_channel():
    image, label = sample((30, 30, 30))
    noisy, _ = Intensity().apply(image, label, (ChannelParams(gain=1.1, noise=20.0, noise_seed=3), NOTHING))
    difference = noisy[0] - 1.1 * image[0]
    assert difference.std().item() == pytest.approx(20, rel=0.03)
    assert abs(difference.mean()) < 1
    assert torch.equal(noisy[1], image[1])


def test_the_drawn_seed_decides_the_noise():
    image, label = sample()
    one, again, other = (
        Intensity().apply(image, label, (ChannelParams(noise=20.0, noise_seed=seed), NOTHING))[0] for seed in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert (one[0] - other[0]).std() > 20


def test_pet_noise_leaves_no_negative_uptake():
    image, label = sample()
    noisy, _ = Intensity().apply(image, label, (NOTHING, ChannelParams(noise=3.0)))
    assert noisy[1].min() == 0


def test_gamma_keeps_air_and_the_upper_end_and_the_order_of_tissues():
    image, label = sample()
    image[0].view(-1)[:4] = torch.tensor([-1024.0, 1024.0, -2000.0, 0.0])
    out, _ = Intensity().apply(image, label, (ChannelParams(gamma=1.25), NOTHING))
    values = out[0].view(-1)[:4].tolist()
    assert values[:3] == pytest.approx([-1024, 1024, -1024])
    assert values[3] == pytest.approx(0.5**1.25 * 2048 - 1024, abs=1e-3)
    inside = image[0].flatten() > -1024
    order = image[0].flatten()[inside].argsort()
    assert (out[0].flatten()[inside][order].diff() >= 0).all()


def test_blur_is_as_wide_in_millimetres_along_every_axis():
    image = torch.zeros(2, 31, 31, 31)
    image[:, 15, 15, 15] = 1000
    label = torch.zeros(31, 31, 31, dtype=torch.uint8)
    spacing = (2.0, 1.0, 0.5)
    out, _ = Intensity(spacing_mm=spacing).apply(image, label, (ChannelParams(blur_mm=1.5), NOTHING))
    assert out[0].sum().item() == pytest.approx(1000, rel=1e-3)
    for axis, step in enumerate(spacing):
        profile = out[0].sum(dim=[a for a in range(3) if a != axis]) / 1000
        sd_mm = float((profile * ((torch.arange(31) - 15) * step) ** 2).sum()) ** 0.5
        assert sd_mm == pytest.approx(1.5, rel=0.1)


def test_operations_fire_as_seldom_as_they_should_and_stay_in_bounds():
    augment = Intensity()
    drawn = [augment.draw(np.random.default_rng(seed), (4, 4, 4)) for seed in range(1000)]
    for modality, channel in (("ct", 0), ("pt", 1)):
        params = [p[channel] for p in drawn]
        assert 0.07 < np.mean([p.blur_mm > 0 for p in params]) < 0.13
        assert 0.11 < np.mean([p.gain != 1 for p in params]) < 0.19
        assert 0.07 < np.mean([p.noise > 0 for p in params]) < 0.13
        assert all(0.85 <= p.gain <= 1.18 and 0.8 <= p.gamma <= 1.25 for p in params)
        assert max(p.noise for p in params) < {"ct": 30, "pt": 0.3}[modality]
        assert any(p.gamma != 1 for p in params) == (modality == "ct")


@pytest.mark.parametrize("wrong", [{"gain": (0.0, 1.0)}, {"gamma": (2.0, 1.0)}, {"blur_mm": (-1.0, 1.0)}])
def test_impossible_ranges_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Intensity(**wrong)
