"""conf/README.md lists every group, and its examples compose."""

import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from hnseg.run.places import conf_dir
from hnseg.run.resolvers import register_resolvers, to_plain
from hnseg.run.validate import validate

README = (conf_dir() / "README.md").read_text()
ROWS = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", README, re.MULTILINE)
EXAMPLES = [example.strip("`") for _, example in ROWS if "=" in example]


def test_every_group_has_a_row() -> None:
    groups = {path.name for path in conf_dir().iterdir() if path.is_dir()}
    assert groups <= {group for group, _ in ROWS}


@pytest.mark.parametrize("example", EXAMPLES)
def test_examples_compose(example: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    register_resolvers()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        validate(to_plain(compose("train", overrides=shlex.split(example))))
