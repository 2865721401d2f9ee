import math

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter

from hnseg.report.survival_folder import COLUMNS, SurvivalFolder, follow_up_median_days
from tests.report.survival import make_survival


def test_tables_that_are_missing_are_empty_and_have_their_columns(tmp_path):
    folder = make_survival(tmp_path / "a", models=("cox",), sets=("clinical",), without=("log_rank", "selected"))
    found = SurvivalFolder.open(folder)
    assert found.tables.keys() == COLUMNS.keys()
    assert all(tuple(found.tables[name].columns) == columns for name, columns in COLUMNS.items())
    assert found.tables["log_rank"].empty
    assert len(found.of("importances", ("cox", "clinical"))) == 7
    assert found.of("importances", ("rsf", "clinical")).empty
    assert found.models == ("cox-clinical",)


def test_names_stay_what_they_are(tmp_path):
    for folds in (("NA", "007"), ("01", "007")):
        folder = make_survival(tmp_path / folds[0], models=("cox",), sets=("clinical",), folds=folds)
        assert set(SurvivalFolder.open(folder).tables["scores"]["fold"]) == set(folds)


def test_a_table_without_numbers_is_refused_by_name(tmp_path):
    folder = make_survival(tmp_path / "a", models=("cox",), sets=("clinical",))
    summary = pd.read_csv(folder / "summary.csv").astype({"c_index": object})
    summary.loc[0, "c_index"] = "high"
    summary.to_csv(folder / "summary.csv", index=False)
    with pytest.raises(ValueError, match=r"summary\.csv, column c_index: expected numbers.*high"):
        SurvivalFolder.open(folder)


def test_what_the_manifest_does_not_say_is_not_known(tmp_path):
    folder = make_survival(
        tmp_path / "a", models=("cox",), sets=("clinical",), best_c_index=None, horizon_days="2 years"
    )
    found = SurvivalFolder.open(folder)
    assert math.isnan(found.best_c_index)
    assert math.isnan(found.horizon_days)


def test_follow_up_by_hand():
    # lost at 1, 2 and 4, event at 3: 4/4 at risk, S 0.75, 0.5
    event, time_days = np.array([False, False, True, False]), np.array([1.0, 2.0, 3.0, 4.0])
    assert follow_up_median_days(event, time_days) == 2.0
    assert math.isnan(follow_up_median_days(np.array([True, True]), np.array([1.0, 2.0])))
    assert math.isnan(follow_up_median_days(np.array([], bool), np.array([])))


def test_follow_up_is_lifelines_median_of_those_who_were_lost():
    rng = np.random.default_rng(1)
    for _ in range(5):
        time_days, event = rng.integers(1, 40, 60).astype(float), rng.random(60) < 0.4
        expected = KaplanMeierFitter().fit(time_days, ~event).median_survival_time_
        assert follow_up_median_days(event, time_days) == expected
