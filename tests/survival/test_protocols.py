from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hnseg.phantom import plan_patient
from hnseg.phantom.plan import null_outcome
from hnseg.survival.experiment import run_experiment
from hnseg.survival.models.registry import MODELS
from hnseg.survival.objects import Fold, Outcome, SurvivalData
from hnseg.survival.plan import Plan
from tests.survival.experiments import NEEDS

CENTRES = ("CHGJ", "CHMR", "CHUM")


def phantom(patients, noise, null=False, seed=3):
    """Patients of hnseg's phantom without images: what a physician knows of them, and columns of noise."""
    plans = [plan_patient(seed, number, CENTRES[number % 3]) for number in range(patients)]
    plans = [null_outcome(plan) for plan in plans] if null else plans
    records, names = [plan.clinical for plan in plans], tuple(plan.case_id for plan in plans)
    known = ("age", "hpv", "smoker", "performance", "nodes", "volume_ml")
    clinical = pd.DataFrame([[float(record[name]) for name in known] for record in records], names, known)
    clinical["volume_ml"] = np.log(clinical["volume_ml"])
    columns = [f"ct_{number}" for number in range(noise)]
    ct = pd.DataFrame(np.random.default_rng(seed).normal(size=(patients, noise)), names, columns)
    event, days = (np.array([record[name] for record in records]) for name in ("progression", "pfs_days"))
    outcome = Outcome(names, event.astype(bool), days.astype(float))
    centres = {plan.case_id: plan.centre.code for plan in plans}
    truth = {plan.case_id: plan.clinical["log_hazard"] for plan in plans}
    return SurvivalData("phantom", outcome, centres, {"clinical": clinical, "ct": ct}, phantom=True, log_hazard=truth)


def leave_one_centre_out(data):
    return [
        Fold(
            centre,
            tuple(name for name in data.patients if data.centres[name] != centre),
            tuple(name for name in data.patients if data.centres[name] == centre),
        )
        for centre in CENTRES
    ]


def cox(folder, data, feature_set, protocols=("honest", "paper")):
    plan = Plan(("cox",), (feature_set,), protocols=protocols, reference=feature_set, workers=1)
    results = run_experiment(data, [leave_one_centre_out(data)], plan, folder, needs=NEEDS, progress=False)
    assert results.set_aside == []
    return {row["protocol"]: row for row in results.summary}, results.best_c_index


def test_where_nothing_can_be_known_the_honest_protocol_finds_nothing_and_the_papers_something(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "cox", replace(MODELS["cox"], grid=[{"penalizer": 0.1}]))
    found, best = cox(tmp_path, phantom(150, noise=150, null=True), "clinical+ct")
    assert found["honest"]["low"] < 0.5 < found["honest"]["high"]
    assert found["paper"]["c_index"] > 0.6
    assert found["paper"]["low"] > 0.5  # and is sure of it
    assert best == 0.5  # the true hazards are all equal


def test_where_the_hazard_is_known_cox_comes_near_the_best_that_can_be_reached(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "cox", replace(MODELS["cox"], grid=[{"penalizer": 0.1}]))
    found, best = cox(tmp_path, phantom(225, noise=0), "clinical", protocols=("honest",))
    assert best > 0.65
    assert best - 0.04 < found["honest"]["c_index"] < best + 0.02


@pytest.mark.slow
def test_chance_and_optimism_on_average_over_null_cohorts(tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "cox", replace(MODELS["cox"], grid=[{"penalizer": 0.1}]))
    honest, paper, covered = [], [], 0
    for seed in range(12):
        found, _ = cox(tmp_path / str(seed), phantom(150, noise=150, null=True, seed=seed), "clinical+ct")
        honest.append(found["honest"]["c_index"])
        paper.append(found["paper"]["c_index"])
        covered += found["honest"]["low"] < 0.5 < found["honest"]["high"]
    assert abs(np.mean(honest) - 0.5) < 0.03
    assert np.mean(paper) > 0.6
    assert covered >= 9
