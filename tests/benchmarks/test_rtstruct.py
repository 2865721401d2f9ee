"""The benchmark of RT Structure Sets compares what it says; how fast anybody is is not asked."""

import argparse
import subprocess
import sys
import time

import numpy as np
import pytest

from benchmarks import rtstruct
from benchmarks.measure import Times, Verdict, cpu_with_children_s, peak_of_tree_above_start_mib

MASKS = {"GTVt": np.zeros((4, 8, 8), bool), "Chiasm": np.zeros((4, 8, 8), bool)}
MASKS["GTVt"][1:3, 2:6, 2:6] = MASKS["Chiasm"][2, 3:5, 3:5] = True
QUICK = argparse.Namespace(quick=True)


def keeper(lose=lambda masks: masks):
    """A library that keeps masks as they are, but for what it loses when it writes."""

    def write(_, masks, path):
        with path.open("wb") as file:
            np.savez(file, **lose(masks))

    def read(_, path):
        with np.load(path) as stored:
            return dict(stored)

    return rtstruct.Library(write, read)


def run(tmp_path, monkeypatch, **named):
    monkeypatch.setattr(rtstruct, "libraries", lambda: (named, []))
    verdict = Verdict()
    rows = list(rtstruct.compare_answers(tmp_path, MASKS, verdict))
    return rows, list(rtstruct.compare_times(tmp_path, MASKS, QUICK, verdict)), verdict


def test_every_file_is_read_by_everybody(tmp_path, monkeypatch):
    rows, times, verdict = run(tmp_path, monkeypatch, hnseg=keeper(), other=keeper())
    assert [row[0] for row in rows] == ["hnseg", "other"]
    assert all(row[2:] == ["1.0000, 1.0000"] * 2 for row in rows)
    assert [row[:2] for row in times] == [[step, who] for step in ("write", "read") for who in ("hnseg", "other")]
    assert verdict.wrong == []


def test_a_structure_that_does_not_come_back_is_found(tmp_path, monkeypatch):
    lossy = keeper(lambda masks: {"GTVt": masks["GTVt"]})
    rows, _, verdict = run(tmp_path, monkeypatch, hnseg=lossy, other=keeper())
    assert rows[0][2:] == ["0.0000, 0.5000"] * 2
    assert verdict.wrong == [f"hnseg's file read by {who}: Dice 0.0000" for who in ("hnseg", "other")]


def test_a_peer_that_writes_narrow_outlines_is_shown_and_not_held_against_anybody(tmp_path, monkeypatch):
    narrow = keeper(lambda masks: {name: mask & (np.arange(8) < 5) for name, mask in masks.items()})
    rows, _, verdict = run(tmp_path, monkeypatch, hnseg=keeper(), **{"rt-utils 1": narrow})
    assert rows[1][2].startswith("0.8571")
    assert verdict.wrong == []


def test_a_peer_that_is_read_otherwise_is_found(tmp_path, monkeypatch):
    narrow = keeper(lambda masks: {name: mask & (np.arange(8) < 5) for name, mask in masks.items()})
    _, _, verdict = run(tmp_path, monkeypatch, hnseg=keeper(), **{"plastimatch 1": narrow})
    assert verdict.wrong == ["plastimatch 1's file read by hnseg: Dice 0.8571"]


def test_slower_is_who_takes_more_wall_and_more_cpu_time():
    ours, theirs = Times([2.0], [2.0]), Times([1.0], [1.0])
    assert rtstruct.slower(ours, theirs)
    assert not rtstruct.slower(ours, Times([1.0], [3.0]))
    assert not rtstruct.slower(theirs, ours)


def test_the_scan_has_a_file_a_slice_and_its_masks(tmp_path):
    rtstruct.write_scan(tmp_path, (20.0, 16.0, 16.0))
    masks = rtstruct.masks_of(tmp_path)
    assert {mask.shape[0] for mask in masks.values()} == {len(list((tmp_path / "ct").iterdir()))}
    assert all(mask.any() for mask in masks.values())


def test_children_count():
    def work():
        said = (
            "from time import process_time as t; kept = b'1' * 200_000_000; began = t()\nwhile t() < began + 0.2: pass"
        )
        subprocess.run([sys.executable, "-c", said], check=True)

    began, own = cpu_with_children_s(), time.process_time()
    found = peak_of_tree_above_start_mib(work)
    assert cpu_with_children_s() - began - (time.process_time() - own) > 0.2
    assert np.isnan(found) or 180 < found < 400


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_prints_tables_and_answers_agree(capsys):
    assert rtstruct.main(["--quick"]) == 0
    printed = capsys.readouterr().out
    assert "| hnseg |" in printed
    assert "1.0000, 1.0000" in printed
