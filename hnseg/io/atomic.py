"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hnseg.io.errors import DiskFullError

# quota and file-size limits are what a full disk looks like to one user of a cluster
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a path to write to; when the block ends well, what was written there takes the place of ``path``.

    The path handed out has the name of ``path`` in a hidden folder beside it: on the same disk, so that the rename is
    one step, and with the same name, so that headers which name their data file (.mhd, .nhdr) stay right. Other
    files written beside it move along, before ``path`` itself. Everything is flushed to the disk first. If the
    block raises, nothing changes but that missing parent folders were made.

    Raises:
        DiskFullError: the disk, the quota or the file-size limit was reached.
    """
    path = Path(path)
    with _room_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    try:
        with _room_errors(path):
            yield folder / path.name
            _publish(folder, path)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _publish(folder: Path, path: Path) -> None:
    assert (folder / path.name).exists(), f"nothing was written for {path}"
    written = sorted(folder.iterdir(), key=lambda file: file.name == path.name)
    for file in written:
        _flush(file)
    for file in written:
        os.replace(file, path.parent / file.name)  # noqa: PTH105  (says what it does: replaces)
    if os.name == "posix":
        _flush(path.parent)  # the rename itself


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _room_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except DiskFullError:
        raise
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise DiskFullError(
            f"{path}: no room left to write this file ({os.strerror(error.errno or 0)}); free space on that disk "
            f"or choose another output folder. What was there before is unchanged."
        ) from error
