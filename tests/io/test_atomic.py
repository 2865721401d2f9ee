import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hnseg.io import DiskFullError, atomic_path


def names(folder):
    return [file.name for file in folder.iterdir()]


def test_the_file_appears_whole_when_the_block_ends(tmp_path):
    path = tmp_path / "deep" / "er" / "table.csv"
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
        assert temporary.name == path.name
    assert path.read_text() == "new"
    assert names(path.parent) == ["table.csv"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(ZeroDivisionError), atomic_path(path) as temporary:
        temporary.write_text(str(1 / 0 if temporary.write_text("ne") else ""))
    assert path.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]


def test_files_written_beside_it_move_along_before_it(tmp_path, monkeypatch):
    moved = []
    real = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (moved.append(Path(b).name), real(a, b)))
    with atomic_path(tmp_path / "a.mhd") as temporary:
        temporary.write_text("header")
        temporary.with_suffix(".raw").write_text("voxels")
    assert moved == ["a.raw", "a.mhd"]
    assert (tmp_path / "a.raw").read_text() == "voxels"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_with_file_and_remedy(tmp_path, number):
    with (
        pytest.raises(DiskFullError, match=r"mask\.nii: no room left .*free space"),
        atomic_path(tmp_path / "mask.nii"),
    ):
        raise OSError(number, os.strerror(number))
    assert names(tmp_path) == []


def test_other_errors_of_the_system_stay_what_they_are(tmp_path):
    with pytest.raises(PermissionError), atomic_path(tmp_path / "mask.nii"):
        raise PermissionError(errno.EACCES, "no")


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from hnseg.io import DiskFullError, write_volume
from hnseg.types import Grid, Volume
voxels = np.random.default_rng(0).integers(-999, 999, (40, 60, 60)).astype(np.int16)
volume = Volume(voxels, Grid((40, 60, 60), (1, 1, 1)))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
for suffix in sys.argv[2:]:
    try:
        write_volume(volume, Path(sys.argv[1]) / f"scan{suffix}", compress=False)
        print(suffix, "written")
    except OSError as error:
        print(suffix, type(error).__name__, "scan" + suffix in str(error))
"""


def test_voxels_that_do_not_fit_leave_no_file_in_any_format(tmp_path):
    """A limit on the size of a file stands in for a full disk: the write comes back short."""
    suffixes = [".nii", ".nii.gz", ".hdr", ".nrrd", ".nhdr", ".mha", ".mhd"]
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path), *suffixes]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    for suffix, line in zip(suffixes, result.stdout.splitlines(), strict=True):
        kind = "DiskFullError" if suffix in (".nii", ".nii.gz", ".hdr") else "OSError"
        assert line == f"{suffix} {kind} True"
    assert names(tmp_path) == []
    assert "Exception ignored" not in result.stderr
