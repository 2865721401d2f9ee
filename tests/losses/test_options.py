"""Every file in conf/loss with sigmoid and softmax data, in slices and volumes, where an annotation is missing."""

from functools import cache

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from hnseg.labels import LabelSet
from hnseg.losses import DeepSupervision
from hnseg.run.places import conf_dir
from hnseg.run.resolvers import register_resolvers

OPTIONS = sorted(path.stem for path in (conf_dir() / "loss").glob("[!_]*.yaml"))
DATA = {"phantom": "sigmoid", "hecktor2022": "softmax"}


@cache
def facts(data):
    """What train.yaml says of a data set; composed once, because that is what takes time."""
    register_resolvers()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config = compose("train", overrides=[f"data={data}"])
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


@pytest.mark.parametrize("size", [(4, 6), (3, 4, 6)], ids=["slices", "volumes"])
@pytest.mark.parametrize("structures", [1, 2, 3])
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_learns_from_what_is_annotated_and_only_from_that(option, data, structures, size):
    loss = built(option, data)
    logits, target, counts = batch(LabelSet(tuple("abc"[:structures]), DATA[data]), size)
    value = loss(logits, target, counts)
    value.backward()
    assert value.isfinite()
    assert logits.grad.isfinite().all()
    pulls = logits.grad.abs().flatten(2).amax(dim=2) > 0
    assert torch.equal(pulls, counts)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_supervises_deeply(option):
    loss = DeepSupervision(built(option, "hecktor2022"), [1.0, 0.5])
    logits, target, counts = batch(LabelSet(("GTVp", "GTVn"), "softmax"), (3, 4, 6))
    coarse = (logits.detach() / 2).requires_grad_()
    value = loss([logits, coarse], target, counts)
    value.backward()
    plain = built(option, "hecktor2022")
    torch.testing.assert_close(value, plain(logits, target, counts) + 0.5 * plain(coarse, target, counts))
    assert coarse.grad.abs().max() > 0


def test_logcosh_focal_is_the_sum_of_two_files_with_their_own_clamp():
    loss = built("logcosh_focal", "phantom")
    assert (type(loss.terms["dice"]).__name__, loss.terms["focal"].clamp) == ("LogCoshDice", 0.01)
    assert loss.terms["focal"].gamma == 2
    assert loss.weights == {"dice": 1.0, "focal": 1.0}


def test_boundary_measures_in_the_datas_millimetres():
    assert built("boundary", "phantom").terms["boundary"].spacing_mm == (3.0, 3.0, 3.0)
    assert built("boundary", "hecktor2022").terms["boundary"].spacing_mm == (1.0, 1.0, 1.0)
