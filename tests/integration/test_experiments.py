"""Every experiment, and every data set in every view, runs one batch of each stage on a phantom in its own layout.

In this process, because importing everything anew takes longer than the run.
"""

from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from hnseg.run.cli import main
from hnseg.run.places import conf_dir

EXPERIMENTS = sorted(path.stem for path in (conf_dir() / "experiment").glob("*.yaml"))
DATA = sorted(path.stem for path in (conf_dir() / "data").glob("[!_]*.yaml"))
VIEWS = sorted(path.stem for path in (conf_dir() / "view").glob("*.yaml"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fdr")


@pytest.fixture(autouse=True)
def _own_root(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HNSEG_ROOT", str(root))
    GlobalHydra.instance().clear()


def leaves_a_report(*arguments: str, root: Path) -> bool:
    before = set(root.rglob("report.html"))
    assert main(["train", *arguments, "debug=fdr"]) == 0
    return len(set(root.rglob("report.html")) - before) == 1


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_experiment_runs(experiment: str, root: Path) -> None:
    assert leaves_a_report(f"experiment={experiment}", root=root)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("data", DATA)
def test_every_data_set_runs_in_every_view(data: str, view: str, root: Path) -> None:
    assert leaves_a_report(f"data={data}", f"view={view}", f"name={data}-{view}", root=root)


MODELS = sorted(path.stem for path in (conf_dir() / "model").glob("[!_]*.yaml"))
LOSSES = sorted(path.stem for path in (conf_dir() / "loss").glob("[!_]*.yaml"))


@pytest.mark.parametrize("view", ["patches", "slices"])
@pytest.mark.parametrize("model", MODELS)
def test_every_model_runs_in_three_and_two_dimensions(model: str, view: str, root: Path) -> None:
    assert leaves_a_report(f"model={model}", f"view={view}", f"name={model}-{view}", root=root)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_runs(loss: str, root: Path) -> None:
    # two structures that exclude each other, and the deeply supervised network: losses get lists of logits
    assert leaves_a_report(f"loss={loss}", "data=hecktor2022", "model=unet3plus", f"name=loss-{loss}", root=root)
