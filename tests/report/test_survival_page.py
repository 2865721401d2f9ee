from types import SimpleNamespace

import pandas as pd
import pytest

from hnseg.report import survival_curves, survival_features, survival_folds, survival_forest, write_report
from hnseg.report.canvas import PHANTOM_TEXT
from tests.report.html import Page
from tests.report.survival import make_survival

SMALL = {"models": ("cox", "rsf"), "sets": ("clinical", "clinical+ct"), "folds": ("CHGJ", "CHMR"), "patients": 40}
MODULES = (survival_curves, survival_features, survival_folds, survival_forest)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An experiment with its real figures, that no test may change."""
    folder = make_survival(tmp_path_factory.mktemp("survival") / "whole", **SMALL)
    html = write_report(folder).read_text()
    return SimpleNamespace(folder=folder, html=html, text=Page(html).text)


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The text of the page of an experiment, without the time that pixels take."""
    for module in MODULES:
        monkeypatch.setattr(module, "to_png", lambda *_, **__: b"png")

    def write(change=None, **fields):
        folder = make_survival(tmp_path / "run", **SMALL | {"models": ("cox",)} | fields)
        if change:
            change(folder)
        return Page(write_report(folder).read_text()).text

    return write


def change_table(name, change):
    """Read a table, change it, write it."""

    def changed(folder):
        path = folder / f"{name}.csv"
        change(pd.read_csv(path)).to_csv(path, index=False)

    return changed


def test_one_file_that_asks_for_nothing(whole):
    shown = Page(whole.html)
    links = [address for address in shown.addresses if not address.startswith("data:image/png;base64,")]
    names = [f"{model}%2B{features}" for model in ("cox", "rsf") for features in ("clinical%2Bct", "clinical")]
    assert links == [f"risks/{name}.csv" for name in names]
    # forest, folds, and of three combinations curves, calibration; the features of each model's best
    assert shown.tags.count("img") == 2 + 2 * 3 + 2


def test_the_page_says_what_a_reader_asks(whole):
    summary = pd.read_csv(whole.folder / "summary.csv")
    for wanted in (
        PHANTOM_TEXT, "Patients and outcomes were made up", "progression-free survival", "finished: 4 combinations",
        "by the reverse Kaplan-Meier method", "0.810", "730 days (2.0 years)",
        "of the way there from 0.5", "The paper's protocol scores",
        "4 combinations of model and features were compared",
        "A C-index of 0.5 is what guessing gives", "greater means that the event is expected earlier",
        "Table 2 of Bourigault et al. 2022", "0.68", "Beware of the log-rank p", "0.000164", "Centre by centre",
        "greater means an earlier event", "4 saved models",
        "hnseg survival experiment=bourigault2021_survival 'data.root=/my scans'",
        "models/cox-clinical input=TABLE.csv output=risks.csv",
        "models/cox-clinical+ct input=DIR clinical=TABLE.csv masks=DIR output=risks.csv",
        "hnseg 0.6.0 commit 0123456789", "0.30.3",
    ):  # fmt: skip
        assert wanted in whole.text, wanted
    for value in summary.loc[summary["protocol"] == "honest", "c_index"]:
        assert f"{value:.3f}" in whole.text
    assert not {"nan", "None"} & set(whole.text.split())


def test_tables_and_figures_are_on_disk_and_marked(whole):
    names = {path.stem for path in (whole.folder / "figures").iterdir()}
    assert {"forest", "folds", "kaplan_meier_cox-clinical", "features_cox-clinical_ct"} <= names
    assert PHANTOM_TEXT.encode() in (whole.folder / "figures" / "folds.png").read_bytes()
    table = pd.read_csv(whole.folder / "tables" / "comparison.csv")
    assert table["phantom"].all()
    assert table["optimism"].to_numpy() == pytest.approx((table["paper"] - table["c_index"]).to_numpy())
    assert len(pd.read_csv(whole.folder / "tables" / "by_fold.csv")) == 4


def test_names_of_users_stay_text(page, tmp_path):
    evil = "<script>alert(1)</script>"

    def change(folder):
        change_table("selected", lambda rows: rows.assign(feature=evil))(folder)
        change_table("importances", lambda rows: rows.assign(feature=evil, kind=evil))(folder)
        change_table("outcome", lambda rows: rows.assign(centre=evil))(folder)
        change_table("scores", lambda rows: rows.assign(fold=evil))(folder)

    fields = {"endpoint": evil, "set_aside": [{"what": evil, "why": evil}], "data": {"name": evil}}
    text = page(change, models=(evil.replace("/", ""),), **fields)
    assert text.count(evil) > 6  # as text: Page leaves out what stands in a script
    assert (tmp_path / "run" / "report.html").read_text().count("<script>") == 1


def test_what_was_set_aside_is_said_once_for_a_reason(page):
    why = "scikit-survival is not installed"
    aside = [{"what": "rsf", "why": why}, {"what": "old", "why": why}, {"what": "CHUM001"}, "odd"]
    text = page(set_aside=aside, sets=("clinical",))
    assert text.count(why) == 1
    for wanted in ("rsf, old", "CHUM001, something", "no reason was written down"):
        assert wanted in text, wanted


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        (
            {"events": False, "best_c_index": None, "protocols": ("honest",), "sets": ("clinical",)},
            (
                "in no mean: CHMR of repeat 0 (0 events), CHMR of repeat 1 (0 events)",
                "the phantom left no true hazards",
                "Only the honest protocol was run",
                "Nothing was run with CT or PET or deep features.",
            ),
        ),
        ({"protocols": ("paper",)}, ("the honest protocol was not run", "No honest risks, so no groups.")),
        (
            {"repeats": 1, "phantom": False, "sets": ("ct", "ct+pt")},
            ("One repeat: how much hangs on the seed", "Whether it beats clinical features alone is not known"),
        ),
        (
            {"folds": ("0", "1"), "finished": False,
             "without": ("kaplan_meier", "log_rank", "calibration", "importances")},
            ("Fold by fold", "not finished: stopped or still running", "kaplan_meier.csv has no rows of it",
             "No log-rank test", "calibration.csv has no rows of it"),
        ),
        (
            {"without": ("importances", "selected", "kaplan_meier"), "sets": ("clinical",)},
            ("neither importances.csv nor selected.csv",),
        ),
        ({"without": ("summary", "scores", "outcome", "calibration")}, ("there is no summary.csv", "no scores.csv")),
        (
            {"without": ("scores", "selected", "outcome"), "sets": ("clinical",)},
            ("No fold of the honest protocol is scored.",),
        ),
    ],
)  # fmt: skip
def test_what_is_missing_is_said(page, fields, wanted):
    text = page(**fields)
    for sentence in wanted:
        assert sentence in text, sentence
    assert not {"nan", "None"} & set(text.split())


def test_an_experiment_that_has_only_begun(tmp_path):
    folder = tmp_path / "begun"
    folder.mkdir()
    (folder / "manifest.json").write_text('{"task": "survival"}')
    text = Page(write_report(folder).read_text()).text
    for wanted in ("nothing is scored yet", "the folder risks/ is empty", "No model was saved", "unnamed data"):
        assert wanted in text, wanted
    assert not (folder / "tables").exists()


def test_the_report_command_writes_it_again_to_the_byte(page, tmp_path):
    page(sets=("clinical",))
    before = (tmp_path / "run" / "report.html").read_text()
    assert write_report(tmp_path / "run").read_text() == before
