"""Every experiment runs one batch of each stage on a phantom in its data set's own layout."""

import pytest

from hnseg.run.places import conf_dir
from tests.integration.tiny import Command

EXPERIMENTS = sorted(path.stem for path in (conf_dir() / "experiment").glob("*.yaml"))
DATA = sorted(path.stem for path in (conf_dir() / "data").glob("[!_]*.yaml"))


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_runs(experiment: str, command: Command) -> None:
    shown = command("train.py", f"experiment={experiment}", "debug=fdr").stdout
    assert "report:" in shown


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("view", ["patches", "volumes", "slices"])
def test_every_data_set_runs_in_every_view(data: str, view: str, command: Command) -> None:
    shown = command("train.py", f"data={data}", f"view={view}", "debug=fdr").stdout
    assert "report:" in shown
