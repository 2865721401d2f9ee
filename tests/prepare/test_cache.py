import dataclasses
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from hnseg.io.errors import DiskFullError
from hnseg.prepare.cache import estimate_bytes, prepare_cohort
from hnseg.prepare.recipe import Recipe
from hnseg.types import Volume

RECIPE = Recipe(spacing_mm=6.0)


def prepare(studies, cache_root, **how):
    return prepare_cohort(
        studies, how.pop("recipe", RECIPE), cache_root, "toy", **{"workers": 1, "progress": False, **how}
    )


def times(cohort):
    return {path: path.stat().st_mtime_ns for path in cohort.folder.rglob("*.npy")}


def test_cases_then_nothing_to_do(make_study, tmp_path, capsys):
    studies = [make_study("P2"), make_study("P1", 1)]
    first = prepare(studies, tmp_path / "cache")
    assert [case.case_id for case in first.cases] == ["P1", "P2"]
    assert (first.prepared, first.failures) == (2, ())
    assert first.folder.name == f"toy-{RECIPE.hash()}"
    written = times(first)
    second = prepare(studies[::-1], tmp_path / "cache", progress=True)
    assert times(second) == written
    assert (second.prepared, second.key) == (0, first.key)
    assert "nothing to do" in capsys.readouterr().err


def test_several_processes_give_the_same_cases(make_study, tmp_path):
    studies = [make_study("P1"), make_study("P2", 1)]
    alone, together = prepare(studies, tmp_path / "a"), prepare(studies, tmp_path / "b", workers=2)
    assert together.failures == ()
    for one, other in zip(alone.cases, together.cases, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one.images, other.images, strict=True))


def test_bad_study_is_set_aside_and_comes_back_when_mended(make_study, tmp_path, patient, capsys):
    good, bad = make_study("P1"), make_study("P2", 1)
    whole = bad.images["ct"].read_bytes()
    bad.images["ct"].write_bytes(whole[:1000])
    cohort = prepare([good, bad], tmp_path / "cache", progress=True)
    assert [case.case_id for case in cohort.cases] == ["P1"]
    assert "P2_ct.nii.gz" in cohort.failures[0].message
    assert "P2_ct.nii.gz" in (cohort.folder / "failures.json").read_text()
    assert "1 patients were set aside" in " ".join(capsys.readouterr().err.split())
    bad.images["ct"].write_bytes(whole)
    mended = prepare([good, bad], tmp_path / "cache")
    assert (len(mended.cases), mended.prepared, mended.failures) == (2, 1, ())


def test_missing_file_is_set_aside(make_study, tmp_path):
    study = make_study("P1")
    study.images["pt"].unlink()
    cohort = prepare([study], tmp_path / "cache")
    assert "P1_pt.nii.gz" in cohort.failures[0].message


def test_changed_file_is_prepared_anew(make_study, tmp_path, patient):
    study = make_study("P1")
    before = prepare([study], tmp_path / "cache")
    old = np.array(before.cases[0].images[1])
    pet = patient.pt()
    patient.write(Volume(pet.array * np.float32(1.1), pet.grid), study.images["pt"])
    after = prepare([study], tmp_path / "cache")
    assert after.prepared == 1
    assert after.key != before.key
    assert not np.array_equal(after.cases[0].images[1], old)


def test_another_recipe_has_a_folder_of_its_own(make_study, tmp_path):
    study = make_study("P1")
    one = prepare([study], tmp_path / "cache")
    other = prepare([study], tmp_path / "cache", recipe=Recipe(spacing_mm=8.0))
    assert one.folder != other.folder
    assert one.cases[0].grid.shape_zyx == (24, 24, 24)


def test_same_names_are_refused(make_study, tmp_path):
    with pytest.raises(ValueError, match="P1"):
        prepare([make_study("P1"), make_study("P1")], tmp_path)


def test_leftovers_of_dead_processes_go_and_living_ones_stay(make_study, tmp_path):
    folder = tmp_path / "cache" / f"toy-{RECIPE.hash()}"
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for pid in (dead.pid, os.getppid()):
        (folder / f".P9.{pid}.tmp").mkdir(parents=True)
    prepare([make_study("P1")], tmp_path / "cache")
    assert not (folder / f".P9.{dead.pid}.tmp").exists()
    assert (folder / f".P9.{os.getppid()}.tmp").exists()


def test_full_disk_stops_with_folder_and_bytes(make_study, tmp_path):
    """A limit on the size of files fails in the same place as a full disk."""
    studies = [make_study("P1"), make_study("P2", 1)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        with pytest.raises(DiskFullError, match=rf"toy-{RECIPE.hash()}.* {2 * 5 * 24**3} bytes") as caught:
            prepare(studies, tmp_path / "cache")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert "finished cases are kept" in str(caught.value)
    assert len(prepare(studies, tmp_path / "cache").cases) == 2


def test_estimate_is_what_the_cache_takes(make_study, tmp_path):
    cohort = prepare([make_study("P1"), make_study("P2", 1)], tmp_path / "cache")
    taken = sum(path.stat().st_size for path in cohort.folder.rglob("*") if path.is_file())
    assert 0.8 * estimate_bytes(2, RECIPE) < taken <= estimate_bytes(2, RECIPE)
    assert estimate_bytes(1, Recipe()) == pytest.approx(5 * 144**3, rel=0.01)
    slices = Recipe(modalities=("pt",), regions=("rainio2024",), slice_size_yx=(128, 128), spacing_mm=3.0)
    assert estimate_bytes(1, slices, (150.0, 600.0, 600.0)) == pytest.approx(3 * 50 * 128**2, rel=0.01)
    with pytest.raises(ValueError, match="extent_mm"):
        estimate_bytes(1, Recipe(box_size_mm=None, regions=("image",)))


SCRIPT = """
import pickle, sys, time
from pathlib import Path
import hnseg.prepare.cache as cache
from hnseg.prepare.recipe import Recipe

studies, root, gate = pickle.loads(Path(sys.argv[1]).read_bytes()), Path(sys.argv[2]), Path(sys.argv[3])
write = cache.write_case
def slow_write(folder, case, *arrays):
    write(folder, case, *arrays)
    print("writing", case.case_id, flush=True)
    while not (gate / case.case_id).exists():
        time.sleep(0.01)
cache.write_case = slow_write
cohort = cache.prepare_cohort(studies, Recipe(spacing_mm=6.0), root, "toy", workers=1)
print("prepared", cohort.prepared, flush=True)
"""


def start(studies, tmp_path: Path) -> subprocess.Popen[str]:
    """A process that stops after writing each case until that case's file is in the folder ``gate``."""
    import pickle

    (tmp_path / "gate").mkdir(exist_ok=True)
    (tmp_path / "studies.pkl").write_bytes(pickle.dumps(studies))
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(SCRIPT),
        str(tmp_path / "studies.pkl"),
        str(tmp_path / "cache"),
        str(tmp_path / "gate"),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_killed_half_way_goes_on_where_it_was(make_study, tmp_path):
    studies = [make_study(f"P{index}", index) for index in range(3)]
    process = start(studies, tmp_path)
    (tmp_path / "gate" / "P0").touch()
    lines = [process.stdout.readline() for _ in range(2)]
    process.kill()
    process.wait()
    assert lines == ["writing P0\n", "writing P1\n"]
    folder = tmp_path / "cache" / f"toy-{RECIPE.hash()}"
    assert (folder / f".P1.{process.pid}.tmp" / "case.json").exists()
    cohort = prepare(studies, tmp_path / "cache")
    assert (len(cohort.cases), cohort.prepared) == (3, 2)
    assert not list(folder.glob(".*.tmp"))


def test_two_processes_wait_for_each_other(make_study, tmp_path):
    studies = [make_study(f"P{index}", index) for index in range(2)]
    first = start(studies, tmp_path)
    assert first.stdout.readline() == "writing P0\n"
    second = start(studies, tmp_path)
    assert f"waiting for another process (pid {first.pid})" in second.stderr.readline()
    for study in studies:
        (tmp_path / "gate" / study.case_id).touch()
    assert first.communicate(timeout=60)[0] == "writing P1\nprepared 2\n"
    assert second.communicate(timeout=60)[0] == "prepared 0\n"


def test_lock_of_a_killed_process_holds_nobody_up(make_study, tmp_path):
    studies = [make_study("P0")]
    process = start(studies, tmp_path)
    process.stdout.readline()
    process.kill()
    process.wait()
    began = time.monotonic()
    assert len(prepare(studies, tmp_path / "cache").cases) == 1
    assert time.monotonic() - began < 10


def test_phantom_mark_and_centre_travel(make_study, tmp_path):
    cohort = prepare([dataclasses.replace(make_study("P1"), phantom=True, part="test")], tmp_path / "cache")
    case = cohort.cases[0]
    assert (case.phantom, case.centre, case.part) == (True, "CHXX", "test")
