import numpy as np
import pandas as pd
import pytest

from hnseg.survival.objects import Outcome
from hnseg.survival.pipeline.lasso import PlainLasso
from hnseg.survival.pipeline.selection import KeepAll

pytestmark = pytest.mark.usefixtures("all_training")


def test_without_a_selection_everything_stays_and_nothing_was_estimated() -> None:
    table = pd.DataFrame({"b": [1.0, 2.0], "a": [3.0, 3.0]}, ["p000", "p001"])
    fitted = KeepAll().fit(table)
    back = KeepAll.from_plain(fitted.to_plain())
    for selection in (fitted, back):
        pd.testing.assert_frame_equal(selection.transform(table), table)
        assert selection.dropped_ == []
        assert np.isnan(selection.values_).all()


def test_a_coefficient_of_0_drops_its_column() -> None:
    table = pd.DataFrame(np.eye(3)[[0, 1, 2, 0, 1, 2]], [f"p{n:03}" for n in range(6)], ["a", "b", "c"])
    time_days = 100 + table.to_numpy() @ [-50.0, 0.0, 80.0]
    selection = PlainLasso().fit(table, Outcome(tuple(table.index), np.ones(6, bool), time_days))
    assert selection.kept_ == ["a", "c"]
    assert selection.dropped_ == ["b"]
    assert list(np.sign(selection.values_)) == [-1, 1]
