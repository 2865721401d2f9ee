import json
import re
from types import SimpleNamespace

import pandas as pd
import pytest

from hnseg.report import write_report
from hnseg.report.canvas import PHANTOM_TEXT
from tests.report.html import Page, commands_in
from tests.report.organs import CONFIG, ORGANS, make_organ_cv, make_organ_run


def page(folder):
    html = write_report(folder).read_text()
    return SimpleNamespace(folder=folder, html=html, text=Page(html).text, addresses=Page(html).addresses)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run with everything, that no test may change; two of eight patients have four organs annotated."""
    return page(make_organ_run(tmp_path_factory.mktemp("runs") / "whole"))


@pytest.fixture(scope="module")
def folds(tmp_path_factory):
    return page(make_organ_cv(tmp_path_factory.mktemp("cv") / "folds"))


def cards(html):
    return re.findall(r'class="label">([^<]*)<.*?class="value">([^<]*)<.*?class="note">([^<]*)<', html)


def test_the_headline_is_three_cards_and_not_eighteen(whole):
    rows = pd.read_csv(whole.folder / "cases.csv")
    names = [name for name, _, _ in cards(whole.html)]
    assert len(names) == 4  # and the number of patients
    mean = rows.groupby("structure")["dice"].mean().mean()
    assert cards(whole.html)[0][1:] == (f"{mean:.3f}", "9 organs; 8 patients of the test")


def test_counts_are_of_the_patients_in_whom_an_organ_is_annotated(whole):
    table = re.search(r"<table.*?</table>", whole.html, re.DOTALL).group(0)
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.DOTALL)[1:]
    cells = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in rows]
    assert {row[0]: row[1] for row in cells[:9]} == {
        name: "8" if name in ("BrainStem", "Mandible", "Parotid_L", "Parotid_R") else "6" for name in ORGANS
    }
    assert [row[0] for row in cells[:9]] == list(ORGANS)


def test_no_number_that_is_none_is_shown(whole, folds):
    for shown in (whole, folds):
        assert not re.search(r"\b(nan|NaN|None)\b", shown.text.split("Configuration")[0])


def test_all_figures_are_on_the_page_and_on_disk(whole):
    names = {path.name for path in (whole.folder / "figures").iterdir()}
    drawn = {"hu_distribution", "class_imbalance", "augmented_samples", "structure_curves"}
    assert {f"{name}.png" for name in drawn} < names
    assert len([name for name in names if name.startswith("organs_")]) == 3
    # curves, four figures, Dice, volumes, three patients
    assert len(whole.addresses) == 10
    assert all(address.startswith("data:image/png;base64,") for address in whole.addresses)


def test_the_page_does_not_talk_of_tumours_and_challenges(whole, folds):
    for shown in (whole, folds):
        assert "tumour" not in shown.text
        assert "HECKTOR" not in shown.text


def test_only_commands_that_exist_are_offered(whole):
    assert "report" in commands_in(whole.text)


def test_other_data_are_not_set_beside_the_papers(whole):
    assert "AnatomyNet" not in whole.text


def test_the_papers_experiment_says_what_cannot_be_compared(tmp_path):
    run = make_organ_run(
        tmp_path / "run", full=1, partly=0, config={"title": "jain2020_model_l"}, drawn=False, data=False
    )
    text = page(run).text
    assert "0.8637" in text
    assert "1 patient of public_oar: other patients, so the columns cannot be compared" in text


def test_without_files_of_the_training_data_nothing_is_missed(tmp_path):
    shown = page(make_organ_run(tmp_path / "run", full=1, partly=0, drawn=False, data=False))
    assert "Training data" not in shown.text
    assert "too few" in shown.text
    assert "no organ has 5 patients; 1 patient of the test" in shown.text
    assert "No picture: the prepared images of paired_0" in shown.text


def test_before_the_test_there_is_a_page(tmp_path):
    shown = page(make_organ_run(tmp_path / "run", full=0, partly=0, data=False))
    assert "Validation, not test" in shown.text
    assert "No test patient was scored" in shown.text


def test_a_table_with_four_organs_of_nine_is_one_of_organs(tmp_path):
    shown = page(make_organ_run(tmp_path / "run", full=0, partly=5, drawn=False, data=False))
    assert cards(shown.html)[0][2] == "4 organs; 5 patients of the test"


def test_official_scores_of_organs_are_not_shown(tmp_path):
    run = make_organ_run(tmp_path / "run", full=1, partly=0, drawn=False, data=False)
    (run / "official.json").write_text(json.dumps({"hecktor2022": {"Chiasm": 0.5}}))
    assert "Challenge scores" not in page(run).text


def test_a_phantom_is_marked_in_every_figure(tmp_path):
    shown = page(make_organ_run(tmp_path / "run", full=1, partly=0, phantom=True))
    assert PHANTOM_TEXT in shown.text
    figures = list((shown.folder / "figures").glob("*.png"))
    assert len(figures) == 5
    assert all(PHANTOM_TEXT.encode() in path.read_bytes() for path in figures)


def test_an_evil_name_cannot_break_out(tmp_path):
    evil = ["<script>alert(1)</script>", "$\\frac{$", "_x", *ORGANS[3:]]
    run = make_organ_run(
        tmp_path / "run",
        full=1,
        partly=0,
        drawn=False,
        data=False,
        config={"data": CONFIG["data"] | {"label_names": evil}},
    )
    rows = pd.read_csv(run / "cases.csv").replace(dict(zip(ORGANS[:3], evil[:3], strict=True)))
    rows.to_csv(run / "cases.csv", index=False)
    assert page(run).html.count("<script>") == 1


def test_folds_are_gathered_organ_by_organ(folds):
    rows = pd.read_csv(folds.folder / "cases.csv")
    mean = rows.groupby("structure")["dice"].mean().mean()
    assert cards(folds.html)[0][1] == f"{mean:.3f}"
    assert "8 patients in 2 of 2 folds" in cards(folds.html)[0][2]
    assert "By fold: mean Dice" in folds.text
    assert "By centre or data set" in folds.text
    assert "too few (3)" in folds.text  # of a fold


def test_the_organ_table_of_folds_is_on_disk_and_marked(folds):
    table = pd.read_csv(folds.folder / "tables" / "organs.csv")
    assert list(table["structure"].unique()) == [*ORGANS, "mean of organs"]
    assert not table["phantom"].any()


def test_the_ensembles_test_is_organ_by_organ(folds):
    assert "Networks alone" in folds.text
    assert folds.text.count("mean of organs") >= 2
