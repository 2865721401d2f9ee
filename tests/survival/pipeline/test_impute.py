import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer
from sklearn.linear_model import Ridge

from hnseg.survival.pipeline.impute import RoundRobinImputer, each_on_the_others

pytestmark = pytest.mark.usefixtures("all_training")


def patients(count: int, first: int = 0) -> list[str]:
    return [f"p{number:03}" for number in range(first, first + count)]


def related(count: int = 60, columns: int = 6, seed: int = 0) -> pd.DataFrame:
    """Columns that share two causes; ``x0`` is binary, ``x1`` ordinal from 0 to 3."""
    rng, loadings = np.random.default_rng(seed), np.random.default_rng(42).normal(size=(2, columns))
    values = rng.normal(size=(count, 2)) @ loadings + 0.5 * rng.normal(size=(count, columns))
    values[:, 0] = values[:, 0] > 0
    values[:, 1] = np.clip(np.round(values[:, 1] + 1.5), 0, 3)
    values[:, 2:] = values[:, 2:] * 100 + 1000
    return pd.DataFrame(values, patients(count), [f"x{number}" for number in range(columns)])


def with_gaps(table: pd.DataFrame, columns: list[str], share: float = 0.3, seed: int = 1) -> pd.DataFrame:
    gaps = np.random.default_rng(seed).random((len(table), len(columns))) < share
    return table.assign(**{name: table[name].mask(gaps[:, place]) for place, name in enumerate(columns)})


def test_new_patients_get_what_scikit_learn_gives_them() -> None:
    train, new = with_gaps(related(), ["x0", "x3", "x4"]), with_gaps(related(40, seed=5), ["x0", "x3", "x4"], seed=6)
    mean, sd = train.mean(), train.std(ddof=0)
    z, low, high = (train - mean) / sd, *(((edge - mean) / sd) for edge in (train.min(), train.max()))
    oracle = IterativeImputer(Ridge(5.0), max_iter=10, imputation_order="roman", min_value=low, max_value=high)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle.set_params(skip_complete=True).fit(z.to_numpy())
    fitted = RoundRobinImputer().fit(train)
    for table in (train, new):
        expected = oracle.transform(((table - mean) / sd).to_numpy()) * sd.to_numpy() + mean.to_numpy()
        np.testing.assert_allclose(fitted.transform(table), expected, rtol=1e-10, atol=1e-10)
    assert fitted.rounds_ == oracle.n_iter_


@pytest.mark.parametrize("shape", [(40, 6), (20, 30)])
def test_one_inverse_gives_every_ridge_regression_on_the_others(shape: tuple[int, int]) -> None:
    z = np.random.default_rng(0).normal(size=shape) + np.arange(shape[1])
    coefficients, intercepts = each_on_the_others(z, 2.5)
    for column in range(shape[1]):
        ridge = Ridge(2.5, solver="svd").fit(np.delete(z, column, axis=1), z[:, column])
        np.testing.assert_allclose(np.delete(coefficients[column], column), ridge.coef_, atol=1e-10)
        assert intercepts[column] == pytest.approx(ridge.intercept_)
        assert coefficients[column, column] == 0


def test_a_column_without_gaps_in_training_is_imputed_in_new_patients_from_the_others() -> None:
    train, new = related(), related(40, seed=5)
    fitted = RoundRobinImputer().fit(train)
    found = fitted.transform(new.assign(x5=np.nan))["x5"].to_numpy()
    z, sd = (train - train.mean()) / train.std(ddof=0), train["x5"].std(ddof=0)
    ridge = Ridge(5.0).fit(z.drop(columns="x5"), z["x5"])
    predicted = ridge.predict(((new - train.mean()) / train.std(ddof=0)).drop(columns="x5")) * sd + train["x5"].mean()
    np.testing.assert_allclose(found, np.clip(predicted, train["x5"].min(), train["x5"].max()))
    assert np.corrcoef(found, new["x5"])[0, 1] > 0.7


def test_what_is_known_stays_and_what_is_imputed_stays_in_the_range_of_training() -> None:
    train = with_gaps(related(), ["x0", "x1"])
    far = related(200, seed=9).mul(np.resize([50, -50], 200), axis=0)
    new = with_gaps(far, ["x0", "x1"], 0.8)
    found = RoundRobinImputer().fit(train).transform(new)
    assert not found.isna().any(axis=None)
    pd.testing.assert_frame_equal(found.where(new.notna()), new)
    imputed = found[new["x0"].isna()]["x0"]
    assert imputed.min() == 0
    assert imputed.max() == 1
    assert found[new["x1"].isna()]["x1"].between(train["x1"].min(), train["x1"].max()).all()


def test_a_column_that_nobody_has_is_dropped_by_name_and_stays_dropped() -> None:
    train = related().assign(empty=np.nan)
    fitted = RoundRobinImputer().fit(train)
    assert fitted.dropped_ == ["empty"]
    assert list(fitted.transform(train.assign(empty=1.0)).columns) == fitted.kept_ == [f"x{i}" for i in range(6)]


def test_a_table_that_lacks_columns_or_has_others_or_another_order_is_read_by_name() -> None:
    train = with_gaps(related(), ["x0"])
    fitted = RoundRobinImputer().fit(train)
    shuffled = train[["x4", "x0", "x2", "x1", "x5", "x3"]].assign(more=7.0)
    pd.testing.assert_frame_equal(fitted.transform(shuffled), fitted.transform(train))
    lacking = fitted.transform(train.drop(columns=["x3", "x1"]))
    pd.testing.assert_frame_equal(lacking, fitted.transform(train.assign(x3=np.nan, x1=np.nan)))
    with pytest.raises(ValueError, match="none of the features of the model, such as 'x0'"):
        fitted.transform(pd.DataFrame({"y": [1.0]}, ["a"]))


def test_a_patient_is_imputed_alike_alone_and_among_others_and_in_any_unit() -> None:
    train = with_gaps(related(), ["x0", "x3"])
    fitted, found = RoundRobinImputer().fit(train), RoundRobinImputer().fit(train).transform(train)
    for patient in train.index[:10]:
        pd.testing.assert_frame_equal(fitted.transform(train.loc[[patient]]), found.loc[[patient]])
    units = pd.Series([1.0, 10.0, 1e-3, 1e3, 7.0, 1e6], train.columns)
    pd.testing.assert_frame_equal(RoundRobinImputer().fit(train * units).transform(train * units), found * units)


def test_imputation_beats_the_mean() -> None:
    whole = related(120)
    train = with_gaps(whole, ["x2", "x3"])
    gaps = train[["x2", "x3"]].isna()
    error = (RoundRobinImputer().fit(train).transform(train) - whole)[["x2", "x3"]].where(gaps)
    by_mean = (train[["x2", "x3"]].mean() - whole[["x2", "x3"]]).where(gaps)
    assert (error**2).mean().sum() < 0.5 * (by_mean**2).mean().sum()


def test_odd_tables() -> None:
    one = pd.DataFrame({"x": [1.0, np.nan, 3.0]}, patients(3))
    assert RoundRobinImputer().fit(one).transform(one)["x"].tolist() == [1, 2, 3]
    constant = related().assign(same=5.0)
    constant.iloc[3, -1] = np.nan
    assert RoundRobinImputer().fit(constant).transform(constant)["same"].tolist() == [5.0] * 60
    wide = with_gaps(related(20, 50), ["x0", "x7"])
    assert np.isfinite(RoundRobinImputer().fit(wide).transform(wide).to_numpy()).all()
    with pytest.raises(ValueError, match="none of the 1 feature columns has a value"):
        RoundRobinImputer().fit(one * np.nan)


def test_users_errors_are_named() -> None:
    table = related()
    with pytest.raises(ValueError, match="feature 'x2' of patient p004 is infinite"):
        RoundRobinImputer().fit(table.assign(x2=[1.0] * 4 + [np.inf] * 56))
    with pytest.raises(ValueError, match="feature 'x2' holds object, expected numbers"):
        RoundRobinImputer().fit(table.assign(x2="a"))
    with pytest.raises(ValueError, match="feature 'x2' is there twice"):
        RoundRobinImputer().fit(table[["x1", "x2", "x2"]])


def test_a_saved_imputer_imputes_alike() -> None:
    train = with_gaps(related().assign(empty=np.nan), ["x0", "x3"])
    fitted = RoundRobinImputer(rounds=4, ridge=2.0).fit(train)
    back = RoundRobinImputer.from_plain(fitted.to_plain())
    pd.testing.assert_frame_equal(back.transform(train), fitted.transform(train))
    assert (back.rounds, back.ridge, back.dropped_) == (4, 2.0, ["empty"])


@pytest.mark.parametrize(
    "change",
    [
        {"kept": ["x0"]},
        {"kept": ["y"] * 6},
        {"targets": np.array([7])},
        {"coefficients": np.zeros((1, 6))},
        {"scale": np.zeros(6)},
        {"mean": [0.0] * 6},
        {"low": np.full(6, np.nan)},
        {"rounds": -1},
        {"parameters": {"rounds": 10}},
        {"more": 1},
    ],
)
def test_what_is_no_saved_imputer_is_refused(change: dict[str, Any]) -> None:
    plain = RoundRobinImputer().fit(with_gaps(related(), ["x0"])).to_plain()
    with pytest.raises(ValueError, match="saved state"):
        RoundRobinImputer.from_plain(plain | change)
