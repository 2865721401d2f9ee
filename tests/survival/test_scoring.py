import numpy as np
import pytest

from hnseg.survival.objects import Outcome
from hnseg.survival.scoring import SCORES, score_fold, score_times
from hnseg.survival.statistics import brier
from tests.survival.cohorts import deal, toy
from tests.survival.statistics.naive import same_survival

DATA = toy(80)
FOLD = deal(DATA.patients, 4)[0]
TRAIN, TEST = DATA.outcome.of(FOLD.train), DATA.outcome.of(FOLD.test)
TIMES = score_times(730.5)


def scores(risk, survival=None):
    return score_fold(TRAIN, TEST, risk, same_survival(TRAIN, TEST, TIMES) if survival is None else survival, TIMES)


def test_times_rise_to_the_horizon_and_start_after_nothing():
    assert TIMES[0] > 0
    assert TIMES[-1] == 730.5
    assert (np.diff(TIMES) > 0).all()


def test_the_truth_scores_above_chance_and_its_reverse_as_much_below():
    truth = np.array([DATA.log_hazard[name] for name in FOLD.test])
    found, reverse = scores(truth), scores(-truth)
    assert tuple(found) == SCORES
    for name in ("c_index", "uno_c", "auc"):
        assert found[name] > 0.6
        assert found[name] + reverse[name] == pytest.approx(1)


def test_no_difference_between_patients_is_chance():
    found = scores(np.zeros(len(TEST)))
    assert [found[name] for name in SCORES[:3]] == [0.5, 0.5, 0.5]


def test_the_brier_score_is_integrated_up_to_the_horizon():
    survival = np.full((len(TEST), len(TIMES)), 0.5)
    values = brier(TEST, survival, TIMES)
    widths = np.diff(TIMES)
    by_hand = (widths * (values[1:] + values[:-1]) / 2).sum() / widths.sum()
    assert scores(np.zeros(len(TEST)), survival)["ibs"] == pytest.approx(by_hand)


def test_the_reference_is_who_says_of_everybody_what_became_of_the_training_patients():
    known = same_survival(TRAIN, TEST, TIMES)
    found = scores(np.zeros(len(TEST)), known)
    assert found["ibs_reference"] == pytest.approx(found["ibs"])
    better = np.where(TEST.time_days[:, None] > TIMES, 1 - (1 - known) / 2, known / 2)
    assert scores(np.zeros(len(TEST)), better)["ibs"] < found["ibs_reference"] / 2


def test_a_fold_without_events_has_no_scores_but_does_not_stop():
    nobody = Outcome(TEST.patients, np.zeros(len(TEST), bool), TEST.time_days)
    found = score_fold(TRAIN, nobody, np.arange(len(TEST)) * 1.0, same_survival(TRAIN, nobody, TIMES), TIMES)
    assert np.isnan([found[name] for name in ("c_index", "uno_c", "auc")]).all()


def test_scores_do_not_depend_on_how_long_patients_are_watched():
    """They are those of the same patients whose follow-up never ends."""
    rng = np.random.default_rng(0)
    names = tuple(f"P{number:04}" for number in range(3000))
    risk = rng.normal(size=3000)
    true, end = rng.exponential(700 * np.exp(-risk)) + 1, rng.uniform(50, 2500, 3000)
    survival = np.exp(-TIMES / (700 * np.exp(-risk))[:, None])
    seen = score_fold(TRAIN, Outcome(names, true <= end, np.minimum(true, end)), risk, survival, TIMES)
    whole = score_fold(TRAIN, Outcome(names, np.ones(3000, bool), true), risk, survival, TIMES)
    for name, margin in (("uno_c", 0.01), ("auc", 0.01), ("ibs", 0.003)):
        assert seen[name] == pytest.approx(whole[name], abs=margin), name
