"""What docs/papers says can be run composes, and the tests that it names are there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from hnseg.run.places import conf_dir
from hnseg.run.resolvers import register_resolvers, to_plain
from hnseg.run.validate import validate

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "papers").glob("*.md"))
WRITTEN = [
    (script or command, arguments)
    for page in PAGES
    for script, command, arguments in re.findall(
        r"^(?:python (\S+)\.py|hnseg (\S+)) (.+)$", page.read_text(), re.MULTILINE
    )
]
# the others are not Hydra's
COMMANDS = [written for written in WRITTEN if (conf_dir() / f"{written[0]}.yaml").is_file()]


@pytest.fixture(autouse=True)
def _hydra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    register_resolvers()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        yield


@pytest.mark.parametrize(("command", "arguments"), COMMANDS, ids=[" ".join(written) for written in COMMANDS])
def test_commands_of_the_pages_compose(command: str, arguments: str) -> None:
    config = compose(command, overrides=shlex.split(arguments))
    validate(to_plain(config))


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


@pytest.mark.parametrize("experiment", sorted(path.stem for path in (conf_dir() / "experiment").glob("*.yaml")))
def test_experiments_leave_one_centre_out(experiment: str) -> None:
    config = to_plain(compose("train", overrides=[f"experiment={experiment}"]))
    assert config["split"]["_target_"] == "hnseg.data.LeaveOneCentreOut"
    validate(config)
