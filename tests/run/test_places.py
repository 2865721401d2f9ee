import os
from pathlib import Path

import pytest

from hnseg.run import places

ROOT = Path(__file__).parents[2]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hnseg package in a folder of its own."""
    package = tmp_path / "site-packages" / "hnseg"
    package.mkdir(parents=True)
    monkeypatch.setattr(places, "PACKAGE", package)
    return package


def configure(folder: Path) -> Path:
    folder.mkdir()
    (folder / "train.yaml").touch()
    return folder


def test_a_clone_is_configured_by_its_own_conf() -> None:
    assert places.conf_dir() == ROOT / "conf"


def test_a_wheel_is_configured_by_the_copy_inside_it(package: Path) -> None:
    configure(package.parent / "conf")  # somebody else's: site-packages are shared
    inside = configure(package / "conf")
    assert places.conf_dir() == inside


def test_a_folder_without_train_yaml_is_not_the_configuration(package: Path) -> None:
    (package / "conf").mkdir()
    beside = configure(package.parent / "conf")
    assert places.conf_dir() == beside


def test_an_installation_without_configuration_says_what_to_do(package: Path) -> None:
    with pytest.raises(FileNotFoundError, match="install hnseg again"):
        places.conf_dir()


def test_the_root_of_a_clone_is_the_clone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HNSEG_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    places.set_root()
    assert Path(os.environ["HNSEG_ROOT"]) == ROOT


def test_the_root_of_a_wheel_is_where_the_command_is_called(
    package: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configure(package / "conf")
    monkeypatch.delenv("HNSEG_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    places.set_root()
    assert Path(os.environ["HNSEG_ROOT"]) == tmp_path


def test_a_root_that_the_user_gave_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    places.set_root()
    assert Path(os.environ["HNSEG_ROOT"]) == tmp_path
