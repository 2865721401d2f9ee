import numpy as np
import pandas as pd
import pytest

from hnseg.clicks import centre_clicks
from hnseg.inference.click_methods import NetworkMethod, ThresholdMethod
from hnseg.inference.click_scores import click_scores
from hnseg.inference.click_units import units_of
from hnseg.models.hot_region import hot_regions
from hnseg.types import Clicks
from tests.inference.click_fakes import Painter, channels, disks, make_case

SHAPE = (3, 24, 24)


@pytest.fixture
def hot_disks(tmp_path):
    """Two lesions of SUV 9 in a body of SUV 1, exactly as the truth has them, and a hot brain that is none."""
    label = disks(SHAPE, (1, 5, 5), (2, 15, 15))
    brain = disks(SHAPE, (0, 18, 3))
    return make_case(tmp_path / "P1", label, pet=1 + 8 * label + 11 * brain)


def test_the_threshold_outlines_what_is_hot_round_each_click(hot_disks):
    (unit,), _ = units_of(hot_disks, 3, 1, 0)
    none, both = Clicks.none(unit.spacing_mm), centre_clicks(unit.truth, unit.spacing_mm)
    answers = ThresholdMethod(False)(hot_disks, [unit, unit], [none, both])
    assert not answers[0].mask.any()
    np.testing.assert_array_equal(answers[1].mask, unit.truth)
    np.testing.assert_array_equal(answers[1].mask, hot_regions(unit.image[1], both))
    assert all(answer.seconds > 0 for answer in answers)


@pytest.mark.parametrize("dims", [2, 3])
def test_it_stands_beside_the_network_with_the_same_clicks(hot_disks, dims):
    rows = pd.DataFrame(click_scores(Painter(), channels(dims), [hot_disks], show_progress=False))
    one_click = rows[rows["user"] != "robot"]
    network, threshold = (one_click[one_click["method"] == name] for name in ("network", "pet_threshold"))
    same = ["case", "slice", "user", "clicks", "placed"]
    pd.testing.assert_frame_equal(network[same].reset_index(drop=True), threshold[same].reset_index(drop=True))
    robot = rows.query("user == 'robot' and method == 'pet_threshold'")
    after_one = robot.loc[robot["clicks"] == 1, "dice"]
    assert list(after_one) == pytest.approx([1, 1] if dims == 2 else [2 / 3])
    assert (robot.loc[robot["clicks"] == 0, "dice"] == 0).all()
    assert (robot.loc[robot["clicks"] == 10, "dice"] == 1).all()
    # a slice without the brain has no hot wrong place: 41 % of the body is much of it, with a little tumour
    assert threshold.loc[threshold["user"] == "wrong_organ", "dice"].max() < (0.2 if dims == 2 else 0.001)


def test_no_pet_no_threshold(tmp_path):
    case = make_case(tmp_path / "P1", disks(SHAPE, (1, 5, 5)), modalities=("ct",))
    rows = click_scores(Painter(), channels(), [case], show_progress=False)
    assert {row["method"] for row in rows} == {"network"}


def test_slices_share_the_time_of_their_call(hot_disks):
    units, _ = units_of(hot_disks, 2, 1, 0)
    clicks = [centre_clicks(unit.truth, unit.spacing_mm) for unit in units]
    first, second = NetworkMethod(Painter(), True)(hot_disks, units, clicks)
    assert first.seconds == second.seconds > 0
    for unit, answer in zip(units, (first, second), strict=True):
        np.testing.assert_array_equal(answer.mask, unit.truth)
    assert NetworkMethod(Painter(), True)(hot_disks, [], []) == []
