import numpy as np
import pytest

from hnseg.survival.models.deepsurv import DeepSurv
from tests.survival.models.simulated import cohort, fitted

TABLE, OUTCOME = cohort(60)


@pytest.fixture(scope="module")
def model():
    return fitted(DeepSurv(epochs=5), TABLE, OUTCOME)


def test_survival_is_that_of_proportional_hazards_with_breslows_baseline(model):
    risk, days = model.risk(TABLE), np.array([0.0, 50.0, 300.0, 3000.0])
    assert risk.mean() == pytest.approx(0, abs=1e-9)
    survival = model.survival(TABLE, days)
    for column, day in enumerate(days):
        hazard = sum(
            1 / np.exp(risk[OUTCOME.time_days >= time]).sum()
            for time, event in zip(OUTCOME.time_days, OUTCOME.event, strict=True)
            if event and time <= day
        )
        np.testing.assert_allclose(survival[:, column], np.exp(-hazard * np.exp(risk)))


def test_a_patient_far_outside_has_a_survival_too(model):
    far = TABLE * 1e7
    assert model.risk(far).max() > 1000
    survival = model.survival(far, np.array([0.0, 400.0]))
    assert np.isfinite(survival).all()
    assert (survival[:, 0] == 1).all()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("hazard", lambda a: a[::-1].copy()),
        ("hazard", lambda a: a - 1),
        ("times_days", lambda a: a[:-1]),
        ("times_days", lambda a: a * 0),
        ("centre", lambda a: a * float("nan")),
    ],
)
def test_a_state_that_is_none_is_refused(model, key, value):
    plain = model.to_plain()
    plain[key] = value(plain[key])
    with pytest.raises(ValueError, match="saved state of DeepSurv"):
        DeepSurv.from_plain(plain)
