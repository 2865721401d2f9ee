import numpy as np
import pandas as pd
import pytest

from hnseg.survival.pipeline.scale import Standardiser

pytestmark = pytest.mark.usefixtures("all_training")


def table() -> pd.DataFrame:
    return pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [5.0] * 3, "c": [-2e6, 0.0, 2e6]}, ["p000", "p001", "p002"])


def test_by_hand() -> None:
    fitted = Standardiser().fit(table())
    assert fitted.dropped_ == ["b"]
    expected = np.sqrt(1.5) * np.array([[-1, -1], [0, 0], [1, 1]])
    found = fitted.transform(table())
    np.testing.assert_allclose(found, expected)
    assert list(found.columns) == fitted.kept_ == ["a", "c"]
    other = pd.DataFrame({"c": [4e6], "b": [9.0], "a": [2.0]}, ["new"])
    np.testing.assert_allclose(fitted.transform(other), [[0, 2 * np.sqrt(1.5)]])


def test_what_only_rounding_varies_is_constant() -> None:
    sums = pd.DataFrame({"a": [0.1 + 0.2, 0.3, 0.3], "b": [1.0, 2.0, 3.0]}, table().index)
    assert Standardiser().fit(sums).dropped_ == ["a"]
    assert Standardiser().fit(table() * 1e-12).kept_ == ["a", "c"]


def test_gaps_are_not_its_business() -> None:
    with pytest.raises(AssertionError, match="impute first"):
        Standardiser().fit(table().replace(5.0, np.nan))


def test_saved_and_read_back() -> None:
    fitted = Standardiser().fit(table())
    back = Standardiser.from_plain(fitted.to_plain())
    pd.testing.assert_frame_equal(back.transform(table()), fitted.transform(table()))
    assert back.dropped_ == ["b"]
    for change in ({"scale": np.array([1.0, 0.0])}, {"mean": np.zeros(3)}, {"kept": ["a", "z"]}, {"kind": "x"}):
        with pytest.raises(ValueError, match="saved state"):
            Standardiser.from_plain(fitted.to_plain() | change)
