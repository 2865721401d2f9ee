import json
import math
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from hnseg.io.dicom import child, isolated
from hnseg.io.dicom.isolated import load_array, run_isolated
from hnseg.io.dicom.objects import Limits, RefusedDicomError

TASK = """
import os, math, signal, subprocess, time
import numpy as np

def run(arguments):
    print("a library that prints")
    os.write(1, b"and one that does so in C")
    how = arguments["how"]
    if how == "spin":
        while True:
            pass
    if how == "hang":
        signal.setitimer(signal.ITIMER_REAL, 0)
        started = subprocess.Popen(["sleep", "60"])
        with open(arguments["folder"] + "/writing", "w") as file:
            file.write(str(started.pid))
        os.rename(file.name, arguments["folder"] + "/started")
        time.sleep(60)
    if how == "eat":
        np.ones(1 << 27)
    np.save(arguments["folder"] + "/array.npy", np.arange(3))
    values = [math.nan, math.inf, np.float32(0.5), np.arange(2)]
    return {"values": values, "path": arguments["path"], "threads": os.environ["OMP_NUM_THREADS"]}
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/a_task.py").write_text(TASK)
    (tmp_path / "folder").mkdir()
    # a current folder with modules in it must not provide any
    (tmp_path / "modules/numpy.py").write_text("raise SystemExit(3)")
    monkeypatch.chdir(tmp_path / "modules")
    (tmp_path / "path").mkdir()
    (tmp_path / "path/a_task.py").symlink_to(tmp_path / "modules/a_task.py")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "path"))
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setitem(isolated.TASKS, "test", "a_task:run")
    folder = tmp_path / "folder"
    return lambda how, limits, stop=None, **more: run_isolated("test", {"how": how} | more, folder, limits, stop)


def test_plain_values_and_arrays_come_back_whatever_is_printed(start, tmp_path):
    answer = start("well", Limits(), path="name\udcff\n")
    nan, infinity, half, array = answer["values"]
    assert math.isnan(nan)
    assert (infinity, half, array) == (math.inf, 0.5, [0, 1])
    assert answer["path"] == "name\udcff\n"
    assert answer["threads"] == "1"
    np.testing.assert_array_equal(load_array(tmp_path / "folder", "array.npy"), [0, 1, 2])
    assert (tmp_path / "folder/array.npy").stat().st_mode & 0o077 == 0, "others can read a patient"


@pytest.mark.parametrize(("returned", "how"), [(-11, "signal 11"), (3, "exit code 3")])
def test_a_child_that_dies_is_a_refusal(returned, how):
    with pytest.raises(RefusedDicomError, match=how) as refusal:
        isolated._check_ending(returned, Limits())
    assert refusal.value.reason == "crashed"


def test_a_child_out_of_memory_is_a_refusal(start):
    with pytest.raises(RefusedDicomError) as refusal:
        start("eat", Limits(memory_mib=512))
    assert refusal.value.reason == "too_large"


def test_a_child_out_of_time_is_a_refusal(start):
    with pytest.raises(RefusedDicomError, match=r"0\.2 s") as refusal:
        start("spin", Limits(seconds=0.2))
    assert refusal.value.reason == "too_slow"


def test_a_child_that_has_switched_off_its_alarm_is_killed_all_the_same(start, monkeypatch):
    monkeypatch.setattr(isolated, "_START_SECONDS", -99.9)
    with pytest.raises(RefusedDicomError) as refusal:
        start("hang", Limits(seconds=100))
    assert refusal.value.reason == "too_slow"


def test_a_child_is_stopped_with_all_that_it_started(start, tmp_path):
    stop, started = threading.Event(), tmp_path / "folder/started"

    def watch():
        while not started.exists() and not stop.wait(0.05):
            pass
        stop.set()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    begin = time.monotonic()
    with pytest.raises(RefusedDicomError) as refusal:
        start("hang", Limits(), stop)
    stop.set()
    assert refusal.value.reason == "stopped"
    assert time.monotonic() - begin < 50
    assert _is_gone(int(started.read_text()))


def test_the_child_sets_itself_limits(monkeypatch):
    limits, alarms = {}, []
    monkeypatch.setattr(child, "_lower", limits.__setitem__)
    monkeypatch.setattr(child.signal, "setitimer", lambda *given: alarms.append(given))
    handler = signal.getsignal(signal.SIGALRM)
    child._limit(100, 7.5)
    signal.signal(signal.SIGALRM, handler)
    resource = child.resource
    spent = resource.getrusage(resource.RUSAGE_SELF)
    assert alarms == [(signal.ITIMER_REAL, 7.5)]
    assert 0 <= limits[resource.RLIMIT_CPU] - (spent.ru_utime + spent.ru_stime + 7.5) <= 1.5
    mapped = child._mapped_bytes()
    assert mapped > 100 << 20, "numpy alone maps more"
    assert abs(limits[resource.RLIMIT_AS] - mapped - (100 << 20)) < 64 << 20
    assert limits[resource.RLIMIT_CORE] == 0
    assert limits[resource.RLIMIT_FSIZE] == 100 << 20


def test_errors_of_a_task_cross_without_their_text():
    def failing(error):
        def task(_arguments):
            raise error

        return child.carry_out(task, {})

    assert failing(RefusedDicomError("no_weight", "no weight")) == {"refused": ["no_weight", "no weight"]}
    assert failing(MemoryError())["refused"][0] == "too_large"
    assert failing(OSError(28, "no space", "SECRET"))["refused"][0] == "disk_full"
    for error in (ValueError("SECRET"), OSError(5, "SECRET"), RecursionError("SECRET")):
        assert failing(error) == {"failed": type(error).__name__}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"refused": ["truncated", "cut short"]}, "truncated"),
        ({"failed": "ValueError"}, "crashed"),
        (None, "crashed"),
    ],
)
def test_a_refusal_in_the_child_is_one_here(answer, reason, tmp_path):
    path = tmp_path / "answer"
    path.write_text("no answer" if answer is None else json.dumps(answer))
    with path.open("rb") as stream, pytest.raises(RefusedDicomError) as refusal:
        isolated._read_answer(stream)
    assert refusal.value.reason == reason


def test_an_endless_answer_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(isolated, "_ANSWER_MIB", 1)
    path = tmp_path / "answer"
    path.write_bytes(b" " * ((1 << 20) + 1))
    with path.open("rb") as stream, pytest.raises(RefusedDicomError) as refusal:
        isolated._read_answer(stream)
    assert refusal.value.reason == "too_large"


def test_arrays_that_are_none_are_refused(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([object()], dtype=object), allow_pickle=True)
    with (tmp_path / "short.npy").open("wb") as file:
        np.lib.format.write_array_header_2_0(file, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)})
    for name in ("objects.npy", "short.npy", "missing.npy"):
        with pytest.raises(RefusedDicomError) as refusal:
            load_array(tmp_path, name)
        assert refusal.value.reason == "crashed"
        assert refusal.value.__cause__ is None
    with pytest.raises(AssertionError):
        load_array(tmp_path / "folder", "../short.npy")


def _is_gone(process: int) -> bool:
    for _ in range(50):
        try:
            if "\nState:\tZ" in Path(f"/proc/{process}/status").read_text():
                return True
            os.kill(process, 0)
        except OSError:
            return True
        time.sleep(0.1)
    return False
