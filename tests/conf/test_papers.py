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
COMMANDS = [
    command for page in PAGES for command in re.findall(r"^python (\S+)\.py (.+)$", page.read_text(), re.MULTILINE)
]


@pytest.fixture(autouse=True)
def _hydra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    register_resolvers()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        yield


@pytest.mark.parametrize(("command", "arguments"), COMMANDS, ids=[arguments for _, arguments in COMMANDS])
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
