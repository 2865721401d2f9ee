"""The learning rates that the files of conf/optimizer and conf/scheduler give, epoch by epoch."""

from pathlib import Path

import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

CONF = Path(__file__).resolve().parents[2] / "conf"


def rates(optimizer, scheduler, epochs, validation_dice=0.5):
    parameters = [torch.nn.Parameter(torch.zeros(1))]
    chosen = OmegaConf.load(CONF / "scheduler" / f"{scheduler}.yaml")
    facts = {"trainer": {"max_epochs": 10, "check_val_every_n_epoch": 1}, "monitor": {"metric": "dice", "mode": "max"}}
    config = OmegaConf.create({**facts, "it": chosen}).it
    opt = instantiate(OmegaConf.load(CONF / "optimizer" / f"{optimizer}.yaml"))(parameters)
    schedule = instantiate(config.scheduler)(opt)
    assert config.interval == "epoch"
    seen = []
    for _ in range(epochs):
        seen.append(opt.param_groups[0]["lr"])
        opt.step()
        schedule.step(*[validation_dice] * ("monitor" in config))
    return seen


def test_cosine_restarts_give_the_published_rates():
    seen = rates("adam", "cosine_restarts", 60)
    published = {0: 1.0e-3, 1: 9.9606e-4, 10: 6.5485e-4, 12: 5.3186e-4, 13: 4.6914e-4, 24: 4.9387e-6, 25: 1.0e-3}
    for epoch, rate in published.items():
        assert seen[epoch] == pytest.approx(rate, rel=2e-5), epoch
    assert seen[50] == pytest.approx(1e-3)
    assert seen[51] == pytest.approx(seen[1])


def test_constant_keeps_the_optimizers_rate():
    assert rates("adamw", "constant", 12) == [1e-3] * 12


@pytest.mark.parametrize("scheduler", sorted(path.stem for path in (CONF / "scheduler").glob("*.yaml")))
@pytest.mark.parametrize("optimizer", sorted(path.stem for path in (CONF / "optimizer").glob("*.yaml")))
def test_every_optimizer_goes_with_every_scheduler(optimizer, scheduler):
    assert all(rate > 0 for rate in rates(optimizer, scheduler, 3))


def test_the_polynomial_is_nnu_nets():
    expected = [1e-2 * (1 - epoch / 10) ** 0.9 for epoch in range(10)]
    assert rates("sgd", "poly", 10) == pytest.approx(expected)


def test_sgd_is_nnu_nets():
    optimizer = instantiate(OmegaConf.load(CONF / "optimizer" / "sgd.yaml"))([torch.nn.Parameter(torch.zeros(1))])
    assert {name: optimizer.defaults[name] for name in ("momentum", "nesterov", "weight_decay")} == {
        "momentum": 0.99,
        "nesterov": True,
        "weight_decay": 3e-5,
    }


def test_adam_has_the_authors_betas():
    optimizer = instantiate(OmegaConf.load(CONF / "optimizer" / "adam.yaml"))([torch.nn.Parameter(torch.zeros(1))])
    assert tuple(optimizer.defaults["betas"]) == (0.9, 0.99)
    assert optimizer.defaults["weight_decay"] == 0


def test_the_plateau_halves_after_ten_validations_without_a_hundredth_more():
    assert rates("adam_torch", "plateau", 24) == [1e-3] * 12 + [5e-4] * 11 + [2.5e-4]


def test_the_two_stages_are_anatomynets():
    staged = instantiate(OmegaConf.load(CONF / "optimizer" / "rmsprop_then_sgd.yaml"))(
        [torch.nn.Parameter(torch.zeros(1))]
    )
    first, then = staged.stages
    assert (type(first), type(then)) == (torch.optim.RMSprop, torch.optim.SGD)
    assert (first.defaults["lr"], then.defaults["lr"], then.defaults["momentum"]) == (2e-3, 1e-3, 0.9)
    assert staged.switch_epoch == 150
