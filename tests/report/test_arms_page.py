import shutil
from types import SimpleNamespace

import pandas as pd
import pytest

from hnseg.report import write_arms_report, write_report
from hnseg.report.canvas import PHANTOM_TEXT
from tests.report.arms import make_arms, remove_arm
from tests.report.clicks import click_rows
from tests.report.html import Page, commands_in

TABLES = {"table1", "table2", "table3", "intervals", "patient_tests", "per_patient", "empty_slices"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Finished arms, that no test may change."""
    folder = make_arms(tmp_path_factory.mktemp("arms") / "whole", folds=2, patients=6, phantom=True)
    html = write_arms_report(folder).read_text()
    return SimpleNamespace(folder=folder, html=html, text=Page(html).text)


def table(folder, name):
    return pd.read_csv(folder / "tables" / f"{name}.csv", dtype={"row": str, "case": str, "fold": str})


def test_one_file_that_asks_for_nothing_and_leads_to_arms_and_folds(whole):
    shown = Page(whole.html)
    links = [address for address in shown.addresses if not address.startswith("data:image/png;base64,")]
    arms = ("cnnonly", "rand1cnn", "cm1cnn")
    expected = [f"arms/{arm}/report.html" for arm in arms]
    assert links == expected + [f"arms/{arm}/folds/{fold}/report.html" for fold in "01" for arm in arms]
    assert all((whole.folder / link).is_file() for link in links)
    assert shown.tags.count("img") == 2


def test_the_page_says_what_a_reader_asks(whole):
    for wanted in (
        PHANTOM_TEXT, "finished: all 2 folds of 3 arms", "A click helps here.", "48 slices of 12 patients",
        "made from the truth",
        "962 slices of 89 other patients", "0.708", "8.44e-58", "0.167", "all test sets", "threshold 0.15",
        "threshold 0.10",
        "rand1CNN without a click", "the slices at the 5, 35, 65, 95 % quantiles", "hnseg cv experiment=rainio2024",
        "'data.root=/data/my scans'",
    ):  # fmt: skip
        assert wanted in whole.text, wanted
    assert commands_in(whole.text) == {"cv", "report"}
    assert "nan" not in whole.text.split()


def test_every_table_is_on_disk_as_on_the_page(whole):
    assert {path.stem for path in (whole.folder / "tables").iterdir()} == TABLES
    assert all(table(whole.folder, name)["phantom"].all() for name in TABLES)
    medians = table(whole.folder, "table1")
    assert list(medians["row"]) == ["0", "1", "all test sets", "SD"]
    shown = [f"{v:.3f}" for v in medians[["CNNonly", "CNNrand", "CNNcm", "rand1CNN", "cm1CNN"]].to_numpy().ravel()]
    found = [table(whole.folder, name) for name in ("table2", "table3")]
    shown += [f"{p:#.3g}" for t in found for p in t[["CNNonly", "CNNonly_holm", "CNNcm"]].to_numpy().ravel() if p == p]
    shown += [f"{p:#.3g}" for p in table(whole.folder, "patient_tests")[["median_p", "mean_holm_p"]].to_numpy().ravel()]
    shown += [f"{v:.3f}" for v in table(whole.folder, "intervals")[["median", "low", "high"]].to_numpy().ravel()]
    shown += [f"{v:.3f}" for v in table(whole.folder, "per_patient")["cm1CNN_median"]]
    shown += [f"{100 * v:.0f} %" for v in table(whole.folder, "empty_slices")["with_any"]]
    assert len(shown) > 80
    assert [text for text in shown if text not in whole.text] == []


def test_pictures_are_on_disk_and_marked(whole):
    for name in ("fig2_boxplot", "fig3_outlines"):
        assert PHANTOM_TEXT.encode() in (whole.folder / "figures" / f"{name}.png").read_bytes()


def test_the_report_command_writes_it_again_to_the_byte(whole):
    before = {path: path.read_bytes() for path in (whole.folder / "tables").iterdir()}
    assert write_report(whole.folder).read_text() == whole.html
    assert {path: path.read_bytes() for path in before} == before


def test_a_missing_arm_is_said_and_the_others_go_on(tmp_path):
    folder = make_arms(tmp_path / "part", folds=2, patients=2, unfinished=[("cnnonly", 1)], thresholds=False)
    remove_arm(folder, "cm1cnn")
    text = Page(write_report(folder).read_text()).text
    for wanted in (
        "not finished: 3 of 6 folds", "Arms without a scored fold: cm1cnn", "Folds that are missing: 1 of cnnonly",
        "No picture: no fold has the slices", "Go on with what is not finished", "not started", "not finished",
    ):  # fmt: skip
        assert wanted in text, wanted
    assert "threshold 0" not in text
    assert PHANTOM_TEXT not in text
    assert table(folder, "table1").set_index("row").loc["all test sets", "slices"] == 8
    assert not (folder / "figures" / "fig3_outlines.png").exists()


def test_nothing_is_scored_yet(tmp_path):
    folder = make_arms(
        tmp_path / "new", folds=1, patients=1, unfinished=[(arm, 0) for arm in ("cnnonly", "rand1cnn", "cm1cnn")]
    )
    text = Page(write_report(folder).read_text()).text
    for wanted in (
        "cannot be said: no fold is scored yet",
        "No fold of any arm is scored yet",
        "no empty_slices.csv",
        "0.708",
    ):
        assert wanted in text, wanted
    assert not (folder / "tables").exists()


def test_arms_without_a_fold_in_common(tmp_path):
    folder = make_arms(tmp_path / "apart", folds=2, patients=1, pictures=False)
    for arm, fold in (("cnnonly", 0), ("rand1cnn", 1), ("cm1cnn", 1)):
        (folder / f"arms/{arm}/folds/{fold}/slices.csv").unlink()
    text = Page(write_report(folder).read_text()).text
    assert "cannot be said: the arms have no scored fold in common" in text
    assert "no two methods with a scored patient in common" in text
    shutil.rmtree(folder / "arms/cnnonly/folds/1")
    assert "CNNonly" in Page(write_report(folder).read_text()).text


def test_clicks_that_know_less_and_the_threshold_stand_beside_the_methods(tmp_path):
    folder = make_arms(tmp_path / "a", folds=1, patients=1, slices=2, pictures=False)
    assert "no network at all" not in write_arms_report(folder).read_text()
    click_rows(["0"]).to_csv(folder / "arms" / "cm1cnn" / "folds" / "0" / "clicks.csv", index=False)
    text = Page(write_arms_report(folder).read_text()).text
    for wanted in ("no network at all", "PET threshold", "centre, 6 mm off", "the hottest spot"):
        assert wanted in text, wanted
