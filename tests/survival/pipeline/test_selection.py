import numpy as np
import pandas as pd
import pytest

from hnseg.survival.pipeline.selection import KeepAll, Selection

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
    selection = Selection()._keep(pd.Index(["a", "b", "c"]), np.array([-1.0, 0.0, 2.0]))
    assert selection.kept_ == ["a", "c"]
    assert selection.dropped_ == ["b"]
    assert selection.values_.tolist() == [-1, 2]
