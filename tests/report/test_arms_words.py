from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate.five_patients import ClickEffect, click_effects
from hnseg.report.arms_folder import ArmsFolder
from hnseg.report.arms_words import arms_status, evaluation, verdict
from tests.report.arms import make_arms, remove_arm

SMALL = {"folds": 2, "patients": 2, "slices": 3, "pictures": False}
EFFECT = ClickEffect("cm1CNN", 0.712, 0.535, 0.177, 0.101, 0.252, 240, 24, 20, 3, 0.0012)


@pytest.fixture(scope="module")
def arms(tmp_path_factory):
    return ArmsFolder.open(make_arms(tmp_path_factory.mktemp("words") / "arms", **SMALL))


def said(arms, **changes):
    effect = EFFECT._replace(**changes)
    return verdict(arms, {effect.method: effect})[0].text


def test_the_verdict_has_the_measured_numbers(arms):
    text = said(arms)
    for part in (
        "A click helps here.", "240 slices of 24 patients is 0.712, without a click (CNNonly) 0.535",
        "a difference of +0.177 (95 % interval +0.101 to +0.252", "in 20 of 24 patients and lower in 3", "p = 0.00120",
    ):  # fmt: skip
        assert part in text
    assert "chance" not in text


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"p": 0.3}, ["cannot be told", "chance: p is not below 0.05."]),
        ({"p": 0.3, "patients": 6}, ["chance: p is not below 0.05."]),  # six who all gain: 0.03
        ({"p": 0.3, "patients": 5}, ["chance: p is not below 0.05, nor can it be with 5 patients."]),
        ({"low": -0.02, "p": 0.3}, ["cannot be told", "the interval contains zero and p is not below 0.05."]),
        ({"low": np.nan, "high": np.nan, "patients": 1, "p": 1.0}, ["cannot be told", "One patient says nothing"]),
        ({"better": 3, "worse": 20}, ["cannot be told", "Slices and patients do not agree."]),
        ({"difference": -0.2, "low": -0.3, "high": -0.1, "better": 1, "worse": 23}, ["A click does harm", "−0.200"]),
    ],
)
def test_a_verdict_says_why_it_is_none(arms, changes, parts):
    text = said(arms, **changes)
    assert all(part in text for part in parts), text
    assert "A click helps here" not in text
    assert "nan" not in text


def test_the_others_stand_beside_the_best_informed(arms):
    effects = {name: EFFECT._replace(method=name) for name in ("CNNrand", "cm1CNN", "CNNcm")}
    effects["CNNrand"] = EFFECT._replace(method="CNNrand", p=0.2)
    first, second = (sentence.text for sentence in verdict(arms, effects))
    assert "(cm1CNN)" in first
    assert second.endswith("CNNcm +0.177 (+0.101 to +0.252): helps; CNNrand +0.177 (+0.101 to +0.252): cannot be told.")


def test_missing_arms_and_folds_are_said(tmp_path):
    folder = make_arms(tmp_path / "arms", unfinished=[("cnnonly", 1), ("cnnonly", 2)], **SMALL | {"folds": 3})
    remove_arm(folder, "cm1cnn")
    (folder / "arms/rand1cnn/folds/1/slices.csv").unlink()
    found = ArmsFolder.open(folder)
    texts = [sentence.text for sentence in verdict(found, click_effects(found.scores)) if sentence.warning]
    assert texts == [
        "Arms without a scored fold: cm1cnn. Missing in every table: cm1CNN.",
        "Folds that are missing: 1, 2 of cnnonly; 1 of rand1cnn. "
        "Methods are compared on the folds that all of them have.",
    ]
    assert (
        "random pixel of each tumour shown to the network (rand1CNN)"
        in verdict(found, click_effects(found.scores))[0].text
    )
    assert arms_status(found).text == "not finished: 3 of 9 folds trained and scored"
    assert arms_status(found).warning


def test_nothing_to_compare(arms):
    shown = {
        "no fold is scored yet": arms.scores.iloc[:0],
        "there is only CNNonly": arms.scores.drop(columns=["CNNrand", "CNNcm", "rand1CNN", "cm1CNN"]),
        "the arms have no scored fold in common": arms.scores.assign(
            CNNonly=arms.scores["CNNonly"].where(arms.scores["fold"] == "0"),
            cm1CNN=arms.scores["cm1CNN"].where(arms.scores["fold"] == "1"),
        ),
    }
    for reason, scores in shown.items():
        effects = click_effects(scores) if len(scores) else {}
        sentence = verdict(replace(arms, scores=scores), effects)[0]
        assert sentence.warning
        assert sentence.text == f"Whether a click helps cannot be said: {reason}."


def test_what_to_beware_of(arms):
    empty = pd.DataFrame([{"method": "CNNonly", "slices": 400, "with_any": 0.25}])
    texts = [sentence.text for sentence in evaluation(replace(arms, left_out=3), empty)]
    for part in (
        "12 slices of 4 patients", "made from the truth", "far too small",
        "3 slices were scored in some of the arms only",
        "Of 400 slices without a tumour CNNonly outlines something in 25 %",
    ):  # fmt: skip
        assert any(part in text for text in texts), part
    assert not any("Of 400" in sentence.text for sentence in evaluation(arms, None))
    assert arms_status(arms).text == "finished: all 2 folds of 3 arms are trained and scored"


def test_an_arm_of_another_kind_is_named(arms):
    other = SimpleNamespace(name="edt", done=(), folds=())
    texts = [s.text for s in verdict(replace(arms, arms=(*arms.arms, other)), {"cm1CNN": EFFECT})]
    assert any("none of the five methods, and only have pages of their own: edt" in text for text in texts)
