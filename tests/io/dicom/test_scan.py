import os
import stat
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hnseg.io.dicom import isolated
from hnseg.io.dicom import scan as scan_module
from hnseg.io.dicom.file_headers import LINE_BYTES
from hnseg.io.dicom.objects import Limits, RefusedDicomError
from hnseg.io.dicom.scan import Scan, scan
from hnseg.types import Grid
from tests.io.dicom.making import PATIENT, write_series

GRID = Grid((4, 3, 3), (2.0, 1.0, 1.0))
TASK = """
import os, signal, time
from pathlib import Path
import hnseg.io.dicom.file_headers as file_headers

def run(arguments):
    read_header = file_headers.read_header

    def read(path, file_mib):
        if path.name == "killer":
            os.kill(os.getpid(), signal.SIGKILL)
        if path.name == "sleeper":
            Path(path.parent.parent, "asleep").touch()
            time.sleep(60)
        return read_header(path, file_mib)

    file_headers.read_header = read
    return file_headers.headers_task(arguments)
"""


@pytest.fixture
def with_killers(tmp_path, monkeypatch):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/b_task.py").write_text(TASK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    monkeypatch.setitem(isolated.TASKS, "headers", "b_task:run")


def series(folder: Path, names: list[str]):
    return write_series(folder, np.zeros((4, 3, 3)), GRID, names=names)


def test_a_tree_of_anything_is_read_and_a_file_that_kills_its_reader_costs_only_itself(tmp_path, with_killers):
    root, outside = tmp_path / "tree", tmp_path / "outside"
    headers = series(root / "b" / os.fsdecode(b"caf\xe9"), ["x.dcm", "two\nlines", "IM 1", os.fsdecode(b"\xff\xfe")])
    (other,) = series(outside, ["other", "o2", "o3", "o4"])[:1]
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "b" / "inside").symlink_to(headers[0].path)
    (root / "away").symlink_to(other.path)
    (root / "folder_away").symlink_to(outside, target_is_directory=True)
    (root / "nowhere").symlink_to(root / "nothing")
    os.mkfifo(root / "pipe")
    os.mknod(root / "socket", stat.S_IFSOCK | 0o600)
    (root / "a_text").write_text(PATIENT.name)
    with zipfile.ZipFile(root / "a.zip", "w") as archive:
        archive.writestr("x", "y")
    (root / "b" / "killer").write_bytes(b"")
    (root / "cut").write_bytes(headers[0].path.read_bytes()[:-5])
    (root / "c").mkdir()
    told: list[tuple[int, int]] = []

    found = scan(root, workers=2, tell=lambda *numbers: told.append(numbers))

    assert found.headers == tuple(sorted(headers, key=lambda header: os.fsencode(header.path)))
    assert {path.relative_to(root).as_posix(): error.reason for path, error in found.skipped} == {
        "a.zip": "no_dicom",
        "a_text": "no_dicom",
        "away": "link",
        "b/killer": "crashed",
        "cut": "truncated",
        "folder_away": "link",
        "pipe": "no_dicom",
        "socket": "no_dicom",
    }
    assert told == [(8, 8)]
    assert "Secret" not in repr(found)


def test_ctrl_c_takes_the_children_along(tmp_path, with_killers, monkeypatch):
    monkeypatch.setattr(scan_module, "_BATCH", 4)
    series(tmp_path / "tree/a", ["1", "2", "3", "4"])
    (tmp_path / "tree/sleeper").touch()

    def tell(*_):
        while not (tmp_path / "asleep").exists() and time.monotonic() - begin < 50:
            time.sleep(0.05)
        raise KeyboardInterrupt

    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        scan(tmp_path / "tree", workers=2, tell=tell)
    assert time.monotonic() - begin < 50


def test_batches_come_back_in_order_whatever_ends_first(tmp_path, monkeypatch):
    headers = series(tmp_path / "tree", ["1", "2", "3", "4"])
    by_path = {str(header.path): header for header in headers}
    monkeypatch.setattr(scan_module, "_BATCH", 1)

    def read(paths, _limits, _stop):
        time.sleep(0.02 * (4 - int(paths[0].name)))
        return [by_path[str(path)] for path in paths]

    monkeypatch.setattr(scan_module, "_read_batch", read)
    told: list[tuple[int, int]] = []
    assert scan(tmp_path / "tree", workers=4, tell=lambda *numbers: told.append(numbers)) == Scan(headers, ())
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize("left", ["", '{"refused": ["no_dicom", "x"]}\n', '{"refused": ["no_dicom", "x"]}\n{"hea'])
def test_a_child_that_stops_short_is_started_again_behind_what_it_had_read(left, tmp_path, monkeypatch):
    asked = []

    def run(_task, arguments, _folder, _limits, _stop, inherited):
        asked.append(len(arguments["paths"]))
        assert inherited == [arguments["lines"]]
        os.write(arguments["lines"], left.encode())
        raise RefusedDicomError("too_slow", "too slow")

    monkeypatch.setattr(scan_module, "run_isolated", run)
    for name in "123":
        (tmp_path / name).touch()
    reasons = [error.reason for _, error in scan(tmp_path).skipped]
    assert asked == [3, 2, 1]
    assert reasons == (["no_dicom"] * 3 if left else ["too_slow"] * 3)


def test_headers_never_lie_in_a_file_that_has_a_name(tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(scan_module.tempfile, "tempdir", str(tmp_path / "temporary"))
    seen = []

    def run(_task, arguments, folder, *_):
        os.write(arguments["lines"], b"{}\n" * len(arguments["paths"]))
        seen.append((folder, list((tmp_path / "temporary").iterdir())))  # what a kill would leave now

    monkeypatch.setattr(scan_module, "run_isolated", run)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").touch()
    assert scan(tmp_path / "tree") == Scan((), ())
    assert seen == [(None, [])]


def test_a_child_cannot_fill_the_memory_with_lines(tmp_path, monkeypatch):
    refusal = b'{"refused": ["no_dicom", "x"]}\n'
    for written, expected in (
        (refusal * 9, ["no_dicom"] * 2),  # more lines than files
        (b" " * LINE_BYTES + refusal, ["crashed"] * 2),
        (b" " * (LINE_BYTES - len(refusal)) + refusal, ["no_dicom"] * 2),
    ):
        monkeypatch.setattr(
            scan_module, "run_isolated", lambda _, given, *__, written=written: os.write(given["lines"], written)
        )
        for name in "12":
            (tmp_path / name).touch()
        assert [error.reason for _, error in scan(tmp_path).skipped] == expected


def test_an_unreadable_folder_is_skipped_and_a_missing_one_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "tree/closed").mkdir(parents=True)
    scandir = os.scandir

    def forbidden(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "no", str(path))
        return scandir(path)

    monkeypatch.setattr(scan_module.os, "scandir", forbidden)
    ((path, error),) = scan(tmp_path / "tree", Limits()).skipped
    assert (path.name, error.reason) == ("closed", "unreadable")
    assert str(path) not in str(error)
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "missing")
