"""Open and parse one DICOM file of a stranger. Only for tasks of the child process, :mod:`hnseg.io.dicom.isolated`."""

from __future__ import annotations

import os
import stat
import struct
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from pydicom.dataset import FileDataset
from pydicom.filereader import read_partial

from hnseg.io.dicom.objects import RefusedDicomError

Stop = Callable[[int, str | None, int], bool]
"""Asked before each top-level value is read, with the stream at the value: (tag, VR, length in bytes); True stops."""

_PREAMBLE = 128
_FIRST_GROUPS = (0x0002, 0x0008)  # what a file without preamble starts with; PS3.10 section 7.1 and PS3.5 section 7.1


@contextmanager
def open_file(path: Path, file_mib: int) -> Iterator[IO[bytes]]:
    """The bytes of a regular file; a link, pipe or device that took its place is not followed and never waited for.

    Raises:
        RefusedDicomError: ``unreadable``, ``no_dicom`` (not a regular file) or ``too_large``.
    """
    try:
        stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")
    except OSError as error:
        raise _unreadable(error) from None
    with stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise RefusedDicomError("no_dicom", "it is not a regular file")
        if status.st_size > file_mib << 20:
            raise RefusedDicomError(
                "too_large", f"the file has {status.st_size >> 20} MiB where {file_mib} MiB are the limit; leave it out"
            )
        yield stream


def parse(stream: IO[bytes], stop: Stop | None = None, tags: Collection[int] | None = None) -> FileDataset:
    """The data set of an open file, or only its top-level ``tags``, with or without preamble (which is not kept).

    Raises:
        RefusedDicomError: ``no_dicom``, ``truncated``, ``damaged`` or ``unreadable``.
    """
    has_prefix = looks_like_dicom(stream)
    try:
        dataset = read_partial(stream, stop, force=True, specific_tags=list(tags) if tags else None)
    except (RefusedDicomError, MemoryError):
        raise
    except OSError as error:
        if error.errno is not None:
            raise _unreadable(error) from None
        raise truncated("a sequence ends with the file") from None
    except (EOFError, struct.error, zlib.error):
        raise truncated("an element ends with the file") from None
    except Exception:
        reason = "damaged" if has_prefix else "no_dicom"
        raise RefusedDicomError(reason, "it is not made as DICOM files are; export it again") from None
    dataset.preamble = None
    return dataset


def read_whole(path: Path, file_mib: int) -> Any:
    """Everything in a file; raises what :func:`open_file` and :func:`parse` raise."""
    with open_file(path, file_mib) as stream:
        return parse(stream)


def looks_like_dicom(stream: IO[bytes]) -> bool:
    """Whether the prefix DICM is where it belongs; False where the file starts as a data set does, without it.

    Raises:
        RefusedDicomError: ``no_dicom``: neither.
    """
    start = stream.read(_PREAMBLE + 4)
    stream.seek(0)
    if start[_PREAMBLE:] == b"DICM":
        return True
    if len(start) >= 8 and int.from_bytes(start[:2], "little") in _FIRST_GROUPS:
        return False
    raise RefusedDicomError("no_dicom", "it is empty" if not start else "it is not a DICOM file")


def truncated(how: str) -> RefusedDicomError:
    """The error for a file of which bytes are missing."""
    return RefusedDicomError("truncated", f"the file is cut short: {how}; copy or export it again")


def _unreadable(error: OSError) -> RefusedDicomError:
    why = os.strerror(error.errno) if error.errno else "input or output failed"
    return RefusedDicomError("unreadable", f"the file cannot be read ({why}); look at its permissions and its disk")
