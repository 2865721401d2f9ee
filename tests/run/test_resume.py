from pathlib import Path

import pytest
import yaml

from hnseg.run.resume import OVERRIDES, differences, expand_resume


def test_resume_says_the_first_command_again_and_what_is_said_beside_it_wins(tmp_path: Path) -> None:
    run = tmp_path / "my-run"
    run.mkdir()
    (run / OVERRIDES).write_text(yaml.safe_dump(["data=phantom", "optimizer.lr=0.1"]))
    arguments = expand_resume([f"resume={run}", "trainer.max_epochs=9"])
    assert arguments[:3] == ["data=phantom", "optimizer.lr=0.1", "trainer.max_epochs=9"]
    assert f"paths.output='{run}'" in arguments
    assert "name=my-run" in arguments


def test_arguments_without_resume_are_left_alone() -> None:
    assert expand_resume(["a=1", "resume=null"]) == ["a=1", "resume=null"]


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give the folder of a run"):
        expand_resume([f"resume={tmp_path}"])


def test_differences_name_what_decides_the_training_and_nothing_else() -> None:
    before = {"seed": 1, "paths": {"root": "a"}, "model": {"net": {"filters": 4}}, "logger": {}}
    now = {"seed": 1, "paths": {"root": "b"}, "model": {"net": {"filters": 8}}, "logger": {"csv": 1}}
    assert differences(before, now) == ["model.net.filters: 4 -> 8"]
    assert differences(before, before) == []


def test_a_run_from_before_clicks_goes_on() -> None:
    none = {"_target_": "hnseg.clicks.NoClicks", "channels": 0}
    now = {"seed": 1, "clicks": none, "model": {"clicks": none}, "threshold": 0.5, "click_scores": True}
    assert differences({"seed": 1, "model": {}}, now) == []
    clicked = {"clicks": {"_target_": "hnseg.clicks.ClickChannels", "channels": 2}}
    assert (
        differences({"seed": 1}, clicked | {"seed": 1})[0]
        == "clicks._target_: hnseg.clicks.NoClicks -> hnseg.clicks.ClickChannels"
    )
    assert differences({"threshold": 0.3}, {"threshold": 0.5}) == ["threshold: 0.3 -> 0.5"]


def test_a_value_that_is_plugged_in_elsewhere_is_named_once() -> None:
    before = {"optimizer": {"lr": 1}, "model": {"optimizer": {"lr": 1}}}
    now = {"optimizer": {"lr": 2}, "model": {"optimizer": {"lr": 2}}}
    assert differences(before, now) == ["optimizer.lr: 1 -> 2"]
