import pandas as pd
import pytest

from hnseg.report import write_report
from hnseg.report.click_section import cv_clicks, run_clicks, save_clicks
from hnseg.report.cv_folder import CvFolder
from tests.report.clicks import click_rows
from tests.report.html import Page


def test_a_run_that_takes_no_clicks_has_no_section(tmp_path):
    assert run_clicks(tmp_path, False) is None
    save_clicks(tmp_path, None)
    assert list(tmp_path.iterdir()) == []


def test_a_page_with_clicks_and_what_it_leaves(run_maker):
    folder = run_maker(n_test=1, drawn=False)
    click_rows(phantom=False).to_csv(folder / "clicks.csv", index=False)
    html = write_report(folder).read_text()
    text = Page(html).text
    for wanted in ("Dice after clicks of a robot", "The robot knows the truth", "Clicks until Dice is 0.85",
                   "is an oracle's", "Where there is nothing to outline", "41 % of the maximum",
                   "0.250 (0.250 to 0.250)"):  # fmt: skip
        assert wanted in text, wanted
    assert (folder / "figures" / "click_curve.png").read_bytes()[:4] == b"\x89PNG"
    names = ["click_curve.csv", "click_users.csv", "clicks_needed.csv"]
    assert sorted(path.name for path in (folder / "tables").iterdir()) == names
    curve = pd.read_csv(folder / "tables" / "click_curve.csv")
    assert list(curve[curve["method"] == "network"]["dice_median"]) == pytest.approx([0, 0.1, 0.2, 0.3, 0.5, 1.0])
    assert not curve["phantom"].any()


def test_a_cross_validation_pools_its_folds(cv_maker):
    folder = cv_maker(drawn=False, tested=None, per_fold=1)
    assert cv_clicks(CvFolder.open(folder)) is None
    for fold, cases in {"CHUP": ["P1"], "CHUV": ["P1", "P3"]}.items():
        click_rows(cases, methods=["network"]).to_csv(folder / "folds" / fold / "clicks.csv", index=False)
    section = cv_clicks(CvFolder.open(folder))
    curve = section.tables["click_curve"]
    assert set(curve["units"]) == {6}  # two slices of each, and of P1 in both folds
    assert set(curve["patients"]) == {2}
    assert [sentence.text for sentence in section.sentences] == ["Of 3 folds, 2 have scored clicks."]
    text = Page(write_report(folder).read_text()).text
    assert "2 have scored clicks" in text
    assert "41 %" not in text  # nothing here is from a threshold
    assert (folder / "tables" / "clicks_needed.csv").is_file()


@pytest.mark.parametrize(("of_run", "of_rows"), [(True, False), (False, True)])
def test_a_phantom_is_marked_whoever_says_so(tmp_path, of_run, of_rows):
    click_rows(phantom=of_rows).to_csv(tmp_path / "clicks.csv", index=False)
    section = run_clicks(tmp_path, of_run)
    assert section.phantom
    save_clicks(tmp_path, section)
    assert pd.read_csv(tmp_path / "tables" / "clicks_needed.csv")["phantom"].all()
    click_rows().to_csv(tmp_path / "clicks.csv", index=False)
    assert run_clicks(tmp_path, False).png != section.png


def test_units_without_tumour_alone_have_no_curve(tmp_path):
    rows = click_rows()
    rows[rows["user"].str.startswith("no_tumour")].to_csv(tmp_path / "clicks.csv", index=False)
    section = run_clicks(tmp_path, False)
    assert (section.png, section.curve, section.needed, section.users) == (None, None, None, None)
    assert len(section.empty.rows) == 2
    save_clicks(tmp_path, section)
    assert not (tmp_path / "figures").exists()


def test_a_table_that_is_none_is_named(tmp_path):
    click_rows().drop(columns=["user", "clicks"]).to_csv(tmp_path / "clicks.csv", index=False)
    with pytest.raises(ValueError, match=r"clicks\.csv lacks the columns user, clicks; delete it"):
        run_clicks(tmp_path, False)
    (tmp_path / "clicks.csv").write_text("case,slice\n")
    assert run_clicks(tmp_path, False) is None
