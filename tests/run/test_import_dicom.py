"""What the command itself decides; what it calls is tested in tests/intake, the whole in tests/integration."""

import fcntl
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from hnseg.run.dicom_input import LOCK, own_folder
from hnseg.run.import_dicom import main
from hnseg.run.places import conf_dir
from hnseg.run.resolvers import register_resolvers


def config(root: Path, monkeypatch: pytest.MonkeyPatch, *overrides: str) -> DictConfig:
    monkeypatch.setenv("HNSEG_ROOT", str(root))
    register_resolvers()
    (root / "in").mkdir(exist_ok=True)
    (root / "in" / "notes").write_text("no DICOM")
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("import", overrides=[f"dicom={root / 'in'}", *overrides])


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ([], "needs output=DIR"),
        (["output={root}/in/out"], "lies inside"),
        (["output={root}/out", "links={root}/out/who.csv"], "tells who is who and lies inside"),
        (["output={root}/out", "links={root}/in/who.csv"], "tells who is who and lies inside"),
        (["output={root}/out", "key={root}/in/key"], "tells who is who and lies inside"),
        (["output={root}/out", "links={root}"], "is a folder"),
        (["dry_run=true", "links={root}/who.csv"], "--dry-run writes nothing"),
        (["output={root}/out", "cases=studies"], "none of patient, study"),
        (["output={root}/out", "workers=0"], "no number of processes"),
        (["output={root}/out", "workers=abc"], "no number of processes"),
        (["output={root}/out", "structures=[SpinalCrd]"], "did you mean SpinalCord"),
        (["output={root}/out", "limits=3"], "limits.KEY"),
        (["output={root}/out", "limits.seconds=-1"], "seconds"),
        (["output={root}/out", "aliases={{x: ../y}}"], "can be no structure"),
    ],
)
def test_wishes_that_cannot_be_are_refused_before_any_work(
    overrides: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match=said):
        main(config(tmp_path, monkeypatch, *(override.format(root=tmp_path) for override in overrides)))
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["notes"]
    assert not (tmp_path / "out").exists()


def test_a_dry_run_leaves_nothing_and_nothing_found_is_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(config(tmp_path, monkeypatch, "dry_run=true", f"output={tmp_path / 'out'}")) == 1
    assert "1 file looked at" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_what_a_killed_prediction_left_goes_with_the_next(tmp_path: Path) -> None:
    stale, busy = tmp_path / ".import-old", tmp_path / ".import-busy"
    for folder in (stale, busy):
        folder.mkdir()
        (folder / LOCK).touch()
    with (busy / LOCK).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with own_folder(tmp_path) as own:
            assert own.is_dir()
            assert not stale.exists()
            assert busy.exists()
    assert not own.exists()
