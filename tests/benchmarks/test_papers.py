"""Figures of a page come from what cross-validations left, and from nothing else."""

import json

import pandas as pd
import pytest
import yaml

from benchmarks.papers import BEGIN, END, fill, main, table

MANIFEST = {
    "task": "cv",
    "finished": True,
    "phantom": True,
    "started": "2026-11-21T10:00:00+00:00",
    "version": "0.1",
    "commit": "0123456789abcdef",
    "dirty": False,
    "data": {"n": 4},
    "hardware": {"processor": "A processor", "cores": 2, "devices": []},
}


def rows(dice, hd95, predicted, fold=("A", "A", "B", "B")):
    scores = {"dice": dice, "precision": dice, "recall": dice, "hd95_mm": hd95}
    volumes = {"volume_mm3": predicted, "intersection_mm3": [1000.0] * len(dice)}
    return pd.DataFrame({"case": range(len(dice)), "structure": "GTVt", "fold": fold, **scores, **volumes})


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "runs" / "cv" / "tried"
    for place, scores in {
        ".": rows([0.5, 0.7, 0.2, 0.4], [2.0, 4.0, 6.0, float("inf")], [1000.0, 3000.0, 1000.0, 1000.0]),
        "postprocessed": rows([0.6, 0.8, 0.2, 0.4], [1.0, 3.0, 6.0, 8.0], [1000.0] * 4),
        "test": rows([0.9, 0.7], [1.0, 2.0], [1500.0, 1500.0], fold="x").drop(columns="fold"),
        "test/postprocessed": rows([1.0, 0.8], [1.0, 1.0], [1000.0] * 2, fold="x").drop(columns="fold"),
    }.items():
        (folder / place).mkdir(parents=True, exist_ok=True)
        scores.to_csv(folder / place / "cases.csv", index=False)
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    (folder / "config.yaml").write_text(yaml.safe_dump({"postprocess": {"crf": {}, "fill_holes": {}}}))
    typed = ["model.net.filters=4", "view.size_zyx=[48,48,48]", "name=tried", "paths.runs=/somewhere"]
    (folder / "overrides.yaml").write_text(yaml.safe_dump(typed))
    return folder


def test_a_row_a_fold_with_and_without_post_processing(run):
    heading, _, *lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table(run).splitlines()]
    assert heading[6:9] == ["HD95 (mm)", "false positive (ml)", "with crf + fill_holes: DSC"]
    folds = {line[1]: line for line in lines}
    assert list(folds) == ["A", "B", "mean of folds", "test patients, by the mean of all folds"]
    assert folds["A"][2:4] + folds["A"][6:9] == ["2", "0.600 ± 0.141", "3.0", "1.00", "0.700 ± 0.141"]
    assert folds["B"][6:8] == ["inf", "0.00"]
    assert folds["mean of folds"][2:4] + folds["mean of folds"][7:9] == ["4", "0.450 ± 0.212", "0.50", "0.500 ± 0.283"]
    assert folds["mean of folds"][-2:] == ["4.5", "0.00"]
    assert folds["test patients, by the mean of all folds"][2:4] == ["2", "0.800 ± 0.141"]
    assert folds["test patients, by the mean of all folds"][7:9] == ["0.50", "0.900 ± 0.141"]


def test_without_a_chain_the_table_is_half_as_wide(run):
    (run / "postprocessed" / "cases.csv").unlink()
    assert "with" not in table(run)
    assert {line.count("|") for line in table(run).splitlines()} == {9}


def test_centres_and_random_folds_are_averaged_by_themselves(run):
    (run / "postprocessed" / "cases.csv").unlink()
    scores = rows([0.2, 0.4, 0.7, 0.9], [1.0] * 4, [1000.0] * 4, fold=("CHGJ", "CHUS", "random_0", "random_1"))
    scores.to_csv(run / "cases.csv", index=False)
    lines = [[cell.strip() for cell in line.split("|")[2:5]] for line in table(run).splitlines()]
    assert ["CHGJ", "1", "0.200"] in lines  # one patient has no spread
    assert ["mean of centres", "2", "0.300 ± 0.141"] in lines
    assert ["mean of random folds", "2", "0.800 ± 0.141"] in lines
    assert not any(line[0] == "mean of folds" for line in lines)


def test_an_ensemble_without_a_chain_has_one_half(run):
    (run / "test" / "postprocessed" / "cases.csv").unlink()
    assert table(run).splitlines()[-1].count("| n/a") == 5


def test_halves_of_different_patients_are_refused(run):
    everybody = pd.read_csv(run / "postprocessed" / "cases.csv")
    everybody.iloc[:3].to_csv(run / "postprocessed" / "cases.csv", index=False)
    with pytest.raises(ValueError, match="not the same patients"):
        table(run)


def test_structures_are_kept_apart(run):
    both = pd.concat([rows([0.5] * 4, [1.0] * 4, [1000.0] * 4), rows([0.1] * 4, [1.0] * 4, [5000.0] * 4)])
    both["structure"] = ["GTVp"] * 4 + ["GTVn"] * 4
    for place in (".", "postprocessed"):
        both.to_csv(run / place / "cases.csv", index=False)
    for place in ("test", "test/postprocessed"):
        (run / place / "cases.csv").unlink()
    lines = table(run).splitlines()[2:]
    assert [line.split("|")[1].strip() for line in lines] == ["GTVp"] * 3 + ["GTVn"] * 3
    assert "| 0.500 ± 0.000 |" in lines[2]
    assert "| 4.00 |" in lines[5]


def test_only_what_stands_between_the_marks_is_written(run, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{BEGIN}\nobsolete\n{END}\n\nafter\n")
    assert main([str(page), str(run)]) == 0
    once = page.read_text()
    assert once.startswith(f"before\n\n{BEGIN}\n")
    assert once.endswith(f"\n{END}\n\nafter\n")
    assert "obsolete" not in once
    assert "\nhnseg cv model.net.filters=4 'view.size_zyx=[48,48,48]'\n" in once
    assert "/somewhere" not in once
    assert str(tmp_path) not in once
    assert main([str(page), str(run)]) == 0
    assert page.read_text() == once


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"phantom": False}, "real patients"),
        ({"finished": False}, "not a finished"),
        ({"task": None}, "not a finished"),
    ],
)
def test_what_is_no_figure_of_a_phantom_is_refused(run, tmp_path, change, complaint, capsys):
    (run / "manifest.json").write_text(json.dumps(MANIFEST | change))
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    assert main([str(page), str(run)]) == 2
    assert complaint in capsys.readouterr().err
    assert page.read_text() == f"{BEGIN}\n{END}\n"


def test_a_page_without_marks_is_refused(run, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"{END}\n{BEGIN}\n")
    with pytest.raises(ValueError, match="needs the marks"):
        fill(page, [run])
