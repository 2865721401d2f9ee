import json

import numpy as np
import pytest

from hnseg.report.run_folder import RunFolder
from hnseg.report.training_data import data_figures
from tests.report.organs import facts, make_organ_run, samples


@pytest.fixture
def folder(tmp_path):
    return make_organ_run(tmp_path / "run", full=0, partly=0, data=False)


def few():
    """Facts of two structures: quick to draw."""
    counted = facts()
    return counted | {"structures": counted["structures"][:2]}


def names(folder):
    return list(data_figures(RunFolder.open(folder)))


def test_nothing_is_shown_where_nothing_was_left(folder):
    assert names(folder) == []


def test_each_file_gives_its_figures(folder):
    (folder / "facts.json").write_text(json.dumps(few()))
    np.savez(folder / "samples.npz", **samples(1))
    assert names(folder) == ["hu_distribution", "class_imbalance", "augmented_samples"]


def test_without_ct_the_rest_is_shown(folder):
    counted = few()
    del counted["hu"]
    (folder / "facts.json").write_text(json.dumps(counted))
    assert names(folder) == ["class_imbalance"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"structures": []}', '{"structures": [{"name": "A"}]}'])
def test_facts_that_cannot_be_read_break_nothing(folder, text):
    (folder / "facts.json").write_text(text)
    assert names(folder) == []


def test_samples_that_cannot_be_read_break_nothing(folder):
    path = folder / "samples.npz"
    path.write_bytes(b"PK no archive")
    assert names(folder) == []
    np.savez(path, before=np.zeros((1, 2, 2)))
    assert names(folder) == []
    np.savez(path, **{name: array[:0] for name, array in samples().items()})
    assert names(folder) == []
