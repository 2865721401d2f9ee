import numpy as np
import pytest

from hnseg.survival.models.registry import MODELS
from hnseg.survival.new_patients import aligned, predict_risks
from hnseg.survival.objects import FeatureSet
from hnseg.survival.saved import SavedModel, training_summary
from hnseg.survival.sentinel import training_rows
from tests.survival.cohorts import fitted_pipeline, toy

SET = FeatureSet.named("clinical+ct")
NEW = toy(12, seed=9).features(SET, "")


@pytest.fixture(scope="module")
def model():
    data = toy(60)
    with training_rows(data.patients):
        pipeline = fitted_pipeline("none", MODELS["cox"].make(0), data.features(SET, ""), data.outcome)
    return SavedModel(pipeline, SET, {}, False, training_summary("toy", data.outcome, "", 730.5))


def test_risks_are_the_models_by_patient_without_notice(model):
    risks, notices = predict_risks(model, NEW)
    assert list(risks) == list(NEW.index)
    assert list(risks.values()) == model.risk(NEW).tolist()
    assert not notices


def test_a_risk_depends_on_that_patient_alone_and_not_on_columns_order(model):
    risks, _ = predict_risks(model, NEW)
    alone, _ = predict_risks(model, NEW.iloc[4:5, ::-1].assign(unknown_column=3.0))
    assert alone == pytest.approx({NEW.index[4]: risks[NEW.index[4]]}, rel=1e-12)


def test_missing_columns_are_unknown_and_named(model):
    risks, notices = predict_risks(model, NEW.drop(columns=["age", "ct_2"]))
    assert notices == ["2 of 7 selected features are missing and were imputed for everybody: age, ct_2"]
    expected, _ = predict_risks(model, NEW.assign(age=np.nan, ct_2=np.nan))
    assert risks == expected


def test_missing_features_that_were_not_selected_are_counted(model, monkeypatch):
    monkeypatch.setattr(type(model.pipeline), "selected_", ["age", "hpv", "ct_0"])
    for absent, sentence in [
        (["age", "ct_2"], "1 of 3 selected features are missing and were imputed for everybody: age; so are 1 others"),
        (["stage", "ct_1", "ct_2"], "no selected feature is missing, but 3 others"),
    ]:
        _, notices = predict_risks(model, NEW.drop(columns=absent))
        assert notices == [f"{sentence}, which matter only through imputation"]


def test_a_patient_of_whom_nothing_is_known_is_named_and_has_no_risk(model):
    table = NEW.copy()
    table.iloc[[3, 7]] = np.nan
    risks, notices = predict_risks(model, table)
    assert notices == ["2 patients have no risk, as no feature of theirs is known: P003, P007"]
    expected, _ = predict_risks(model, NEW)
    assert risks == pytest.approx({name: risk for name, risk in expected.items() if name not in ("P003", "P007")})


def test_a_model_of_phantoms_says_so(model):
    made_up = SavedModel(model.pipeline, SET, {}, True, model.training)
    assert "made-up patients" in aligned(NEW, made_up)[1][0]


def test_tables_that_cannot_be_used_are_refused(model):
    twice = NEW.iloc[[0, 1, 0]]
    for table, sentence in [
        (NEW.iloc[:0], "no patient"),
        (twice, f"patient '{NEW.index[0]}' is there twice"),
        (
            NEW.rename(columns=str.upper),
            r"none of the model's features \(age, stage, hpv, ct_0, ct_1, ct_2 and 1 more\)",
        ),
        (NEW.assign(age=np.inf), "'age' of patient P000 is infinite"),
        (NEW * np.nan, "of none of 12 patients any feature of the model is known"),
        (NEW.assign(age="old"), "could not convert|numbers"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            predict_risks(model, table)
