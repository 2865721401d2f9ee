"""The file conf/augment/bourigault2021.yaml holds what the paper names, and nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from scipy.spatial.transform import Rotation

CONF = Path(__file__).resolve().parents[2] / "conf" / "augment" / "bourigault2021.yaml"
SIZE = (12, 14, 16)


@pytest.fixture(scope="module")
def augment():
    facts = {"data": {"modalities": ["ct", "pt"], "spacing_mm": [3.0, 1.0, 1.0]}}
    config = OmegaConf.create({**facts, "it": OmegaConf.load(CONF)})
    return instantiate(config.it, _convert_="all")


@pytest.fixture(scope="module")
def drawn(augment):
    return [augment.draw(np.random.default_rng(seed), SIZE) for seed in range(600)]


def test_half_of_the_samples_are_turned_rigidly_by_up_to_45_degrees(drawn):
    warps = [params.warp for params in drawn if params.warp is not None]
    assert 0.44 < len(warps) / len(drawn) < 0.56
    angles = np.array([Rotation.from_matrix(warp.matrix).as_euler("xyz", degrees=True) for warp in warps])
    assert 43 < np.abs(angles).max() <= 45 + 1e-9
    assert abs(angles.mean()) < 3
    for warp in warps:
        np.testing.assert_allclose(warp.matrix @ warp.matrix.T, np.eye(3), atol=1e-12)
        assert not warp.displacement_mm.any()


def test_every_axis_is_mirrored_in_half_of_the_samples(drawn):
    for axis in (-3, -2, -1):
        assert 0.44 < np.mean([axis in params.mirrored for params in drawn]) < 0.56


def test_noise_is_all_that_happens_to_intensities(drawn):
    for channel, largest in ((0, 30.0), (1, 0.3)):
        params = [sample.intensity[channel] for sample in drawn]
        assert {(p.blur_mm, p.gamma, p.gain) for p in params} == {(0.0, 1.0, 1.0)}
        noise = np.array([p.noise for p in params])
        assert 0.44 < (noise > 0).mean() < 0.56
        assert 0.9 * largest < noise.max() <= largest


def test_noise_has_the_drawn_size_in_hu_and_leaves_no_negative_uptake(augment):
    image, label = torch.zeros(2, 40, 40, 40), torch.zeros(40, 40, 40, dtype=torch.uint8)
    seeds = (seed for seed in range(100) if augment.draw(np.random.default_rng(seed), (40, 40, 40)).warp is None)
    noisy = [augment(image, label, np.random.default_rng(seed))[0] for seed in seeds]
    spread = np.array([float(sample[0].std()) for sample in noisy])
    assert spread.max() < 30.5
    assert (spread > 10).any()
    assert min(float(sample[1].min()) for sample in noisy) == 0
