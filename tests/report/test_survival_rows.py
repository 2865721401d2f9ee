import math

import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate.paired import holm
from hnseg.report.survival_folder import SurvivalFolder
from hnseg.report.survival_rows import best_row, compared, days, features_name, reference_of, row_of, shown_keys
from tests.report.survival import make_survival


def experiment(folder, rows, **manifest):
    """One whose summary has these rows: protocol, model, features, C-index, p."""
    make_survival(folder, models=("cox",), sets=("clinical",), **manifest)
    columns = ["protocol", "model", "features", "c_index", "p"]
    summary = pd.DataFrame(rows, columns=columns).assign(published=np.nan, reference="clinical")
    summary.loc[summary["features"] == "clinical", "reference"] = ""
    summary.loc[summary["features"] == "clinical+ct", "published"] = 0.68
    summary.to_csv(folder / "summary.csv", index=False)
    return SurvivalFolder.open(folder)


ROWS = [
    ("honest", "cox", "clinical", 0.60, math.nan),
    ("honest", "rsf", "clinical", 0.58, math.nan),
    ("honest", "cox", "clinical+ct", 0.62, 0.02),
    ("honest", "rsf", "clinical+ct", 0.57, 0.03),
    ("paper", "cox", "clinical", 0.61, math.nan),
    ("paper", "cox", "clinical+ct", 0.70, 0.001),
]


def test_honest_and_paper_stand_side_by_side_model_by_model(tmp_path):
    table = compared(experiment(tmp_path / "a", ROWS, best_c_index=0.80))
    assert list(zip(table["model"], table["features"], strict=True)) == [
        ("cox", "clinical"), ("cox", "clinical+ct"), ("rsf", "clinical"), ("rsf", "clinical+ct"),
    ]  # fmt: skip
    assert table["c_index"].tolist() == [0.60, 0.62, 0.58, 0.57]
    assert table["optimism"].to_numpy() == pytest.approx([0.01, 0.08, np.nan, np.nan], nan_ok=True)
    assert table["near"].to_numpy() == pytest.approx([1 / 3, 0.4, 0.08 / 0.3, 0.07 / 0.3])
    assert table["published"].to_numpy() == pytest.approx([np.nan, 0.68, np.nan, 0.68], nan_ok=True)
    # p of the honest protocol alone; two tests
    assert table["p_holm"].to_numpy() == pytest.approx([np.nan, 0.04, np.nan, 0.04], nan_ok=True)
    assert table["p_holm"].to_numpy() == pytest.approx(holm(table["p"].to_numpy()), nan_ok=True)


def test_the_brier_score_is_told_against_that_of_who_knows_no_features(tmp_path):
    folder = experiment(tmp_path / "a", ROWS)
    folder.tables["summary"][["ibs", "ibs_reference"]] = [(0.15, 0.2), (0.21, 0.2), *[(np.nan, np.nan)] * 4]
    found = compared(folder)["brier_skill"].to_numpy()
    assert found == pytest.approx([0.25, np.nan, -0.05, np.nan], nan_ok=True)


def test_the_best_its_reference_and_the_best_of_each_other_model_are_shown(tmp_path):
    table = compared(experiment(tmp_path / "a", ROWS))
    best = best_row(table)
    assert (best["model"], best["features"]) == ("cox", "clinical+ct")
    assert reference_of(table, best)["c_index"] == 0.60
    assert reference_of(table, row_of(table, ("cox", "clinical"))) is None
    assert shown_keys(table) == [("cox", "clinical+ct"), ("cox", "clinical"), ("rsf", "clinical")]


def test_without_an_honest_row_nothing_is_best(tmp_path):
    table = compared(experiment(tmp_path / "a", ROWS[4:]))
    assert table["c_index"].isna().all()
    assert table["paper"].tolist() == [0.61, 0.70]
    assert best_row(table) is None
    assert shown_keys(table) == []


def test_nothing_at_all(tmp_path):
    folder = make_survival(tmp_path / "a", models=("cox",), sets=("clinical",), without=("summary",))
    assert compared(SurvivalFolder.open(folder)).empty


def test_the_reference_is_that_of_the_summary_then_of_the_plan(tmp_path):
    assert set(compared(experiment(tmp_path / "a", ROWS))["reference"]) == {"clinical"}
    only = [("honest", "cox", "ct", 0.6, math.nan)]
    planned = SurvivalFolder.open(experiment(tmp_path / "b", only, plan={"reference": "ct"}).run.folder)
    planned.tables["summary"]["reference"] = ""
    table = compared(planned)
    assert table["reference"].tolist() == ["ct"]
    assert reference_of(table, best_row(table)) is None


def test_a_truth_that_is_chance_makes_no_share_of_it(tmp_path):
    found = experiment(tmp_path / "a", ROWS, best_c_index=0.505)
    assert compared(found)["near"].isna().all()


def test_names_for_readers():
    assert features_name("clinical+ct+pt+deep") == "clinical + CT + PET + deep"
    assert days(730.5) == "730 days (2.0 years)"
    assert days(math.nan) == "the horizon"
