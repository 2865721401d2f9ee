import numpy as np
import pytest

from hnseg.phantom import outcome
from hnseg.phantom.plan import plan_patient


@pytest.fixture(scope="module")
def records():
    return [plan_patient(0, i, ("CHGJ", "CHUS", "CHUM", "CHUP")[i % 4]).clinical for i in range(1500)]


def concordance(risk, days, event):
    """Share of comparable pairs in which the patient who progressed first had the higher risk, the slow way."""
    right = pairs = 0
    for i in np.flatnonzero(event):
        later = days > days[i]
        pairs += later.sum()
        right += (risk[i] > risk[later]).sum()
    return right / pairs


def column(records, name):
    return np.array([r[name] for r in records], float)


def test_higher_risk_means_shorter_survival(records):
    risk, days, event = (column(records, n) for n in ("log_hazard", "pfs_days", "progression"))
    assert 0.65 < concordance(risk, days, event) < 0.85
    top, bottom = risk > np.quantile(risk, 0.75), risk < np.quantile(risk, 0.25)
    assert event[top].mean() > event[bottom].mean() + 0.2
    assert 0.15 < event.mean() < 0.75


@pytest.mark.parametrize(("name", "sign"), [("hpv", -1), ("smoker", 1), ("nodes", 1), ("volume_ml", 1)])
def test_each_factor_works_in_its_direction(records, name, sign):
    value, event = column(records, name), column(records, "progression")
    high = value > np.median(value) if name in ("nodes", "volume_ml") else value > 0
    assert sign * (event[high].mean() - event[~high].mean()) > 0.02


def test_the_hazard_is_the_sum_of_its_named_parts():
    base = outcome.log_hazard(10.0, 0, False, False)
    assert base == 0
    assert outcome.log_hazard(10.0 * np.e, 2, True, True) == pytest.approx(
        outcome.LOG_HAZARD_PER_LOG_VOLUME
        + 2 * outcome.LOG_HAZARD_PER_NODE
        + outcome.LOG_HAZARD_HPV
        + outcome.LOG_HAZARD_SMOKER
    )


def test_the_baseline_patient_has_the_stated_median(monkeypatch):
    monkeypatch.setattr(outcome, "FOLLOW_UP_DAYS", (1e9, 1e9 + 1))
    random = np.random.default_rng(0)
    days = [outcome.draw_outcome(random, 0.0)[0] for _ in range(4000)]
    assert np.median(days) == pytest.approx(outcome.MEDIAN_DAYS_AT_BASELINE, rel=0.08)


def test_doubling_the_hazard_halves_the_chance_exponent(monkeypatch):
    """S(t) = S0(t) ** exp(risk), the definition of proportional hazards."""
    monkeypatch.setattr(outcome, "FOLLOW_UP_DAYS", (1e9, 1e9 + 1))
    random = np.random.default_rng(1)
    alive = [np.mean([outcome.draw_outcome(random, r)[0] > 1500 for _ in range(6000)]) for r in (0.0, np.log(2))]
    assert alive[1] == pytest.approx(alive[0] ** 2, abs=0.03)
