from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from hnseg.report import read_manifest, write_manifest
from hnseg.run.arms import Arm, arm_overrides, arms_of, run_arms
from hnseg.run.command import run
from hnseg.run.places import conf_dir
from hnseg.run.resolvers import register_resolvers

ARMS = "cv.arms={plain: ['loss=dice'], clicked: ['clicks=edt', 'clicks.most=null', 'optimizer.betas=[0.8,0.9]']}"


def configuration(arms: object) -> dict:
    return {"cv": {"folds": None, "launcher": None, "arms": arms}}


def test_an_arm_is_a_folder_and_a_list_of_overrides(tmp_path: Path) -> None:
    first, second = arms_of(configuration({"cnnonly": [], "b.2": ["clicks=none", "x={y: 1}"]}), tmp_path)
    assert first == Arm("cnnonly", tmp_path / "arms" / "cnnonly", ())
    assert second == Arm("b.2", tmp_path / "arms" / "b.2", ("clicks=none", "x={y: 1}"))
    assert arms_of(configuration(None), tmp_path) == arms_of({"cv": {}}, tmp_path) == []


@pytest.mark.parametrize(
    ("arms", "sentence"),
    [
        ({"../a": ["x=1"]}, "'../a' becomes a folder"),
        ({"a": "x=1"}, r"cv.arms.a: expected a list of overrides, as \[clicks=none\], found 'x=1'"),
        ({"a": ["clicks"]}, "cv.arms.a: expected a list"),
        ({"a": None}, "cv.arms.a: expected a list"),
        ({"a": ["+fold=1"]}, r"cv.arms.a: \+fold=1 is said for all arms together"),
        ({"a": ["paths.output=x"]}, "cv.arms.a: paths.output=x is said for all"),
        ({"a": ["cv.folds=[0]"]}, "cv.arms.a: cv.folds"),
        (["clicks=none"], "expected a mapping of names"),
    ],
)
def test_what_is_no_arm_is_answered_in_a_sentence(arms: object, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=sentence):
        arms_of(configuration(arms), tmp_path)


def test_what_was_typed_reaches_every_arm_and_the_arms_own_words_win(tmp_path: Path) -> None:
    typed = ["experiment=rainio2024", "cv.arms={a: ['x=1']}", "+cv.arms.b=[]", "~cv.arms.c", "cv.folds=[0,1]"]
    typed += ["cv.launcher=joblib", "name=mine", "paths.output=/else", "overwrite=true", "test=false", "clicks=edt"]
    arm = Arm("O.1", tmp_path / "it's", ("clicks=none", "trainer.max_epochs=2"))
    assert arm_overrides(typed, "mine", arm) == [
        "experiment=rainio2024",
        "cv.folds=[0,1]",
        "cv.launcher=joblib",
        "test=false",
        "clicks=edt",
        "clicks=none",
        "trainer.max_epochs=2",
        "cv.arms=null",
        "name='mine-O.1'",
        f"paths.output='{tmp_path}/it\\'s'",
    ]


def test_no_arms_and_the_arms_words_win_where_an_experiment_has_others(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    register_resolvers()
    arm = Arm("a", tmp_path / "a", ("clicks=none", "clicks=edt", "clicks.most=3"))
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        typed = ["experiment=hecktor2022_baseline", ARMS, "cv.folds=[1]", "clicks=disk"]
        config = compose("cv", overrides=arm_overrides(typed, "mine", arm))
        assert compose("cv", overrides=typed).cv.arms.clicked[0] == "clicks=edt"
    assert config.cv.arms is None
    assert list(config.cv.folds) == [1]
    assert (config.name, config.paths.output) == ("mine-a", str(tmp_path / "a"))
    assert (config.clicks.encoding._target_, config.clicks.most) == ("hnseg.clicks.EdtEncoding", 3)


class Started:
    """In the place of `hnseg cv`: notes what was started, and leaves behind what ``finishes`` says."""

    def __init__(self, root: Path) -> None:
        self.root, self.names, self.codes = root, [], {}
        self.folder = root / "runs" / "cv" / "mine"

    def __call__(self, command: list[str]) -> int:
        assert command[1:4] == ["-m", "hnseg.run.cli", "cv"]
        said = dict(word.split("=", 1) for word in command[4:])
        folder = Path(said["paths.output"].strip("'"))
        assert said["cv.arms"] == "null"
        self.names.append(folder.name)
        code = self.codes.get(folder.name, 0)
        if 0 <= code <= 1:
            facts = {"data": {"name": "phantom", "key": "k"}, "split": {"name": "KFold", "protocol": "inner"}}
            failed = [{"case": "P", "message": "broken"}] if code else []
            whole = "cv.folds" not in said
            write_manifest(folder, task="cv", finished=whole, phantom=True, failed_cases=failed, **facts)
            (folder / "cases.csv").write_text("case,fold\n")
            for fold in ("0", "1") if whole else ("0",):
                write_manifest(folder / "folds" / fold, finished=True)
                (folder / "folds" / fold / "cases.csv").write_text("case\n")
        return code


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Started:
    fake = Started(tmp_path)
    monkeypatch.setattr("hnseg.run.arms.run_to_its_end", fake)
    monkeypatch.setattr("hnseg.run.arms.write_report", lambda folder: folder / "report.html")
    return fake


@pytest.fixture
def compare(started: Started, monkeypatch: pytest.MonkeyPatch):
    """`run_arms` of two arms, with what was typed."""

    def start(*typed: str, chain: dict | None = None) -> int:
        monkeypatch.setattr("hnseg.run.arms._composed", lambda *_: {"postprocess": chain})
        plain = configuration({"plain": ["loss=dice"], "clicked": ["clicks=edt"]})
        plain["cv"]["folds"] = [0] if "cv.folds=[0]" in typed else None
        plain |= {"name": "mine", "seed": 5, "data": {"name": "phantom"}, "split": {"folds": 2}}
        return run_arms(plain, started.folder, typed)

    return start


def test_every_arm_is_trained_once_and_then_compared(compare, started: Started, capsys) -> None:
    assert compare() == 0
    assert started.names == ["plain", "clicked"]
    manifest = read_manifest(started.folder)
    assert (manifest["task"], manifest["arms"], manifest["name"]) == ("arms", ["plain", "clicked"], "mine")
    assert (manifest["phantom"], manifest["finished"], manifest["seed"]) == (True, True, 5)
    assert (manifest["data"]["key"], manifest["split"]["name"]) == ("k", "KFold")
    assert f"2 of 2 arms are finished; report: {started.folder / 'report.html'}" in capsys.readouterr().out
    assert compare() == 0
    assert started.names == ["plain", "clicked"]
    assert read_manifest(started.folder)["started"] == manifest["started"]


def test_another_post_processing_is_the_arms_own_to_score(compare, started: Started) -> None:
    compare()
    for chain in ({"keep_largest": {}}, None):
        started.names.clear()
        assert compare(chain=chain) == compare(chain=chain) == 0
        assert started.names == ["plain", "clicked"]


def test_an_arm_that_fails_stops_the_others_and_the_same_command_goes_on_there(
    compare, started: Started, capsys
) -> None:
    started.codes = {"plain": -9}
    assert compare() == 137
    assert started.names == ["plain"]
    assert capsys.readouterr().out.splitlines()[2] == "0 of 2 arms are finished"  # and nothing to report on
    started.codes = {"plain": 1, "clicked": 2}
    assert compare() == 2
    assert started.names == ["plain", "plain", "clicked"]
    assert "arm clicked did not finish" in capsys.readouterr().out
    assert read_manifest(started.folder)["finished"] is False
    started.codes = {}
    assert compare() == 1  # a patient of the first arm was set aside
    assert started.names == ["plain", "plain", "clicked", "clicked"]
    assert read_manifest(started.folder)["finished"] is True


def test_chosen_folds_are_trained_in_every_arm(compare, started: Started) -> None:
    assert compare("cv.folds=[0]") == 0
    assert started.names == ["plain", "clicked"]
    assert read_manifest(started.folder)["finished"] is False
    assert compare() == 0
    assert read_manifest(started.folder)["finished"] is True


def test_a_comparison_from_the_command_line_and_a_changed_one(started: Started, monkeypatch, capsys) -> None:
    monkeypatch.setenv("HNSEG_ROOT", str(started.root))
    said = ["name=mine", "split=kfold", ARMS]
    assert run("cv", said) == 0
    assert started.names == ["plain", "clicked"]
    assert run("cv", [*said[:2], ARMS.replace("loss=dice", "loss=bce")]) == 2
    assert "cv.arms.plain: ['loss=dice'] -> ['loss=bce']" in capsys.readouterr().err
    assert run("cv", said[:2]) == 2
    assert "cv.arms: plain, clicked -> None" in capsys.readouterr().err


def test_all_arms_are_composed_before_the_first_is_trained(started: Started, monkeypatch, capsys) -> None:
    monkeypatch.setenv("HNSEG_ROOT", str(started.root))
    assert run("cv", ["name=mine", "cv.arms={a: ['loss=dice'], b: ['+loss.powr=2']}"]) == 2
    assert "cv.arms.b (+loss.powr=2) cannot be composed" in capsys.readouterr().err
    assert started.names == []
