"""The files of conf/augment for organs hold what their papers have, and tell left from right."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

CONF = Path(__file__).resolve().parents[2] / "conf"
FACTS = {
    "data": {"modalities": ["ct"], "spacing_mm": [1.25, 0.76, 0.76], "label_names": ["Parotid_L", "Parotid_R", "Chin"]}
}


def loaded(option):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return OmegaConf.merge(FACTS, compose(overrides=[f"+augment={option}"]))


def build(option):
    return instantiate(loaded(option).augment, _convert_="all")


@pytest.mark.parametrize("degree", range(5))
def test_degrees_are_built_with_the_numbers_of_albumentations_05(degree):
    augment = build(f"degree_{degree}")
    assert (augment.degree, augment.variant, augment.alpha, augment.sigma_px) == (degree, "paper", 1.0, 50.0)
    assert augment.jitter * 256 == 50
    assert augment.grid_limit == 0.3
    assert augment.swapped == ((1, 0, 2) if degree in (2, 3) else (0, 1, 2))
    out, label = augment(torch.zeros(1, 32, 32), torch.zeros(32, 32, dtype=torch.uint8), np.random.default_rng(0))
    assert (out.shape, label.shape) == ((1, 32, 32), (32, 32))


def test_anatomynet_has_the_authors_numbers_in_millimetres():
    augment = build("anatomynet")
    assert augment.jitter == 0.04
    assert augment.smooth_mm / 0.76 == pytest.approx(30)
    assert augment.displacement_mm / 0.76 == pytest.approx(1000 / np.sqrt(12 * np.pi) / 30, rel=2e-3)


@pytest.mark.parametrize("size", [(8, 12, 14), (12, 14)])
def test_organs_is_strong_but_never_takes_left_for_right(size):
    organs, strong = OmegaConf.to_container(loaded("organs").augment), OmegaConf.to_container(loaded("strong").augment)
    assert organs.pop("mirror") == strong.pop("mirror") | {"axes": "zy"}
    assert organs == strong
    augment = build("organs")
    mirrored = [augment.draw(np.random.default_rng(seed), size).mirrored for seed in range(60)]
    assert {axis for axes in mirrored for axis in axes} == ({-3, -2} if len(size) == 3 else {-2})
