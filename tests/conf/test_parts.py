"""The files of conf/loss, conf/augment and conf/model become the objects that they name."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from hnseg.types import TrainingCounts

CONF = Path(__file__).resolve().parents[2] / "conf"
FACTS = OmegaConf.create(
    {
        "data": {
            "activation": "softmax",
            "label_names": ["GTVt"],
            "modalities": ["ct", "pt"],
            "spacing_mm": [3.0, 1.0, 1.0],
        }
    }
)


def options(group):
    return sorted(path.stem for path in (CONF / group).glob("*.yaml") if not path.stem.startswith("_"))


def build(group, option, *overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose(overrides=[f"+{group}={option}", *overrides])
    return instantiate(OmegaConf.merge(FACTS, config)[group], _convert_="all")


@pytest.mark.parametrize("option", options("loss"))
def test_every_loss_is_built_for_the_datas_activation(option):
    activation = "identity" if option == "keras_bce" else "softmax"
    loss = build("loss", option, f"+data.activation={activation}")
    for part in loss.modules():
        if hasattr(part, "learn"):
            part.learn(TrainingCounts(("a", "b"), 9, (8, 4), 2, (8, 4)))
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    value = loss(logits, torch.rand(2, 3, 4, 4), torch.ones(2, 3, dtype=torch.bool))
    value.backward()
    assert value.isfinite()  # those that reward overlap are below 0
    assert logits.grad.abs().max() > 0
    assert {part.activation for part in loss.modules() if hasattr(part, "activation")} == {activation}


def test_dice_focal_is_the_sum_of_the_two_files_and_its_terms_can_be_changed():
    loss = build("loss", "dice_focal", "loss.terms.focal.gamma=1", "loss.terms.dice.variant=paper")
    assert loss.terms["focal"].gamma == 1
    assert (loss.terms["dice"].variant, loss.terms["focal"].variant) == ("paper", "code")
    assert loss.weights == {"dice": 1.0, "focal": 1.0}


@pytest.mark.parametrize("option", options("augment"))
def test_every_augmentation_runs_on_volumes_and_slices(option):
    augment = build("augment", option)
    for size in ((24, 24),) if option.startswith("degree_") else ((8, 8, 8), (8, 8)):
        out, label = augment(torch.randn(2, *size), torch.zeros(size, dtype=torch.uint8), np.random.default_rng(0))
        assert out.shape == (2, *size)
        assert label.shape == size


@pytest.mark.parametrize("option", ["senorm_unet", "unet"])
def test_networks_are_built_with_their_published_width(option):
    config = OmegaConf.load(CONF / "model" / f"{option}.yaml")
    net = instantiate(config.net, in_channels=2, out_channels=1, spatial_dims=2, filters=2)
    assert net(torch.randn(1, 2, 32, 48)).shape == (1, 1, 32, 48)
    assert config.net.filters == 24
