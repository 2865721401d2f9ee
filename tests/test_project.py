"""The files around the code agree with one another."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONSTRAINTS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line.strip() and not line.startswith("#")
]
DIRECT = [
    requirement
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for requirement in map(Requirement, group)
    if requirement.name != PROJECT["name"]
]
OF_ONE_MACHINE = (
    "/" + "work/",
    "/" + "root/",
    "/" + "home/",
    "/" + "Users/",
    "/opt/" + "wheels",
    "/opt/" + "pypi",
    "pypi" + ".org",
    "python" + "hosted",
    "conda" + ".org",
)
"""Put together from pieces, so that this file does not name them either."""


def pin(name: str) -> str:
    (constraint,) = [c for c in CONSTRAINTS if canonicalize_name(c.name) == canonicalize_name(name)]
    (specifier,) = constraint.specifier
    assert specifier.operator == "==", f"{constraint} is no exact version"
    return specifier.version


@pytest.mark.parametrize("requirement", DIRECT, ids=lambda requirement: requirement.name)
def test_every_direct_dependency_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    assert requirement.specifier, f"{requirement.name} has no bound"
    assert pin(requirement.name) in requirement.specifier


def test_every_direct_dependency_of_users_has_its_reason_beside_it() -> None:
    lines = [line.strip() for line in (ROOT / "pyproject.toml").read_text().splitlines()]
    for dependency in PROJECT["dependencies"]:
        assert lines[lines.index(f'"{dependency}",') - 1].startswith("# "), dependency


def test_nothing_is_constrained_twice_and_everything_but_torchvision_exactly() -> None:
    names = [canonicalize_name(constraint.name) for constraint in CONSTRAINTS]
    assert len(names) == len(set(names))
    assert {c.name for c in CONSTRAINTS if not re.fullmatch(r"==[^,*]+", str(c.specifier))} == {"torchvision"}


def test_torchvision_is_kept_out() -> None:
    (constraint,) = [c for c in CONSTRAINTS if c.name == "torchvision"]
    assert str(constraint.specifier) == "<0"
    assert importlib.util.find_spec("torchvision") is None


def test_conda_takes_only_python_and_make_and_leaves_the_rest_to_pip() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, of_pip = environment["dependencies"]
    assert {re.split("[=<>]", entry)[0] for entry in conda} == {"python", "make", "pip"}
    assert of_pip == {"pip": ["--constraint constraints.txt", "--editable .[dev]"]}
    (python,) = [entry for entry in conda if entry.startswith("python")]
    assert python.removeprefix("python=") in PROJECT["requires-python"]


def test_make_help_lists_every_target() -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    listed = [line.split()[0] for line in shown.splitlines()]
    assert {"demo", "test", "test-all", "check", "format", "bench", "docs"} <= set(listed)
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert sorted(phony[1].split()) == sorted(listed)


def test_the_readmes_commands_are_there() -> None:
    readme = (ROOT / "README.md").read_text()
    block = readme.split("## Two commands")[1].split("```")[1]
    targets = re.findall(r"^make ([a-z-]+)", block, re.MULTILINE)
    assert targets == ["demo", "test"]
    for target in targets:
        assert re.search(rf"^{target}:.*##", (ROOT / "Makefile").read_text(), re.MULTILINE), target
    for script in re.findall(r"^python (\S+\.py)", readme, re.MULTILINE):
        assert (ROOT / script).is_file(), script


def test_hooks_run_what_make_check_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    checked = (ROOT / "Makefile").read_text().split("\ncheck:")[1].split("\n\n")[0]
    for hook in hooks:
        program = Path(hook["entry"].split()[0]).name
        assert f"$(BIN)/{program}" in checked, program


def test_no_file_names_a_machine_or_a_registry() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: which files belong to hnseg is not known")
    patterns = [argument for pattern in OF_ONE_MACHINE for argument in ("-e", pattern)]
    found = subprocess.run(["git", "grep", "-nIF", *patterns], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 1, found.stdout + found.stderr  # 1: searched, nothing found
