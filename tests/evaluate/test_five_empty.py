import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate.five_empty import empty_slice_table


def make_rows(method, pixels, cases):
    pixels = np.asarray(pixels)
    return pd.DataFrame({"method": method, "case": cases, "predicted_pixels": pixels, "predicted_ml": pixels * 0.05})


def test_shares_and_volumes_by_hand():
    rows = pd.concat([
        make_rows("with a click", [0, 0, 0, 0], ["a", "a", "b", "b"]),
        make_rows("CNNonly", [0, 10, 30, 0], ["a", "a", "b", "b"]),
    ])  # fmt: skip
    found = empty_slice_table(rows).set_index("method")
    assert list(found.index) == ["with a click", "CNNonly"]
    assert list(found["with_any"]) == [0, 0.5]
    np.testing.assert_allclose(found["median_ml"], [0, 0.25])
    np.testing.assert_allclose(found["median_ml_where_any"], [np.nan, 1.0])
    # every patient has one positive slice of two: nothing varies between draws
    assert found.loc["CNNonly", ["low", "high"]].tolist() == [0.5, 0.5]
    assert found.loc["CNNonly", ["slices", "patients"]].tolist() == [4, 2]


def test_the_interval_draws_patients():
    """All positive slices are one patient's: half of all draws of two leave it out, or take it alone."""
    found = empty_slice_table(make_rows("CNNonly", [1] * 5 + [0] * 5, ["a"] * 5 + ["b"] * 5)).iloc[0]
    assert (found["with_any"], found["low"], found["high"]) == (0.5, 0.0, 1.0)


def test_one_patient_and_no_table():
    found = empty_slice_table(make_rows("CNNonly", [0, 1], ["a", "a"])).iloc[0]
    assert found["with_any"] == 0.5
    assert np.isnan(found["low"])
    with pytest.raises(ValueError, match=r"lacks the columns \['case'\]"):
        empty_slice_table(make_rows("CNNonly", [0], ["a"]).drop(columns="case"))
