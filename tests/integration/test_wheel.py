"""hnseg as somebody gets it who installs the wheel and never sees the clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SOURCES = ("hnseg", "conf", "pyproject.toml", "README.md", "LICENSE", ".gitignore")


def pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", *arguments], check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the sources in which somebody keeps settings of their machine, and tests."""
    pytest.importorskip("hatchling", reason="the build backend is not installed: make test installs it")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, source / name)
    (source / "conf" / "local" / "default.yaml").write_text("paths: {data: /mine}\n")
    (source / "tests").mkdir()
    (source / "tests" / "test_one.py").touch()
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(source))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path) -> Path:
    target = wheel.parent / "site"
    pip("install", "--no-deps", "--target", str(target), str(wheel))
    return target


def hnseg(installed: Path, cwd: Path, *arguments: str) -> str:
    """What a command of the installed wheel prints; the clone is neither in the folder nor on the path."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HNSEG_")}
    done = subprocess.run(
        [sys.executable, "-m", "hnseg.run.cli", *arguments],
        cwd=cwd,
        env={**environment, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_package_its_data_and_its_configuration(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "hnseg").rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".pyo")
    }
    wanted |= {f"hnseg/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "conf").rglob("*.yaml")}
    wanted -= {"hnseg/conf/local/default.yaml"}  # of this machine, if there is one
    assert wanted <= set(names)
    assert {"hnseg/data/published/hecktor2020.json", "hnseg/report/template.html.j2", "hnseg/conf/train.yaml"} <= wanted


def test_the_wheel_holds_no_tests_and_nobodys_own_settings(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"hnseg"}
    assert "hnseg/conf/local/default.yaml" not in names


def test_the_clone_is_not_what_runs(installed: Path, tmp_path: Path) -> None:
    code = "import hnseg, hnseg.run.places as p; print(hnseg.__file__, p.conf_dir(), sep='\\n')"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert shown == [str(installed / "hnseg" / "__init__.py"), str(installed / "hnseg" / "conf")]


def test_help_lists_the_groups_of_the_wheel(installed: Path, tmp_path: Path) -> None:
    shown = hnseg(installed, tmp_path, "train", "--help")
    assert "bourigault2021_unet3plus, hecktor2022_baseline, iantsen2020_senorm" in shown


def test_data_and_runs_lie_below_the_folder_of_the_call(installed: Path, tmp_path: Path) -> None:
    config = yaml.safe_load(hnseg(installed, tmp_path, "train", "--cfg", "job", "--resolve"))
    assert config["paths"]["root"] == str(tmp_path)
    assert Path(config["paths"]["output"]).is_relative_to(tmp_path / "runs")
    assert list(tmp_path.iterdir()) == []  # to ask leaves nothing behind
