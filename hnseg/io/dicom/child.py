"""The process in which DICOM files of strangers are parsed: ``python -P -m hnseg.io.dicom.child``, JSON in, JSON out.

It is started by :mod:`hnseg.io.dicom.isolated` and by nobody else. A parser or decoder that a hostile file drives into
endless loops, gigabytes or a crash takes only this process with it.
"""

from __future__ import annotations

import ctypes
import errno
import importlib
import json
import math
import os
import resource
import signal
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np

from hnseg.io.dicom.objects import RefusedDicomError

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Read one request from standard input, write one answer to standard output."""
    os.umask(0o077)
    answer = _take_stdout()
    request = json.load(sys.stdin)
    _die_with(request["parent"])
    warnings.simplefilter("ignore")  # pydicom's warnings name files, and nobody reads them here
    task = find_task(request["target"])
    _limit(request["memory_mib"], request["seconds"])
    json.dump(carry_out(task, request["arguments"]), answer, default=_plain)
    answer.close()


def find_task(target: str) -> Any:
    """The function that ``module:function`` names."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def carry_out(task: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """``{"result": ...}``, ``{"refused": [reason, message]}``, or ``{"failed": kind of error}`` without its text,
    which may quote the file."""
    try:
        return {"result": task(arguments)}
    except RefusedDicomError as error:
        return {"refused": [error.reason, error.message]}
    except MemoryError:
        return {"refused": ["too_large", "reading it takes more memory than one file or series may have; leave it out"]}
    except OSError as error:
        if error.errno == errno.ENOSPC:
            where = "the folder for temporary files; make room there, or name another folder in TMPDIR"
            return {"refused": ["disk_full", f"there is no room for its voxels in {where}"]}
        return {"failed": type(error).__name__}
    except Exception as error:
        return {"failed": type(error).__name__}


def _take_stdout() -> IO[str]:
    """The real standard output; what libraries print from now on goes nowhere."""
    answer = os.fdopen(os.dup(1), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    return answer


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def _limit(memory_mib: int, seconds: float) -> None:
    """Limits on top of what the interpreter and its libraries took to start."""
    _lower(resource.RLIMIT_CORE, 0)  # a core file would hold a patient
    _lower(resource.RLIMIT_FSIZE, memory_mib << 20)
    _lower(resource.RLIMIT_AS, _mapped_bytes() + (memory_mib << 20))
    spent = resource.getrusage(resource.RUSAGE_SELF)
    _lower(resource.RLIMIT_CPU, math.ceil(spent.ru_utime + spent.ru_stime + seconds))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _lower(kind: int, limit: int) -> None:
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    with suppress(ValueError, OSError):  # macOS takes no RLIMIT_AS; time still ends the process there
        resource.setrlimit(kind, (limit, hard))


def _mapped_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in an answer")


if __name__ == "__main__":
    main()
