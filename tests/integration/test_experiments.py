"""Every experiment, data set, view, model, encoding of clicks, mixup, loss and sweep runs one batch of each stage on a
phantom of its own.

In this process, because importing everything anew takes longer than the run.
"""

from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from hnseg.run.cli import main
from hnseg.run.places import conf_dir

EXPERIMENTS = sorted(path.stem for path in (conf_dir() / "experiment").glob("[!_]*.yaml"))
DATA = sorted(path.stem for path in (conf_dir() / "data").glob("[!_]*.yaml"))
COVERED = ("hecktor2020", "hecktor2021", "hecktor2022", "miccai2015", "public_oar", "turku")
"""Data sets that experiments run on, each in its own view."""
WITH_PET = [data for data in DATA if data not in ("miccai2015", "public_oar")]
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


@pytest.mark.parametrize("data", [pytest.param(d, marks=[pytest.mark.slow] if d in COVERED else []) for d in DATA])
def test_every_data_set_runs_in_its_own_view(data: str, root: Path) -> None:
    assert leaves_a_report(f"data={data}", f"name={data}", root=root)


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("data", ["phantom", "miccai2015"])
def test_every_view_shows_pet_ct_and_ct(data: str, view: str, root: Path) -> None:
    assert leaves_a_report(f"data={data}", f"view={view}", f"name={data}-{view}", root=root)


ANSWERS = ("data.activation=identity", "loss=keras_bce")
"""What goes with a network whose output is the answer itself."""
MODELS = sorted(path.stem for path in (conf_dir() / "model").glob("[!_]*.yaml"))
LOSSES = sorted(path.stem for path in (conf_dir() / "loss").glob("[!_]*.yaml"))


@pytest.mark.parametrize(
    ("data", "view"), [("phantom", "patches"), pytest.param("miccai2015", "every_slice", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("model", MODELS)
def test_every_model_runs_in_three_and_two_dimensions(model: str, data: str, view: str, root: Path) -> None:
    if model == "pet_threshold" and data == "miccai2015":
        pytest.skip("it needs a PET")
    needs = ANSWERS if model == "turku_unet_paper" else ()
    assert leaves_a_report(f"model={model}", f"data={data}", f"view={view}", f"name={model}-{view}", *needs, root=root)


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_every_model_runs_on_every_data_set_in_every_view(model: str, root: Path) -> None:
    needs = ANSWERS if model == "turku_unet_paper" else ()
    for data in DATA if model != "pet_threshold" else WITH_PET:
        for view in VIEWS:
            chosen = f"model={model}", f"data={data}", f"view={view}", f"name={model}-{data}-{view}"
            assert leaves_a_report(*chosen, *needs, root=root), chosen


@pytest.mark.slow
@pytest.mark.parametrize("view", ["patches", "tumour_slices"])
def test_pet_alone_trains_networks_of_volumes_too(view: str, root: Path) -> None:
    own = "data=turku_phantom", "data.regions=[image]", "data.spacing_mm=[6,4,4]", "inference=auto"
    assert leaves_a_report(*own, f"view={view}", "model=unet", "clicks=edt", f"name=turku-{view}", root=root)


CLICKS = sorted(path.stem for path in (conf_dir() / "clicks").glob("[!_]*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("clicks", CLICKS)
def test_every_encoding_of_clicks_widens_a_network_of_pet_ct(clicks: str, root: Path) -> None:
    assert leaves_a_report(
        f"clicks={clicks}", "data=hecktor2021", "model=unet3plus", f"name=clicks-{clicks}", root=root
    )


@pytest.mark.slow
@pytest.mark.parametrize("data", ["miccai2015", "hecktor2022"])
def test_a_robot_clicks_on_the_errors_of_several_structures(data: str, root: Path) -> None:
    assert leaves_a_report("clicks=disk", "clicks.simulate=robot", f"data={data}", f"name=robot-{data}", root=root)


MIXUPS = sorted(path.stem for path in (conf_dir() / "mixup").glob("*.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("mixup", MIXUPS)
def test_every_mixup_runs(mixup: str, root: Path) -> None:
    assert leaves_a_report(f"mixup={mixup}", "data=miccai2015", f"name=mixup-{mixup}", root=root)


@pytest.mark.slow
@pytest.mark.parametrize("search", sorted(path.stem for path in (conf_dir() / "hparams_search").glob("*.yaml")))
def test_every_sweep_trains_each_of_its_variants(search: str, root: Path) -> None:
    experiment = "jain2020_model_l" if search.startswith("jain") else "zhu2018_anatomynet"
    before = set(root.rglob("report.html"))
    chosen = [f"experiment={experiment}", f"hparams_search={search}", f"title={search}"]
    assert main(["train", "-m", *chosen, "debug=fdr", "test=false"]) == 0
    expected = {"jain2020_augmentation": 5, "jain2020_residual": 3, "zhu2018_ablation": 4, "zhu2018_losses": 3}[search]
    assert len(set(root.rglob("report.html")) - before) == expected


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_runs(loss: str, root: Path) -> None:
    # two structures that exclude each other, and the deeply supervised network: losses get lists of logits
    needs = ["data.activation=identity"] if loss == "keras_bce" else []
    chosen = f"loss={loss}", "data=hecktor2022", "model=unet3plus", f"name=loss-{loss}"
    assert leaves_a_report(*chosen, *needs, root=root)
