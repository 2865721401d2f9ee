from pathlib import Path

import pytest

from hnseg.run.claim import changed_arms, claim


def arms(arms: object) -> dict:
    return {"cv": {"arms": arms}}


def test_the_folder_of_another_configuration_is_refused_and_can_be_thrown_away(tmp_path: Path) -> None:
    folder, plain = tmp_path / "run", {"overwrite": False, "seed": 1, "workers": 2}
    claim(folder, plain, ["seed=1"], "survival analysis")
    (folder / "kept").touch()
    claim(folder, {**plain, "workers": 9}, [], "survival analysis")  # no part of its identity
    assert (folder / "kept").exists()
    with pytest.raises(ValueError, match=r"a survival analysis of another configuration:\n  seed: 1 -> 2\n.*name="):
        claim(folder, {**plain, "seed": 2}, [], "survival analysis")
    claim(folder, {**plain, "seed": 2, "overwrite": True}, ["overwrite=true", "seed=2"], "survival analysis")
    assert not (folder / "kept").exists()
    assert (folder / "overrides.yaml").read_text() == "- seed=2\n"


def test_an_arm_may_come_but_none_may_change() -> None:
    before = arms({"a": ["x=1"], "b": []})
    assert changed_arms(before, arms({"a": ["x=1"], "b": [], "c": ["x=2"]})) == []
    assert changed_arms(before, arms({"a": ["x=2"], "b": []})) == ["cv.arms.a: ['x=1'] -> ['x=2']"]
    assert changed_arms(before, arms({"a": ["x=1"]})) == ["cv.arms.b: [] -> None"]
    assert changed_arms(before, arms(None)) == ["cv.arms: a, b -> None"]
    assert changed_arms(arms(None), before) == ["cv.arms: None -> a, b"]
    assert changed_arms({}, arms(None)) == changed_arms(arms({}), {}) == []
