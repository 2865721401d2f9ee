import numpy as np
import pytest
from lifelines.utils import concordance_index

from hnseg.survival.models.permutation import SHUFFLES, permutation_importances
from tests.survival.models.simulated import cohort


def of(risk, seed=0, patients=60):
    table, outcome = cohort(patients, features=3)
    return permutation_importances(
        risk, list(table.columns), table.to_numpy(), outcome.event, outcome.time_days, seed
    ), table


def test_it_is_the_mean_drop_of_plain_shuffles():
    found, table = of(lambda values: values[:, 0] - 2 * values[:, 1], seed=5)
    _, outcome = cohort(60, features=3)
    for column in range(3):
        rng, drops = np.random.default_rng([5, column]), []
        for _ in range(SHUFFLES):
            values = table.to_numpy().copy()
            whole = values[:, 0] - 2 * values[:, 1]
            values[:, column] = rng.permutation(values[:, column])
            shuffled = values[:, 0] - 2 * values[:, 1]
            before, after = (concordance_index(outcome.time_days, -r, outcome.event) for r in (whole, shuffled))
            drops.append(before - after)
        assert found["value"][column] == pytest.approx(np.mean(drops))
        assert found["low"][column] <= found["value"][column] <= found["high"][column]


def test_what_a_model_does_not_use_has_none():
    found, _ = of(lambda values: values[:, 0])
    assert found.loc[1:, ["value", "low", "high"]].to_numpy().tolist() == [[0, 0, 0]] * 2
    assert found["value"][0] > 0.1
    assert set(found["kind"]) == {"drop in C-index"}


def test_a_feature_is_shuffled_alike_whatever_the_others_are_and_by_the_seed():
    one, _ = of(lambda values: values[:, 0])
    two, _ = of(lambda values: values[:, 0] + 1e-9 * values[:, 2])
    other, _ = of(lambda values: values[:, 0], seed=1)
    assert one["value"][0] == two["value"][0] != other["value"][0]


def test_where_nobody_can_be_compared_all_are_0():
    found = permutation_importances(
        lambda values: values[:, 0], ["a"], np.array([[1.0], [2.0]]), np.array([False, True]), np.array([1.0, 2.0]), 0
    )
    assert found[["value", "low", "high"]].to_numpy().tolist() == [[0, 0, 0]]
