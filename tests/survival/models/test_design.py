import numpy as np
import pandas as pd
import pytest

from hnseg.survival.models.design import design, training_design
from hnseg.survival.objects import Outcome

TABLE = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, ["p0", "p1"])


def outcome(event):
    return Outcome(("p0", "p1"), np.array(event), np.array([5.0, 6.0]))


def test_columns_are_found_by_name():
    assert design(TABLE[["b", "a"]].assign(c=np.nan), ["a", "b"]).tolist() == [[1, 3], [2, 4]]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE[["a"]], "1 features are missing .* such as 'b'"),
        (TABLE.assign(b=[3, np.nan]), "'b' of patient p1 is not known; impute first"),
        (TABLE.assign(b=[np.inf, 1]), "'b' of patient p0 is infinite"),
        (TABLE.assign(b=["x", "y"]), "expected numbers"),
    ],
)
def test_what_no_model_can_take_is_refused_by_name(table, message):
    with pytest.raises(ValueError, match=message):
        design(table, ["a", "b"])


def test_too_little_to_fit_is_said():
    with pytest.raises(ValueError, match="seen in 0 of 2 training patients; the model needs 2 patients, 1 of them"):
        training_design(TABLE, outcome([False, False]), patients=2, events=1)
    with pytest.raises(ValueError, match="needs 3 patients"):
        training_design(TABLE, outcome([True, True]), patients=3, events=1)
    with pytest.raises(ValueError, match="no feature"):
        training_design(TABLE[[]], outcome([True, True]), patients=2, events=1)
