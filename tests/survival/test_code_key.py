from importlib import metadata

import pytest

from hnseg.survival import code_key as module
from hnseg.survival.code_key import PACKAGES, code_key, digest


@pytest.fixture(autouse=True)
def _nothing_remembered():
    code_key.cache_clear()
    yield
    code_key.cache_clear()


@pytest.fixture
def rooms(tmp_path):
    for name in ("first", "second"):
        (tmp_path / name / "deeper").mkdir(parents=True)
        (tmp_path / name / "deeper" / "code.py").write_text(f"# {name}\n")
    return [tmp_path / "first", tmp_path / "second"]


def test_it_is_that_of_these_rooms_in_any_order():
    assert code_key("survival", "radiomics") == code_key("radiomics", "survival") != code_key("survival")


def test_a_room_that_there_is_not_is_a_mistake():
    with pytest.raises(AssertionError, match="no code"):
        code_key("parlour")


@pytest.mark.parametrize("package", PACKAGES)
def test_another_version_of_a_package_or_none_is_another_key(package, monkeypatch):
    now, version = code_key("geometry"), metadata.version

    def other(name):
        return "0.0.1" if name == package else version(name)

    def none(name):
        if name == package:
            raise metadata.PackageNotFoundError(name)
        return version(name)

    keys = {now}
    for stands_for in (other, none):
        monkeypatch.setattr(module.metadata, "version", stands_for)
        code_key.cache_clear()
        keys.add(code_key("geometry"))
    assert len(keys) == 3


def test_any_change_of_code_in_a_room_is_another_key(rooms):
    keys = [digest(rooms, ["x 1"])]
    (rooms[1] / "deeper" / "code.py").write_text("# sECOND\n")
    keys.append(digest(rooms, ["x 1"]))
    (rooms[1] / "deeper" / "code.py").rename(rooms[1] / "code.py")
    keys.append(digest(rooms, ["x 1"]))
    (rooms[1] / "more.py").touch()
    keys.append(digest(rooms, ["x 1"]))
    assert len(set(keys)) == 4
    (rooms[1] / "notes.md").write_text("no code")
    assert digest(rooms, ["x 1"]) == keys[-1]
