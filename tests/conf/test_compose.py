"""Every file under conf/ composes and can be built; nothing has to be listed here."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from hnseg.io.dicom.objects import Limits
from hnseg.run.cli import COMMANDS, SECOND_WORDS
from hnseg.run.places import conf_dir
from hnseg.run.resolvers import register_resolvers, to_plain
from hnseg.run.validate import validate

CONF = conf_dir()
GROUPS = (
    "model",
    "loss",
    "data",
    "view",
    "split",
    "augment",
    "mixup",
    "clicks",
    "normalization",
    "optimizer",
    "scheduler",
    "trainer",
)
GROUPS += ("logger", "callbacks", "inference", "postprocess", "experiment", "debug")
OPTIONS = [
    f"{group}={path.stem}" for group in GROUPS for path in sorted((CONF / group).glob("[!_]*.yaml"))
]  # a file that begins with _ is a part of others


NEEDS = {
    **{f"normalization={windows}": ["data.modalities=[ct]"] for windows in ("ct", "soft_tissue", "windows_3")},
    "optimizer=rmsprop_then_sgd": ["data=hecktor2020"],  # the phantom sets the rate of optimizers that have one
    "split=listed": ["split.lists=mine.json"],
}
"""What has to be said beside an option that is no choice for the default data."""


@pytest.fixture(autouse=True)
def _hydra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    register_resolvers()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield


def composed(*overrides: str) -> DictConfig:
    return compose("train", overrides=list(overrides))


def test_every_group_is_tried() -> None:
    not_options = {"paths", "hydra", "local", "hparams_search"}
    assert {path.name for path in CONF.iterdir() if path.is_dir()} - not_options == set(GROUPS)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_composes_and_can_be_built(option: str) -> None:
    validate(to_plain(composed(option, *NEEDS.get(option, ()))))


@pytest.mark.parametrize("command", [*COMMANDS, *SECOND_WORDS])
def test_every_command_has_help_with_an_example(command: str) -> None:
    config = compose(command.replace(" ", "-"), return_hydra_config=True)
    assert f"hnseg {command}" in config.hydra.help.template or f"{command}.py" in config.hydra.help.template


def test_the_form_that_users_know() -> None:
    config = to_plain(composed("model=unet", "loss=dice", "data=hecktor2021", "trainer.devices=2"))
    validate(config)
    assert config["model"]["net"]["_target_"] == "hnseg.models.UNet"
    assert config["trainer"]["max_epochs"] == 300


def test_an_experiment_with_another_model_is_an_ablation_of_it() -> None:
    config = to_plain(composed("experiment=iantsen2020_senorm", "model=unet"))
    assert config["model"]["net"]["_target_"] == "hnseg.models.UNet"
    assert config["trainer"]["max_epochs"] == 800


def test_debug_beats_experiment_and_the_command_line_beats_debug() -> None:
    config = to_plain(composed("experiment=iantsen2020_senorm", "debug=fdr", "trainer.max_epochs=2"))
    assert config["trainer"]["max_epochs"] == 2
    assert config["trainer"]["limit_train_batches"] == 1


@pytest.mark.parametrize("data", ["hecktor2021", "hecktor2022"])
def test_channels_follow_from_data_and_labels(data: str) -> None:
    net = to_plain(composed(f"data={data}"))["model"]["net"]
    assert net["in_channels"] == 2
    assert net["out_channels"] == {"hecktor2021": 1, "hecktor2022": 3}[data]


def test_the_name_of_a_run_follows_from_what_is_trained() -> None:
    assert composed().name == composed("logger=wandb").name
    assert composed().name != composed("optimizer.lr=0.5").name
    assert composed().name.startswith("phantom-")


@pytest.mark.parametrize(("command", "key"), [("import", "limits"), ("predict", "dicom.limits")])
def test_the_limits_that_commands_show_are_those_of_the_reader(command: str, key: str) -> None:
    assert OmegaConf.to_container(OmegaConf.select(compose(command), key)) == asdict(Limits())
