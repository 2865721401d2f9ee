"""The benchmark of clicks runs on tiny sizes, and finds what is wrong."""

import re

import numpy as np
import pytest
import torch

from benchmarks import clicks
from benchmarks.click_patients import Asked, turku
from hnseg.clicks import DiskEncoding

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def slices():
    return turku(32.0, 16)


@pytest.mark.slow
def test_prints_three_tables_and_answers_agree(capsys):
    threads = torch.get_num_threads()
    assert clicks.main(["--quick"]) == 0
    printed = capsys.readouterr().out
    assert len(re.findall(r"^\| -+ .*\|$", printed, re.MULTILINE)) == 3
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if line.startswith("|")]
    assert [row[2] for row in rows if row[0].startswith(("Turku", "SENorm")) and len(row) == 8] == ["1", "2"] * 2
    assert {row[0] for row in rows[-4:]} == set(clicks.ENCODINGS)
    assert torch.get_num_threads() == threads


def test_another_answer_than_that_of_a_cold_prediction_is_found(slices, monkeypatch):
    verdict, honest = clicks.Verdict(), Asked.cold
    monkeypatch.setattr(Asked, "cold", lambda one, *_: honest(one, one.scan.clicks[1]))  # clicked somewhere else
    assert list(clicks.compare(slices, 1, verdict)) == []
    assert verdict.wrong == [
        "TurkuUNet, 16 filters: the answer to a click is not that of a cold prediction; nothing was timed"
    ]


def test_a_click_that_changes_nothing_is_found(slices, monkeypatch):
    verdict = clicks.Verdict()
    monkeypatch.setattr("hnseg.clicks.PointEncoding.__call__", lambda _self, _index, shape, *_: np.zeros(shape, "f4"))
    assert len(list(clicks.compare(slices, 1, verdict))) == 2
    assert verdict.wrong == ["TurkuUNet, 16 filters: a click changes nothing"]


def test_a_slow_slice_is_told_and_a_volume_may_take_its_time(slices, monkeypatch, capsys):
    monkeypatch.setattr(clicks, "MOST_SECONDS", 0.0)
    monkeypatch.setattr(clicks, "asked", lambda _quick: {"slices": (lambda: slices, 20)})
    monkeypatch.setattr(clicks, "own_process", lambda *_: {"mib": 1.0, "total": 2.0})
    monkeypatch.setattr(clicks, "encodings", lambda *_: iter([]))
    assert clicks.main([]) == 1
    assert "Too slow: TurkuUNet, 16 filters: a click on a slice takes" in capsys.readouterr().out
    monkeypatch.setattr(Asked, "flat", False)
    assert clicks.main([]) == 0


def test_an_encoding_that_is_off_is_found(monkeypatch):
    verdict, (_, definition) = clicks.Verdict(), clicks.ENCODINGS["disk, radius 5 mm"]
    monkeypatch.setitem(clicks.ENCODINGS, "disk, radius 5 mm", (DiskEncoding(6.0), definition))
    assert len(list(clicks.encodings(12, 1, verdict))) == len(clicks.ENCODINGS) - 1
    assert verdict.wrong == ["disk, radius 5 mm: off by 1.0e+00"]
