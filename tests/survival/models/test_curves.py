import numpy as np
import pytest
from sksurv.linear_model.coxph import BreslowEstimator

from hnseg.survival.models.curves import breslow, step_columns


def test_steps_hold_until_the_next_known_time():
    curves = np.array([[0.9, 0.5], [0.8, 0.1]])
    found = step_columns(np.array([10.0, 20.0]), curves, np.array([0.0, 9.9, 10.0, 19.0, 20.0, 99.0]), before=1.0)
    assert found.tolist() == [[1, 1, 0.9, 0.9, 0.5, 0.5], [1, 1, 0.8, 0.8, 0.1, 0.1]]


def test_breslow_by_hand():
    # day 2: two events among hazards of 1, 1 and 2; day 5: one event of 2
    times, hazard = breslow(np.array([True, True, True]), np.array([2.0, 2.0, 5.0]), np.log([1.0, 1.0, 2.0]))
    assert times.tolist() == [2, 5]
    assert hazard == pytest.approx([2 / 4, 2 / 4 + 1 / 2])


def test_breslow_is_scikit_survivals():
    rng = np.random.default_rng(0)
    time, event, risk = np.ceil(rng.exponential(20, 80)), rng.random(80) < 0.5, rng.normal(size=80)
    theirs = BreslowEstimator().fit(risk, event, time).cum_baseline_hazard_
    times, hazard = breslow(event, time, risk)
    np.testing.assert_allclose(hazard, theirs(times))
