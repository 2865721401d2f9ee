import math

import numpy as np
import pandas as pd
import pytest

from hnseg.report import survival_curves, survival_features, survival_folds, survival_forest
from hnseg.report.survival_curves import calibration_figure, kaplan_meier_figure
from hnseg.report.survival_features import feature_figure, kept_shares
from hnseg.report.survival_folder import SurvivalFolder
from hnseg.report.survival_folds import by_fold, fold_figure, folds_are_centres
from hnseg.report.survival_forest import forest
from tests.report.survival import make_survival
from tests.report.test_survival_words import NAN, row, table


@pytest.fixture
def drawn(monkeypatch):
    """Figures instead of their pixels."""
    for module in (survival_curves, survival_features, survival_folds, survival_forest):
        monkeypatch.setattr(module, "to_png", lambda figure, **_: figure)


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def dots(axes):
    """Where each mark is."""
    return [tuple(round(float(value), 3) for value in marks.get_offsets()[0]) for marks in axes.collections]


def test_the_forest_has_a_row_each_and_ties_the_protocols(drawn):
    rows = table(
        row(c_index=0.6, paper=0.61, optimism=0.01),
        row("clinical+ct", 0.7, paper=0.8, optimism=0.1, near=0.5),
        row(model="rsf", c_index=NAN, low=NAN, high=NAN, paper=0.55),
        row(model="$mine", c_index=0.52, low=NAN, high=NAN),
    )
    figure = forest(rows, 0.85, phantom=False)
    axes = figure.axes[0]
    places = dict(zip(axes.get_yticks(), [label.get_text() for label in axes.get_yticklabels()], strict=True))
    assert list(places.values()) == ["clinical", "clinical + CT", "clinical", "clinical"]
    first, second, third, fourth = places
    assert set(dots(axes)) == {
        (0.6, round(first, 3)), (0.61, round(first, 3)), (0.7, round(second, 3)), (0.8, round(second, 3)),
        (0.55, round(third, 3)), (0.52, round(fourth, 3)),
    }  # fmt: skip
    ties = [line for line in axes.lines if line.get_linewidth() == 5]
    assert [(list(line.get_xdata()), line.get_ydata()[0]) for line in ties] == [
        ([0.6, 0.61], first),
        ([0.7, 0.8], second),
    ]
    assert {"Cox", "Survival forest", "$mine", "0.600", "0.700   50 %", "0.520"} == set(texts(figure))
    upright = [line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]]
    assert upright == [0.5, 0.85]
    low, high = axes.get_xlim()
    assert low < 0.5
    assert high > 0.85


def test_a_forest_of_one_protocol_alone(drawn):
    labels = [text.get_text() for text in forest(table(row()), NAN, phantom=False).legends[0].get_texts()]
    assert "paper's protocol" not in labels
    assert "optimism" not in labels
    assert len(dots(forest(table(row(c_index=NAN, low=NAN, high=NAN, paper=0.7)), NAN, phantom=False).axes[0])) == 1


CURVE = pd.DataFrame(
    [
        ("low", 0, 1.0, 1.0, 1.0, 4),
        ("low", 900, 0.75, 0.3, 0.9, 4),
        ("low", 1700, 0.5, 0.1, 0.8, 2),
        ("high", 0, 1.0, 1.0, 1.0, 3),
        ("high", 600, 0.0, NAN, NAN, 3),
    ],
    columns=["group", "time_days", "survival", "low", "high", "at_risk"],
)


def test_numbers_at_risk_are_of_those_still_watched(drawn):
    figure = kaplan_meier_figure(CURVE, "a $set$", phantom=False)
    axes = figure.axes[0]
    ticks = [float(tick) for tick in axes.get_xticks()]
    assert ticks[0] == 0
    assert max(ticks) <= 1700
    assert {600, 900} <= set(ticks)  # whoever leaves at a tick is still at risk there
    counts = {tick: [text for text in axes.texts if text.xy == (tick, 0)] for tick in ticks}
    found = {tick: [text.get_text() for text in here if text.get_text().isdigit()] for tick, here in counts.items()}
    expected = {
        tick: [str(4 if tick <= 900 else 2 if tick <= 1700 else 0), str(3 if tick <= 600 else 0)] for tick in ticks
    }
    assert found == expected
    steps = [line for line in axes.lines if line.get_drawstyle() == "steps-post"]
    assert [list(line.get_ydata()) for line in steps] == [[1.0, 0.75, 0.5], [1.0, 0.0]]


def test_curves_start_at_one_and_any_group_has_a_name(drawn):
    late = CURVE[CURVE["time_days"] > 0].assign(group="")
    axes = kaplan_meier_figure(late, "", phantom=False).axes[0]
    assert axes.lines[0].get_xdata()[0] == 0
    assert axes.lines[0].get_ydata()[0] == 1
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["unnamed"]


def test_calibration_shows_what_is_known(drawn):
    groups = pd.DataFrame(
        {"n": [9, 8, NAN], "predicted": [0.4, 0.9, 0.7], "observed": [0.5, NAN, 1.0], "low": [0.3, NAN, NAN],
         "high": [0.7, NAN, NAN]}
    )  # fmt: skip
    axes = calibration_figure(groups, "", 730.5, phantom=False).axes[0]
    points = axes.lines[1]
    assert (list(points.get_xdata()), list(points.get_ydata())) == ([0.4, 0.7], [0.5, 1.0])
    assert [text.get_text() for text in axes.texts] == ["n=9"]
    assert len(axes.collections[0].get_segments()) == 1
    assert axes.get_xlim() == axes.get_ylim()
    assert axes.get_xlim()[0] < 0.3


def test_features_by_weight_beside_how_often_they_were_kept(drawn):
    weights = pd.DataFrame(
        {"feature": ["weak", "ct_original_shape_Sphericity", "$n_a"], "value": [0.1, -0.5, 0.3], "low": [0.0, NAN, 0.1],
         "high": [0.2, NAN, 0.5], "kind": "log hazard ratio"}
    )  # fmt: skip
    shares = pd.DataFrame({"feature": ["weak", "$n_a", "gone"], "share": [0.5, 1.0, 0.2]})
    figure = feature_figure(weights, shares, "x", phantom=False)
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["ct shape Sphericity", "$n a", "weak"]
    assert dots(left) == [(-0.5, 0), (0.3, 1), (0.1, 2)]
    assert [bar.get_width() for bar in right.patches] == [0, 100, 50]
    nothing = weights.iloc[:0]
    assert len(feature_figure(weights, shares.iloc[:0], "x", phantom=False).axes) == 1
    alone = feature_figure(nothing, shares, "x", phantom=False).axes[0]
    assert [label.get_text() for label in alone.get_yticklabels()] == ["weak", "$n a", "gone"]


def folder_with(tmp_path, scores, selected):
    folder = make_survival(tmp_path / "a", models=("cox",), sets=("clinical",))
    columns = ["protocol", "model", "features", "repeat", "fold"]
    pd.DataFrame(scores, columns=[*columns, "n_test", "events", "c_index"]).to_csv(folder / "scores.csv", index=False)
    pd.DataFrame(selected, columns=[*columns, "feature"]).to_csv(folder / "selected.csv", index=False)
    return SurvivalFolder.open(folder)


SCORES = [
    ("honest", "cox", "clinical", 0, "A", 10, 3, 0.6),
    ("honest", "rsf", "clinical", 0, "A", 10, 3, 0.5),
    ("honest", "cox", "clinical", 0, "B", 12, 0, NAN),
    ("honest", "rsf", "clinical", 0, "B", 12, 0, NAN),
    ("paper", "cox", "clinical", 0, "A", 10, 3, 0.9),
]


def test_kept_in_a_share_of_the_folds_that_were_scored(tmp_path):
    place = ("honest", "cox", "clinical", 0)
    selected = [(*place, "A", "age"), (*place, "A", "age"), (*place, "B", "age"), (*place, "B", "hpv")]
    found = folder_with(tmp_path, SCORES, [*selected, ("paper", *place[1:], "A", "sex")])
    shares = kept_shares(found, ("cox", "clinical"))
    assert dict(zip(shares["feature"], shares["share"], strict=True)) == {"age": 1.0, "hpv": 0.5}
    assert kept_shares(found, ("rsf", "clinical")).empty


def test_folds_one_by_one_of_the_honest_protocol(tmp_path, drawn):
    found = folder_with(tmp_path, SCORES, [])
    rows = by_fold(found, [("cox", "clinical")])
    assert rows["fold"].tolist() == ["A", "B"]
    assert rows["events"].tolist() == [3, 0]
    assert rows["Cox, clinical"].tolist()[0] == 0.6
    assert rows.loc[0, ["lowest", "highest"]].tolist() == [0.5, 0.6]
    assert rows.loc[1, ["lowest", "highest"]].isna().all()
    assert not folds_are_centres(found)
    axes = fold_figure(found, [("cox", "clinical")], "fold", phantom=False).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["A\n3 events", "B\n0 events"]
    grey = np.concatenate([marks.get_offsets()[:, 1] for marks in axes.collections[:2]])
    assert list(grey) == [0.5]


def test_a_phantoms_figures_are_marked():
    assert b"PHANTOM" in kaplan_meier_figure(CURVE, "", phantom=True)
    assert b"PHANTOM" in forest(table(row()), math.nan, phantom=True)
