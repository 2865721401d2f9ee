import json
from pathlib import Path

import numpy as np
import pytest

from hnseg.evaluate.sources import agreed_label_names, name_folders, open_sources
from hnseg.io import write_rows, write_volume
from hnseg.io.phantom_marker import MARKER
from hnseg.types import Grid, Volume

MASK = Volume(np.ones((2, 2, 2), np.uint8), Grid((2, 2, 2), (1.0, 1.0, 1.0)))


def write_masks(folder: Path, *names: str) -> Path:
    for name in names:
        write_volume(MASK, folder / f"{name}.nii.gz")
    return folder


def write_run(run: Path, label_names=("GTVt",), cases=("a", "b"), phantom=False, fold="") -> Path:
    extra = {"fold": fold} if fold else {}
    write_rows(run / "cases.csv", [{"case": c, "structure": "GTVt", "dice": 0.1 + 0.2, **extra} for c in cases])
    write_masks(run / "predictions", *cases)
    (run / "manifest.json").write_text(json.dumps({"phantom": phantom, "cases": {c: f"/cache/{c}" for c in cases}}))
    (run / "config.yaml").write_text(f"data: {{label_names: [{', '.join(label_names)}]}}\n")
    return run


def test_a_run_brings_scores_masks_cases_and_names(tmp_path) -> None:
    (source,) = open_sources([write_run(tmp_path / "mine", phantom=True)])
    assert source.name == "mine"
    assert source.scored == set(source.masks) == {"a", "b"}
    assert source.prepared["a"] == Path("/cache/a")
    assert source.label_names == ("GTVt",)
    assert source.phantom
    assert source.rows["dice"][0] == 0.1 + 0.2, "every digit is kept"


def test_what_lies_in_a_run_is_that_runs(tmp_path) -> None:
    run = write_run(tmp_path / "mine")
    write_rows(run / "postprocessed" / "cases.csv", [{"case": "a", "structure": "GTVt"}])
    processed, masks = open_sources([run / "postprocessed", run / "predictions"])
    assert (processed.name, masks.name) == ("mine/postprocessed", "mine/predictions")
    assert processed.prepared == masks.prepared
    assert processed.label_names == masks.label_names == ("GTVt",)
    assert masks.rows is None
    assert processed.scored == {"a"}


def test_a_folder_of_masks_knows_nothing_but_its_masks(tmp_path) -> None:
    (source,) = open_sources([write_masks(tmp_path / "rater", "a", "b")])
    assert source.rows is None
    assert source.label_names is None
    assert not source.prepared
    assert not source.phantom
    assert set(source.masks) == {"a", "b"}


def test_a_marker_above_makes_a_phantom(tmp_path) -> None:
    (tmp_path / MARKER).touch()
    (source,) = open_sources([write_masks(tmp_path / "exported", "a")])
    assert source.phantom


def test_a_patient_of_two_folds_counts_once(tmp_path) -> None:
    run = write_run(tmp_path / "cv", cases=("a", "b"), fold="0")
    table = run / "cases.csv"
    table.write_text(table.read_text() + "a,GTVt,0.9,random_0\n")
    (source,) = open_sources([run])
    assert source.repeated == ("a",)
    assert source.rows.set_index("case")["dice"]["a"] == 0.1 + 0.2


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (["x/a", "y/b"], ["a", "b"]),
        (["x/a", "y/a", "y/b"], ["x/a", "y/a", "b"]),
        (["x/m/a", "y/m/a"], ["x/m/a", "y/m/a"]),
        (["x/a", "x/a/postprocessed", "x/a/test/postprocessed"], ["a", "a/postprocessed", "a/test/postprocessed"]),
    ],
)
def test_names_are_short_and_different(folders, names) -> None:
    assert name_folders([Path(folder) for folder in folders]) == names


def test_a_folder_named_twice_is_an_error(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="named twice"):
        name_folders([Path("a"), Path("b/../a")])


def test_label_names_are_the_runs_or_the_users_and_never_both_ways(tmp_path) -> None:
    run = open_sources([write_run(tmp_path / "mine", ("GTVp", "GTVn")), write_masks(tmp_path / "masks", "a")])
    masks = run[1:]
    assert agreed_label_names(run, None) == ("GTVp", "GTVn")
    assert agreed_label_names(run, ["GTVp", "GTVn"]) == ("GTVp", "GTVn")
    assert agreed_label_names(masks, ["GTVt"]) == ("GTVt",)
    assert agreed_label_names(masks, None, needed=False) == ()
    with pytest.raises(ValueError, match=r"label_names: GTVn, GTVp; mine: GTVp, GTVn"):
        agreed_label_names(run, ["GTVn", "GTVp"])
    with pytest.raises(ValueError, match="need label_names"):
        agreed_label_names(masks, None)


def test_two_runs_of_other_structures_contradict_each_other_where_masks_are_read(tmp_path) -> None:
    sources = open_sources([write_run(tmp_path / "a"), write_run(tmp_path / "b", ("GTVp", "GTVn"))])
    with pytest.raises(ValueError, match="different structures"):
        agreed_label_names(sources, None)
    assert agreed_label_names(sources, None, needed=False)


@pytest.mark.parametrize("kind", ["nowhere", "empty", "unscored", "broken", "no table"])
def test_folders_that_cannot_be_read_say_what_to_do(kind, tmp_path) -> None:
    folder = tmp_path / "x"
    said = {
        "nowhere": "not a folder",
        "empty": "neither",
        "unscored": "test=true",
        "broken": "resume",
        "no table": "case",
    }
    if kind != "nowhere":
        folder.mkdir()
    if kind == "unscored":
        (folder / "manifest.json").write_text("{}")
    if kind == "broken":
        (write_run(folder) / "manifest.json").write_text("[1, 2")
    if kind == "no table":
        (folder / "cases.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=said.get(kind, "not a table of cases")) as failed:
        open_sources([folder])
    assert str(folder) in str(failed.value)
