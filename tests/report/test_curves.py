from io import StringIO

import pandas as pd
import pytest

from hnseg.report.curves import by_epoch, rate_columns, series


def log(text):
    return pd.read_csv(StringIO(text))


def test_sparse_rows_become_one_row_an_epoch(metrics_text):
    epochs = by_epoch(log(metrics_text(4)))
    assert list(epochs.index) == [0, 1, 2, 3]
    assert not epochs.isna().any().any()


def test_a_learning_rate_without_epoch_belongs_to_the_epoch_that_follows():
    epochs = by_epoch(log("epoch,step,lr-Adam,val/dice\n,0,0.5,\n0,9,,0.1\n,10,0.25,\n1,19,,0.2\n"))
    assert list(epochs["lr-Adam"]) == [0.5, 0.25]


def test_several_values_of_an_epoch_are_averaged_and_the_test_is_no_epoch():
    epochs = by_epoch(log("epoch,step,train/loss,test/dice\n0,1,1.0,\n0,2,3.0,\n1,3,,0.9\n"))
    assert epochs["train/loss"].to_dict() == {0: 2.0}
    assert "test/dice" not in epochs


def test_lightnings_epoch_suffix_stands_in():
    epochs = by_epoch(log("epoch,step,train/loss_epoch\n0,1,1.5\n"))
    assert series(epochs, "train/loss").to_dict() == {0: 1.5}
    assert series(epochs, "val/loss").empty


@pytest.mark.parametrize("text", ["epoch,step\n", "a,b\n1,2\n"])
def test_a_log_without_epochs_is_empty(text):
    assert by_epoch(log(text)).empty


def test_rates_by_name():
    assert rate_columns(pd.DataFrame(columns=["lr-Adam", "lr-Adam/pg2", "val/loss"])) == ["lr-Adam", "lr-Adam/pg2"]
