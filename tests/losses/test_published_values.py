"""What the code of Bourigault et al. 2022 gave when it was run on two patches of 60 random voxels."""

import pytest
import torch

from hnseg.losses import BCE, Combo, Dice, Focal, LogCoshDice, Tversky, WeightedSum


@pytest.fixture
def patches():
    generator = torch.Generator().manual_seed(11)
    p = torch.rand(2, 1, 3, 4, 5, generator=generator)
    target = (torch.rand(2, 1, 3, 4, 5, generator=generator) > 0.7).float()
    return p.double().logit(), target, torch.ones(2, 1, dtype=torch.bool)


@pytest.mark.parametrize(
    ("loss", "value"),
    [
        pytest.param(Dice("sigmoid"), 0.525993, id="dice"),
        pytest.param(Focal("sigmoid", clamp=1e-2), 0.535681, id="focal"),
        pytest.param(LogCoshDice("sigmoid"), 0.132390, id="logcosh"),
        pytest.param(Tversky("sigmoid", variant="code"), 0.567391, id="tversky"),
        pytest.param(Combo("sigmoid"), -0.191938, id="combo"),
        pytest.param(BCE("sigmoid"), 0.939744, id="bce"),
    ],
)
def test_value(patches, loss, value):
    assert loss(*patches).item() == pytest.approx(value, abs=6e-7)


def test_final_loss(patches):
    terms = {"dice": LogCoshDice("sigmoid"), "focal": Focal("sigmoid", clamp=1e-2)}
    assert WeightedSum(terms, {"dice": 1, "focal": 1})(*patches).item() == pytest.approx(0.668071, abs=6e-7)
