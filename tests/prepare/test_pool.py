import ctypes
import subprocess
import sys

from hnseg.prepare.pool import run_all, worker_count


def killed(task) -> bytes:
    return b"killed %d" % task[0]


def test_all_results_come_from_one_process_or_several():
    tasks = [(-value,) for value in range(4)]
    assert list(run_all(abs, tasks, 1, killed)) == [0, 1, 2, 3]
    assert sorted(run_all(abs, tasks, 2, killed)) == [0, 1, 2, 3]


def test_killed_process_does_not_take_the_others_along():
    """Reading a string at address 0 ends a process with a segmentation fault."""
    results = list(run_all(ctypes.string_at, [(b"a",), (0,), (b"b",)], 2, killed))
    assert sorted(results) == [b"a", b"b", b"killed 0"]


def test_script_without_a_main_guard_runs_once(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from hnseg.prepare.pool import run_all\nprint('here')\nprint(sorted(run_all(abs, [(-1,), (-2,)], 2, str)))\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split("\n")[:2] == ["here", "[1, 2]"], done.stderr


def test_worker_count_has_bounds():
    assert worker_count(8, 3) == 3
    assert worker_count(None, 0) == 1
    assert worker_count(1, 100) == 1
