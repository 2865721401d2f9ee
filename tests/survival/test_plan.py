import json
from dataclasses import replace

import pytest

from hnseg.survival.objects import Fold
from hnseg.survival.plan import Plan, refuse_unfit
from tests.survival.cohorts import deal, toy

PLAN = Plan(("cox",), ("clinical", "clinical+ct"), inner_folds=2)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"models": ()}, "models: expected one or more"),
        ({"models": ("cox", "cox")}, "each once"),
        ({"models": ("cox", "svm")}, "'svm' is not known; use some of cox, rsf, deepsurv, deephit"),
        ({"feature_sets": ("clinical", "bones")}, "join some of clinical, ct, pt, deep"),
        ({"protocols": ("honest", "lucky")}, "'lucky' is not known"),
        ({"selection": "forward"}, "use one of cox_lasso, lasso, none"),
        ({"reference": "ct"}, "none of the feature sets"),
        ({"repeats": 0}, "repeats: expected a whole number"),
        ({"seed": True}, "seed: expected a whole number"),
        ({"inner_folds": 1}, "at least 2"),
        ({"workers": 0}, "workers: expected 1 or more"),
        ({"correlation": 80}, "above 0 and up to 1"),
        ({"horizon_days": float("nan")}, "days above 0"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(PLAN, **change)


def test_the_key_changes_with_what_a_piece_depends_on_and_with_nothing_else():
    for change in ({"seed": 1}, {"models": ("rsf",)}, {"correlation": 0.9}, {"inner_folds": 3}, {"horizon_days": 9.0}):
        assert replace(PLAN, **change).key != PLAN.key
    for change in (
        {"workers": 2},
        {"repeats": 3},
        {"protocols": ("honest",)},
        {"published": {("cox", "clinical"): 0.7}},
    ):
        assert replace(PLAN, **change).key == PLAN.key


def test_a_plan_is_json_with_published_values_too():
    plan = replace(PLAN, published={("cox", "clinical"): 0.7})
    assert json.loads(json.dumps(plan.to_dict()))["published"] == [["cox", "clinical", 0.7]]


def test_data_that_fit_pass():
    data = toy()
    refuse_unfit(PLAN, data, [deal(data.patients)])


def test_data_that_do_not_fit_are_refused_before_any_work():
    data = toy()
    folds = deal(data.patients)
    few = tuple(name for name, event in zip(data.patients, data.outcome.event, strict=True) if not event)[:9]
    for plan, of_repeats, sentence in [
        (PLAN, [folds, folds], "repeats: 1 of them"),
        (PLAN, [[]], "one or more in each repeat"),
        (PLAN, [[folds[0], folds[0]]], "a name of its own"),
        (replace(PLAN, feature_sets=("clinical", "pt")), [folds], "'pt', of which toy has no features"),
        (replace(PLAN, feature_sets=("clinical", "deep")), [folds], "fold 0 has no deep features"),
        (PLAN, [[Fold("x", data.patients[:40], ("stranger",))]], "no outcome, such as stranger"),
        (PLAN, [[Fold("x", few, data.patients[-1:])]], "0 events among 9 training patients"),
        (PLAN, [[Fold("x", data.patients, ())]], "no test patients"),
        (PLAN, [[folds[0], Fold("x", folds[0].train, folds[0].test[:2])]], "2 patients are tested in two folds"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            refuse_unfit(plan, data, of_repeats)


def test_tables_that_do_not_hold_every_patient_once_are_refused():
    data = toy()
    folds = deal(data.patients)
    plan = replace(PLAN, feature_sets=("clinical", "clinical+deep"))
    deep = {fold.name: data.blocks["ct"].rename(columns=lambda name: f"deep_{name}") for fold in folds}
    refuse_unfit(plan, replace(data, deep=deep), [folds])
    twice = data.blocks["clinical"].iloc[[0, *range(60)]]
    for change, sentence in [
        ({"blocks": {"clinical": data.blocks["clinical"].iloc[1:]}}, "block 'clinical': 1 patients .* such as P000"),
        ({"blocks": {"clinical": twice}}, "patient 'P000' is there twice"),
        ({"deep": deep | {"1": deep["1"].iloc[:-1]}}, "deep features of fold 1: 1 patients .* such as P059"),
    ]:
        with pytest.raises(ValueError, match=sentence):
            refuse_unfit(plan, replace(data, **({"deep": deep} | change)), [folds])
