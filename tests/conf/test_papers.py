"""What docs/papers says can be run composes, and the tests that it names are there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from hnseg.run.places import conf_dir
from hnseg.run.positionals import expand_values
from hnseg.run.resolvers import register_resolvers, to_plain
from hnseg.run.validate import validate

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "papers").glob("*.md"))
WRITTEN = [
    (script or command, arguments)
    for page in [*PAGES, ROOT / "docs" / "survival.md"]
    for script, command, arguments in re.findall(
        r"^(?:python (\S+)\.py|hnseg (survival predict|\S+)) (.+)$", page.read_text(), re.MULTILINE
    )
]
# the others are not Hydra's
COMMANDS = [written for written in WRITTEN if (conf_dir() / f"{written[0].replace(' ', '-')}.yaml").is_file()]


@pytest.fixture(autouse=True)
def _hydra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    register_resolvers()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        yield


@pytest.mark.parametrize(("command", "arguments"), COMMANDS, ids=[" ".join(written) for written in COMMANDS])
def test_commands_of_the_pages_compose(command: str, arguments: str) -> None:
    said = expand_values(command, shlex.split(arguments, comments=True))
    config = compose(command.replace(" ", "-"), overrides=said)
    validate(to_plain(config))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_switch_of_a_page_changes_the_experiment(page: Path) -> None:
    (experiment,) = set(re.findall(r"experiment=\w+", page.read_text()))
    switches = re.findall(r"`([a-z_.]+=[^`=]+)`", page.read_text())
    assert len(switches) > 5
    usual = to_plain(compose("train", overrides=[experiment]))
    usual.pop("name")
    for switch in switches:
        changed = to_plain(compose("train", overrides=[experiment, switch]))
        changed.pop("name")
        assert changed != usual, switch


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_test_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(r"`(tests/\S+\.py)::(\w+)`", page.read_text())
    assert len(named) > 10
    for file, name in named:
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file}::{name}"


def test_bourigault_trains_with_the_papers_numbers() -> None:
    config = to_plain(compose("train", overrides=["experiment=bourigault2021_unet3plus"]))
    optimizer = config["model"]["optimizer"]
    assert (optimizer["_target_"], optimizer["lr"], optimizer["betas"]) == ("torch.optim.Adam", 1e-2, [0.9, 0.999])
    assert config["scheduler"]["scheduler"]["T_0"] == 25
    assert (config["trainer"]["max_epochs"], config["batch_size"]) == (1000, 2)
    assert config["loss"]["terms"]["dice"]["_target_"] == "hnseg.losses.LogCoshDice"
    assert config["loss"]["terms"]["focal"]["gamma"] == 2
    assert config["view"]["size_zyx"] == [144, 144, 144]
    assert config["model"]["net"]["filters"] == 24
    assert config["data"]["name"] == "hecktor2021"
    assert config["split"]["_target_"] == "hnseg.data.LeaveOneCentreOut"
    assert list(config["postprocess"]) == ["crf"]


@pytest.mark.parametrize("data", ["hecktor2022", "hecktor2025"])
def test_the_baseline_has_nnu_nets_recipe_on_whole_scans(data: str) -> None:
    config = to_plain(compose("train", overrides=["experiment=hecktor2022_baseline", f"data={data}"]))
    assert config["name"].startswith(f"{data}_baseline-")
    assert config["data"]["regions"] == ["image"]
    assert (config["data"]["label_names"], config["data"]["activation"]) == (["GTVp", "GTVn"], "softmax")
    assert (config["optimizer"]["momentum"], config["optimizer"]["nesterov"]) == (0.99, True)
    assert config["scheduler"]["scheduler"]["total_iters"] == config["trainer"]["max_epochs"] == 1000
    assert set(config["loss"]["terms"]) == {"dice", "cross_entropy"}
    assert config["model"]["net"]["_target_"] == "hnseg.models.ResEncUNet"
    assert config["model"]["net"]["out_channels"] == 3


@pytest.mark.parametrize("experiment", sorted(path.stem for path in (conf_dir() / "experiment").glob("[!_]*.yaml")))
def test_experiments_test_patients_of_their_own(experiment: str) -> None:
    config = to_plain(compose("train", overrides=[f"experiment={experiment}"]))
    assert config["split"]["_target_"].split(".")[-1] in ("LeaveOneCentreOut", "Listed", "Rainio2024")
    assert config["test"] is True
    validate(config)


@pytest.mark.parametrize(
    ("experiment", "units", "losses"), [("l", 2, {"dice", "focal"}), ("m", 1, {"dice", "focal", "boundary"})]
)
def test_the_models_of_jain_2020(experiment: str, units: int, losses: set[str]) -> None:
    config = to_plain(compose("train", overrides=[f"experiment=jain2020_model_{experiment}"]))
    net = config["model"]["net"]
    assert (net["filters"], net["residual_units"], net["in_channels"], net["out_channels"]) == (64, units, 1, 10)
    assert set(config["loss"]["terms"]) == losses
    assert config["mixup"]["_target_"] == {"l": "hnseg.mixup.NoMixup", "m": "hnseg.mixup.WeightedMixup"}[experiment]
    assert (config["batch_size"], config["trainer"]["max_epochs"], config["seed"]) == (128, 200, 12342)
    plateau = config["scheduler"]["scheduler"]
    assert (plateau["mode"], plateau["factor"], plateau["threshold"], plateau["patience"]) == ("max", 0.5, 0.01, 10)
    assert config["split"]["lists"] == "pddca_jain2020"


@pytest.mark.parametrize(("experiment", "first", "epochs"), [("", 1483, 1977), ("_all", 150, 200)])
def test_anatomynet_trains_in_two_stages(experiment: str, first: int, epochs: int) -> None:
    config = to_plain(compose("train", overrides=[f"experiment=zhu2018_anatomynet{experiment}"]))
    assert (config["optimizer"]["switch_epoch"], config["trainer"]["max_epochs"]) == (first, epochs)
    assert config["view"]["size_zyx"] is None
    assert (config["batch_size"], config["inference"]["mode"]) == (1, "whole")
    assert config["data"]["spacing_mm"] == [1.25, 0.76, 0.76]
    assert config["loss"]["weights"] == {"dice": 1.0, "focal": 0.5}
    assert len(config["data"]["sources"] or [0]) == (3 if experiment else 1)


@pytest.mark.parametrize("experiment", ["jain2020_model_l", "jain2020_model_m"])
def test_on_other_ct_the_split_is_that_of_the_data(experiment: str) -> None:
    config = to_plain(compose("train", overrides=[f"experiment={experiment}", "data=public_oar"]))
    assert config["split"]["lists"] == "public_oar"


def test_all_three_sources_of_anatomynet_train() -> None:
    config = to_plain(compose("train", overrides=["experiment=zhu2018_anatomynet_all"]))
    assert (config["split"]["lists"], config["split"]["others"]) == ("pddca_zhu2018", "train")


def test_the_authors_crop_is_a_variant() -> None:
    config = to_plain(compose("train", overrides=["data=miccai2015", "data.variant=paper"]))
    assert config["data"]["module"]["recipe"]["regions"] == ["jain2020"]


@pytest.mark.parametrize(("arm", "channels"), [("cnnonly", 1), ("rand1cnn", 2), ("cm1cnn", 2)])
def test_the_networks_of_rainio_2024(arm: str, channels: int) -> None:
    config = to_plain(compose("train", overrides=[f"experiment=rainio2024_{arm}"]))
    net, optimizer = config["model"]["net"], config["model"]["optimizer"]
    assert (net["filters"], net["variant"], net["in_channels"], net["out_channels"]) == (16, "logits", channels, 1)
    assert config["loss"]["_target_"] == "hnseg.losses.BCE"
    assert (optimizer["lr"], optimizer["betas"]) == (1e-3, [0.9, 0.999])
    assert (config["batch_size"], config["trainer"]["max_epochs"], config["seed"]) == (32, 50, 131)
    assert (config["monitor"], config["callbacks"]["early"]["patience"]) == ({"metric": "val/loss", "mode": "min"}, 30)
    assert config["threshold"] == "tuned"
    assert (config["view"]["least_pixels"], config["view"]["keep_empty"]) == (6, False)
    simulate = {"cnnonly": None, "rand1cnn": "random", "cm1cnn": "centre"}[arm]
    assert config["clicks"].get("simulate") == simulate
    assert config["clicks"].get("most") is None


def test_the_arms_of_rainio_2024_are_its_three_networks() -> None:
    arms = to_plain(compose("cv", overrides=["experiment=rainio2024"]))["cv"]["arms"]
    for arm, overrides in arms.items():
        of_arm = to_plain(compose("train", overrides=["experiment=rainio2024", *overrides]))
        alone = to_plain(compose("train", overrides=[f"experiment=rainio2024_{arm}"]))
        for config in (of_arm, alone):
            for key in ("name", "title", "paths", "cv"):
                config.pop(key, None)
        of_arm["callbacks"], alone["callbacks"] = of_arm["callbacks"].keys(), alone["callbacks"].keys()  # paths in them
        of_arm["trainer"].pop("default_root_dir"), alone["trainer"].pop("default_root_dir")
        of_arm.pop("logger"), alone.pop("logger")
        assert of_arm == alone


def test_another_network_in_rainio_2024_is_an_ablation() -> None:
    config = to_plain(compose("train", overrides=["experiment=rainio2024_cm1cnn", "model=unet"]))
    validate(config)
    assert config["model"]["net"]["_target_"] == "hnseg.models.UNet"
    assert config["model"]["net"]["in_channels"] == 2
