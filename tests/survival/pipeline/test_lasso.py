from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Lasso
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline import lasso
from hnseg.survival.pipeline.lasso import ALPHAS, PlainLasso

pytestmark = pytest.mark.usefixtures("all_training")
Maker = Callable[..., tuple[pd.DataFrame, Outcome]]


def test_the_grid_is_the_published_one() -> None:
    np.testing.assert_allclose(ALPHAS, np.arange(0.1, 10, 0.1))
    assert len(ALPHAS) == 99


@pytest.mark.parametrize("effect", [1.0, 0.02])
def test_the_same_penalty_and_features_as_a_grid_search(
    cohort: Maker, effect: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = ALPHAS[::14]
    monkeypatch.setattr(lasso, "ALPHAS", some)
    features, outcome = cohort(60, 6, effect=effect)
    # in hundreds of days, so that the best penalty lies within the grid
    outcome = Outcome(outcome.patients, outcome.event, outcome.time_days / 100)
    pipeline = Pipeline([("scale", StandardScaler()), ("lasso", Lasso())])
    search = GridSearchCV(pipeline, {"lasso__alpha": some}, cv=5, scoring="neg_mean_squared_error")
    search.fit(features, outcome.time_days)
    coefficients = pd.Series(search.best_estimator_["lasso"].coef_, features.columns)
    fitted = PlainLasso().fit(features, outcome)
    np.testing.assert_allclose(fitted.errors_, -search.cv_results_["mean_test_score"], rtol=1e-3)
    assert fitted.alpha_ == search.best_params_["lasso__alpha"]
    if coefficients.any():
        kept = coefficients[coefficients != 0]
        assert fitted.kept_ == list(kept.index)
        np.testing.assert_allclose(fitted.values_, kept, rtol=1e-3)


def test_days_bring_it_to_the_edge_of_the_grid_as_published(cohort: Maker) -> None:
    fitted = PlainLasso().fit(*cohort(100, 80, effect=0.3))
    assert fitted.alpha_ == pytest.approx(9.9)
    assert fitted.at_edge_


def test_if_nothing_is_left_the_first_to_enter_is_kept(cohort: Maker) -> None:
    features, outcome = cohort(60, 6)
    short = Outcome(outcome.patients, outcome.event, outcome.time_days / 1e5)
    fitted = PlainLasso().fit(features, short)
    strongest = features.corrwith(pd.Series(short.time_days, features.index)).abs().idxmax()
    assert fitted.fallback_
    assert fitted.kept_ == [strongest]
    assert not PlainLasso().fit(features, outcome).fallback_


def test_it_does_not_know_who_is_censored(cohort: Maker) -> None:
    features, outcome = cohort(60, 6)
    other = Outcome(outcome.patients, ~outcome.event, outcome.time_days)
    assert PlainLasso().fit(features, outcome).kept_ == PlainLasso().fit(features, other).kept_


def test_saved_and_read_back_and_what_it_cannot_fit(cohort: Maker) -> None:
    features, outcome = cohort(60, 6)
    fitted = PlainLasso().fit(features, outcome)
    back = PlainLasso.from_plain(fitted.to_plain())
    assert (back.kept_, back.alpha_, back.at_edge_) == (fitted.kept_, fitted.alpha_, fitted.at_edge_)
    with pytest.raises(ValueError, match="'alpha' must be a finite number"):
        PlainLasso.from_plain(fitted.to_plain() | {"alpha": None})
    with pytest.raises(ValueError, match="none of 6 features varies"):
        PlainLasso().fit(features * 0, outcome)
    with pytest.raises(ValueError, match="4 patients, needs 5"):
        PlainLasso().fit(features[:4], outcome.of(features.index[:4]))
