"""Every file in conf/loss with data that it is for, in slices and volumes, where an annotation is missing."""

from functools import cache

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import OmegaConf

from hnseg.labels import LabelSet
from hnseg.losses import DeepSupervision
from hnseg.run.places import conf_dir
from hnseg.run.resolvers import register_resolvers
from hnseg.types import TrainingCounts

OPTIONS = sorted(path.stem for path in (conf_dir() / "loss").glob("[!_]*.yaml"))
ITSELF = "phantom data.activation=identity"
DATA = {"phantom": "sigmoid", "hecktor2022": "softmax", ITSELF: "identity"}
NO_LOGITS = {"keras_bce"}
PAIRS = [(option, data) for option in OPTIONS for data in DATA if (data == ITSELF) == (option in NO_LOGITS)]


@cache
def facts(data):
    """What train.yaml says of a data set; composed once, because that is what takes time."""
    register_resolvers()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config = compose("train", overrides=f"data={data}".split())
    assert config.data.activation == DATA[data]
    return config


@cache
def built(option, data):
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        loss = compose(overrides=[f"+loss={option}"]).loss
    config = OmegaConf.merge(OmegaConf.masked_copy(facts(data), ["data"]), {"loss": loss})
    loss = instantiate(OmegaConf.to_container(config.loss, resolve=True), _convert_="all")
    assert {part.activation for part in loss.modules() if hasattr(part, "activation")} == {DATA[data]}
    return loss


def batch(labels, size):
    """Two patients: all is known of the first, the last structure of the second is not."""
    generator = torch.Generator().manual_seed(2)
    target = torch.randint(0, len(labels.names) + 1, (2, *size), generator=generator)
    annotated = torch.ones(2, len(labels.names), dtype=torch.bool)
    annotated[1, -1] = False
    logits = torch.randn(2, labels.channels, *size, generator=generator)
    return logits.requires_grad_(), labels.encode(target), labels.counts(annotated)


def learn(loss, structures):
    """What a module tells the parts of a loss that ask for it."""
    counts = TrainingCounts(tuple("abc"[:structures]), 9, (8, 4, 6)[:structures], 3, (80, 40, 60)[:structures])
    for part in loss.modules():
        if hasattr(part, "learn"):
            part.learn(counts)
    return loss


@pytest.mark.parametrize("size", [(4, 6), (3, 4, 6)], ids=["slices", "volumes"])
@pytest.mark.parametrize("structures", [1, 2, 3])
@pytest.mark.parametrize(("option", "data"), PAIRS)
def test_every_option_learns_from_what_is_annotated_and_only_from_that(option, data, structures, size):
    loss = learn(built(option, data), structures)
    logits, target, counts = batch(LabelSet(tuple("abc"[:structures]), DATA[data]), size)
    value = loss(logits, target, counts)
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()
    pulls = logits.grad.abs().flatten(2).amax(dim=2) > 0
    assert torch.equal(pulls, counts)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 1.0])
@pytest.mark.parametrize(("option", "data"), PAIRS)
def test_what_nobody_annotated_says_nothing_whatever_stands_there(option, data, wrong):
    loss = learn(built(option, data), 3)
    logits, target, counts = batch(LabelSet(tuple("abc"), DATA[data]), (4, 6))
    value = loss(logits, target, counts)
    (gradient,) = torch.autograd.grad(value, logits)
    spoilt = target.masked_fill(~counts[..., None, None], wrong)
    again = loss(logits, spoilt, counts)
    torch.testing.assert_close(again, value)
    torch.testing.assert_close(torch.autograd.grad(again, logits)[0], gradient)
    if DATA[data] != "softmax":  # with softmax its logits compete with the others
        louder = torch.where(counts[..., None, None], logits, logits + 3)
        torch.testing.assert_close(loss(louder, spoilt, counts), value)
    nothing = loss(logits, torch.full_like(target, wrong), torch.zeros_like(counts))
    assert nothing == 0
    assert torch.autograd.grad(nothing, logits)[0].abs().max() == 0


@pytest.mark.parametrize(("option", "data"), [pair for pair in PAIRS if pair[1] != "phantom"])
def test_every_option_supervises_deeply(option, data):
    plain = learn(built(option, data), 2)
    loss = DeepSupervision(plain, [1.0, 0.5])
    logits, target, counts = batch(LabelSet(("GTVp", "GTVn"), DATA[data]), (3, 4, 6))
    coarse = (logits.detach() / 2).requires_grad_()
    value = loss([logits, coarse], target, counts)
    value.backward()
    torch.testing.assert_close(value, plain(logits, target, counts) + 0.5 * plain(coarse, target, counts))
    assert coarse.grad.abs().max() > 0


@pytest.mark.parametrize(("option", "data"), [("dice_focal", ITSELF), ("keras_bce", "phantom"), ("jain2020", ITSELF)])
def test_a_loss_for_another_output_is_refused(option, data):
    with pytest.raises(InstantiationException, match="identity"):
        built(option, data)


def test_logcosh_focal_is_the_sum_of_two_files_with_their_own_clamp():
    loss = built("logcosh_focal", "phantom")
    assert (type(loss.terms["dice"]).__name__, loss.terms["focal"].clamp) == ("LogCoshDice", 0.01)
    assert loss.terms["focal"].gamma == 2
    assert loss.weights == {"dice": 1.0, "focal": 1.0}


def test_the_models_of_jain_are_sums_of_their_forms():
    large, mixed = built("jain2020", "hecktor2022"), built("jain2020_boundary", "hecktor2022")
    assert large.weights == {"dice": 1.0, "focal": 1.0}
    assert mixed.weights == {"dice": 1.0, "focal": 1.0, "boundary": 1.0}
    for loss in (large, mixed):
        dice, focal = loss.terms["dice"], loss.terms["focal"]
        assert (dice.alpha, dice.beta, dice.smooth, dice.background, dice.variant) == (0.5, 0.5, 5e-6, False, "paper")
        assert (focal.gamma, focal.variant) == (2.0, "paper")
        assert {term.missing for term in loss.terms.values()} == {"mean"}
    assert (mixed.terms["boundary"].variant, mixed.terms["boundary"].spacing_mm) == ("jain2020", (1.0, 1.0, 1.0))


def test_anatomynets_losses_differ_by_their_second_term():
    plain, entropy = built("anatomynet", "hecktor2022"), built("anatomynet_cross_entropy", "hecktor2022")
    assert (plain.weights, entropy.weights) == ({"dice": 1.0, "focal": 0.5}, {"dice": 1.0, "cross_entropy": 0.1})
    assert (plain.terms["dice"].alpha, plain.terms["dice"].smooth, plain.terms["focal"].clamp) == (0.5, 1e-5, 1e-6)
    exp_log = built("anatomynet_exp_log", "hecktor2022")
    assert (exp_log.weight_dice, exp_log.weight_cross, exp_log.gamma_dice) == (1.0, 0.0, 0.3)


def test_the_boundarys_weight_grows_as_the_regions_falls():
    loss = built("boundary_rebalanced", "phantom")
    found = {}
    for epoch in (0, 1, 50, 90, 199, 500):
        loss.at_epoch(epoch)
        found[epoch] = [round(loss.weights[name], 9) for name in ("region", "boundary")]
    assert found == {
        0: [1, 0.01], 1: [0.99, 0.02], 50: [0.5, 0.51], 90: [0.1, 0.91], 199: [0.1, 2.0], 500: [0.1, 2.0]
    }  # fmt: skip
    loss.at_epoch(0)


def test_boundary_measures_in_the_datas_millimetres():
    assert built("boundary", "phantom").terms["boundary"].spacing_mm == (3.0, 3.0, 3.0)
    assert built("boundary", "hecktor2022").terms["boundary"].spacing_mm == (1.0, 1.0, 1.0)
