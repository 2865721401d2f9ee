import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hnseg.report.manifest import collect_versions, git_state, hardware, read_manifest, write_manifest


def git(folder, *arguments):
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    return subprocess.run(
        ["git", *identity, "-C", folder, *arguments], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init", "-q")
    (tmp_path / "code.py").write_text("x = 1\n")
    git(tmp_path, "add", "code.py")
    git(tmp_path, "commit", "-q", "-m", "Start")
    return tmp_path


def test_later_fields_join_earlier_ones(tmp_path):
    write_manifest(tmp_path, name="a", finished=False, seed=np.int64(7), path=Path("x/y"))
    write_manifest(tmp_path, finished=True)
    manifest = read_manifest(tmp_path)
    assert (manifest["name"], manifest["finished"], manifest["seed"], manifest["path"]) == ("a", True, 7, "x/y")
    assert {"commit", "dirty", "version", "versions", "hardware"} <= set(manifest)


def test_a_phantom_stays_a_phantom(tmp_path):
    write_manifest(tmp_path, phantom=True)
    write_manifest(tmp_path, phantom=False)
    assert read_manifest(tmp_path)["phantom"] is True


def test_a_field_that_is_not_plain_leaves_the_old_manifest_whole(tmp_path):
    write_manifest(tmp_path, name="a")
    with pytest.raises(ValueError, match="cannot be written as JSON"):
        write_manifest(tmp_path, strange=object())
    assert read_manifest(tmp_path)["name"] == "a"
    assert [file.name for file in tmp_path.iterdir()] == ["manifest.json"]


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_broken_manifest_is_named(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=r"manifest\.json"):
        read_manifest(tmp_path)


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(ValueError, match="not found"):
        read_manifest(tmp_path)


def test_git_state_follows_the_working_tree(repository):
    commit = git(repository, "rev-parse", "HEAD").strip()
    assert git_state(repository) == (commit, False)
    (repository / "code.py").write_text("x = 2\n")
    assert git_state(repository) == (commit, True)


def test_a_package_inside_somebodys_repository_has_no_commit(repository):
    (repository / "site-packages").mkdir()
    assert git_state(repository / "site-packages") == ("", False)


def test_no_repository(tmp_path):
    assert git_state(tmp_path) == ("", False)


def test_versions_and_hardware_are_plain():
    assert collect_versions()["numpy"] == np.__version__
    assert json.loads(json.dumps(hardware()))["cores"] >= 1


def test_the_manifest_alone_does_not_import_torch():
    code = "import sys, hnseg.report.manifest; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
