import numpy as np
import pandas as pd
import pytest

from hnseg.survival.objects import FeatureSet, Fold, Outcome, SurvivalData


@pytest.fixture
def outcome() -> Outcome:
    return Outcome(("a", "b", "c"), np.array([True, False, True]), np.array([10.0, 20.0, 30.0]))


def test_the_outcome_of_some_patients_is_in_the_order_asked_for(outcome: Outcome) -> None:
    some = outcome.of(["c", "a"])
    assert some.patients == ("c", "a")
    assert some.time_days.tolist() == [30, 10]
    assert some.event.tolist() == [True, True]
    assert len(outcome.of([])) == 0


def test_nobody_is_made_up_or_there_twice(outcome: Outcome) -> None:
    with pytest.raises(KeyError, match="d"):
        outcome.of(["a", "d"])
    with pytest.raises(AssertionError):
        outcome.of(["a", "a"])
    with pytest.raises(AssertionError):
        Outcome(("a", "b"), np.array([True]), np.array([1.0, 2.0]))


def test_a_fold_does_not_test_whom_it_trains_on() -> None:
    with pytest.raises(AssertionError):
        Fold("1", ("a", "b"), ("b",))


def test_a_feature_set_is_named_after_its_blocks() -> None:
    assert FeatureSet.named("clinical+ct+deep").blocks == ("clinical", "ct", "deep")
    assert FeatureSet(("ct", "pt")).name == "ct+pt"


@pytest.mark.parametrize("name", ["", "mri", "ct+ct", "ct+", "CT", "ct pt"])
def test_a_feature_set_of_other_blocks_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="join some of clinical, ct, pt, deep"):
        FeatureSet.named(name)


def test_features_are_joined_in_the_order_of_the_outcome_and_deep_ones_are_those_of_the_fold(outcome: Outcome) -> None:
    ct = pd.DataFrame({"ct_x": [3.0, 1.0, 2.0]}, ["c", "a", "b"])
    deep = {fold: pd.DataFrame({"deep_000": [v, v, v]}, ["a", "b", "c"]) for fold, v in (("1", 1.0), ("2", 2.0))}
    data = SurvivalData("toy", outcome, {}, {"ct": ct}, deep)
    table = data.features(FeatureSet.named("ct+deep"), "2")
    assert table.index.tolist() == ["a", "b", "c"]
    assert table.to_dict("list") == {"ct_x": [1.0, 2.0, 3.0], "deep_000": [2.0, 2.0, 2.0]}
    with pytest.raises(KeyError):
        data.features(FeatureSet.named("deep"), "3")


def test_a_patient_without_features_is_no_row_of_gaps(outcome: Outcome) -> None:
    data = SurvivalData("toy", outcome, {}, {"ct": pd.DataFrame({"ct_x": [1.0]}, ["a"])})
    with pytest.raises(KeyError, match="b"):
        data.features(FeatureSet.named("ct"), "1")
