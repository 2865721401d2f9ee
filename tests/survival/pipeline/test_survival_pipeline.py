import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hnseg.survival.models.cox import CoxPH
from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline.preprocessing import SELECTIONS, STEPS
from hnseg.survival.pipeline.survival_pipeline import SurvivalPipeline
from tests.survival.cohorts import fitted_pipeline

pytestmark = pytest.mark.usefixtures("all_training")
Maker = Callable[..., tuple[pd.DataFrame, Outcome]]
TIMES = np.array([50.0, 365.0, 730.0])


def gappy(cohort: Maker, patients: int = 120, features: int = 12) -> tuple[pd.DataFrame, Outcome]:
    """With gaps, a near copy of ``f0``, a constant, and a column that nobody has."""
    table, outcome = cohort(patients, features)
    noise = np.random.default_rng(3).normal(size=(patients, 2))
    table = table.assign(copy=table["f0"] + 0.1 * noise[:, 0], same=1.0, empty=np.nan)
    table["f1"] = table["f1"].mask(noise[:, 1] > 1)
    return table, outcome


def arrays_are_all_that_is_not_json(plain: Any) -> bool:
    if isinstance(plain, dict):
        return all(isinstance(key, str) and arrays_are_all_that_is_not_json(value) for key, value in plain.items())
    if isinstance(plain, np.ndarray):
        return plain.dtype.kind in "fiub"
    return bool(json.dumps(plain, allow_nan=False))


@pytest.mark.parametrize("selection", SELECTIONS)
def test_from_a_table_with_gaps_to_risks_and_back_from_plain_data(cohort: Maker, selection: str) -> None:
    table, outcome = gappy(cohort)
    fitted = fitted_pipeline(selection, CoxPH(), table, outcome, seed=2)
    assert {"f0", "f1"} <= set(fitted.selected_)
    assert not {"copy", "same", "empty"} & set(fitted.selected_)
    assert list(fitted.importances()["feature"]) == fitted.selected_
    assert np.corrcoef(fitted.risk(table), cohort(120, 12)[0].eval("f0 - f1"))[0, 1] > 0.8
    survival = fitted.survival(table, TIMES)
    assert survival.shape == (120, 3)
    assert (np.diff(survival) <= 0).all()
    plain = fitted.to_plain()
    assert arrays_are_all_that_is_not_json(plain)
    back = SurvivalPipeline.from_plain(plain)
    np.testing.assert_array_equal(back.risk(table), fitted.risk(table))
    np.testing.assert_array_equal(back.survival(table, TIMES), survival)
    assert back.preprocessing.selection == selection
    np.testing.assert_array_equal(back.preprocessing.coefficients(), fitted.preprocessing.coefficients())


def test_steps_say_what_they_dropped(cohort: Maker) -> None:
    steps = fitted_pipeline("cox_lasso", CoxPH(), *gappy(cohort)).preprocessing.steps_
    assert tuple(steps) == STEPS
    assert steps["impute"].dropped_ == ["empty"]
    assert steps["scale"].dropped_ == ["same"]
    assert steps["filter"].dropped_ == ["copy"]


def test_new_patients_are_read_by_name_and_may_lack_columns(cohort: Maker) -> None:
    table, outcome = gappy(cohort)
    fitted = fitted_pipeline("cox_lasso", CoxPH(), table[:80], outcome.of(table.index[:80]))
    new = table[80:]
    expected = fitted.risk(new)
    np.testing.assert_array_equal(fitted.risk(new[new.columns[::-1]].assign(more=1.0)), expected)
    np.testing.assert_allclose(fitted.risk(new[:1]), expected[:1])
    without = fitted.risk(new.drop(columns="f0"))
    assert np.corrcoef(without, expected)[0, 1] > 0.9  # its near copy stands in


def test_the_order_and_units_of_what_comes_in_change_nothing(cohort: Maker) -> None:
    table, outcome = gappy(cohort)
    expected = fitted_pipeline("none", CoxPH(), table, outcome).risk(table)
    units = pd.Series(10.0 ** np.arange(len(table.columns)), table.columns)
    found = fitted_pipeline("none", CoxPH(), table * units, outcome).risk(table * units)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    shuffled = list(np.random.default_rng(0).permutation(table.index))
    again = fitted_pipeline("none", CoxPH(), table.loc[shuffled], outcome.of(shuffled)).risk(table)
    np.testing.assert_allclose(again, expected, rtol=1e-4, atol=1e-5)


def test_what_cannot_be_fitted_is_said(cohort: Maker) -> None:
    table, outcome = gappy(cohort)
    with pytest.raises(ValueError, match="selection 'ridge': choose one of cox_lasso, lasso, none"):
        fitted_pipeline("ridge", CoxPH(), table, outcome)
    with pytest.raises(ValueError, match="no feature is left after the step 'scale'"):
        fitted_pipeline("none", CoxPH(), table[["same"]], outcome)


def exchanged(plain: dict[str, Any], *path: str, by: Any) -> dict[str, Any]:
    first, *rest = path
    return plain | {first: exchanged(plain[first], *rest, by=by) if rest else by}


def test_a_hostile_or_patched_state_is_refused(cohort: Maker) -> None:
    plain = fitted_pipeline("cox_lasso", CoxPH(), *gappy(cohort)).to_plain()
    other = fitted_pipeline("none", CoxPH(), *gappy(cohort, features=4)).to_plain()
    patched = [
        exchanged(plain, "model", by="os.system"),
        exchanged(plain, "model", by=["cox"]),
        exchanged(plain, "state", by=other["state"]),
        exchanged(plain, "preprocessing", "scale", by=plain["preprocessing"]["impute"]),
        exchanged(plain, "preprocessing", "filter", by=other["preprocessing"]["filter"]),
        exchanged(plain, "preprocessing", "parameters", "selection", by="none"),
        exchanged(plain, "preprocessing", "parameters", "selection", by="__class__"),
        exchanged(plain, "preprocessing", "select", "kept", by=[]),
        exchanged(plain, "state", "hazard", by=np.array([np.inf])),
        exchanged(plain, "more", by=1),
    ]
    for state in patched:
        with pytest.raises(ValueError, match="saved state"):
            SurvivalPipeline.from_plain(state)
