"""Run a task on files of strangers in a process of its own, with limits on time and memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

import hnseg
from hnseg.io.dicom.objects import Limits, RefusedDicomError

TASKS = {
    "headers": "hnseg.io.dicom.file_headers:headers_task",
    "pixels": "hnseg.io.dicom.pixels:pixels_task",
    "rtstruct": "hnseg.io.dicom.rtstruct:rtstruct_task",
    "seg": "hnseg.io.dicom.seg:seg_task",
    "registration": "hnseg.io.dicom.registration:registration_task",
}
"""What a child does, each ``f(arguments) -> dict`` of plain values; ``arguments["folder"]`` is where its arrays go."""

_START_SECONDS = 60.0  # importing takes a second, or much longer from a busy network disk; it is not the file's fault
_ANSWER_MIB = 256  # headers of thousands of files take a few; arrays do not travel this way
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")


def run_isolated(
    task: str,
    arguments: dict[str, Any],
    folder: Path | None,
    limits: Limits,
    stop: threading.Event | None = None,
    inherited: Sequence[int] = (),
) -> dict[str, Any]:
    """The answer of a task of :data:`TASKS`, carried out in a child process.

    Args:
        task: its name.
        arguments: plain values; the child is given them with ``folder`` added, and relative paths mean the same to it.
        folder: an empty folder, which the caller removes afterwards; arrays come back in it, see :func:`load_array`.
            None where nothing does.
        limits: ``seconds`` of wall-clock and of processor time, and ``memory_mib`` on top of what the libraries take.
        stop: once set, the child is killed.
        inherited: file descriptors that are open in the child too, under the same numbers. A file without a name
            leaves nothing of a patient on the disk, even when both processes are killed.

    Raises:
        RefusedDicomError: the task's own, or ``too_slow``, ``too_large``, ``crashed``; ``stopped`` after ``stop``.
    """
    request = {
        "target": TASKS[task],
        "arguments": arguments | ({"folder": str(folder)} if folder is not None else {}),
        "memory_mib": limits.memory_mib,
        "seconds": limits.seconds,
        "parent": os.getpid(),
    }
    # files rather than pipes: nothing can fill up, and no grandchild can hold them open
    with tempfile.TemporaryFile("w+") as question, tempfile.TemporaryFile() as answer:
        json.dump(request, question)
        question.seek(0)
        _check_ending(_run_child(question, answer, limits.seconds + _START_SECONDS, stop, inherited), limits)
        return _read_answer(answer)


def load_array(folder: Path, name: str) -> NDArray[Any]:
    """The array that a task saved as ``folder / name`` with ``numpy.save``; read into memory.

    Raises:
        RefusedDicomError: ``crashed``: the file is missing, or is not an array of plain numbers.
    """
    assert Path(name).name == name, "a task names a file in its folder"
    try:
        # mapped first: a header that promises more than the file holds then fails before memory is taken
        return np.array(np.load(folder / name, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError):
        raise RefusedDicomError("crashed", "the process that read it left no usable result; leave it out") from None


def _run_child(
    question: IO[str], answer: IO[bytes], seconds: float, stop: threading.Event | None, inherited: Sequence[int]
) -> int:
    """Exit code of the child, negative for a signal."""
    # -P: a folder of scans that is the current folder must not provide modules
    command = [sys.executable, "-P", "-m", "hnseg.io.dicom.child"]
    child = subprocess.Popen(
        command,
        stdin=question,
        stdout=answer,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,
        pass_fds=tuple(inherited),
    )
    end = monotonic() + seconds
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                return child.wait(min(0.5, max(end - monotonic(), 0.0)))
            if stop is not None and stop.is_set():
                raise RefusedDicomError("stopped", "reading was stopped")
            if monotonic() >= end:
                return -signal.SIGALRM
    finally:
        if child.returncode is None:  # not waited for yet, so that its group is still its own
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _environment() -> dict[str, str]:
    places = [str(Path(hnseg.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    changed = {"PYTHONPATH": os.pathsep.join(place for place in places if place)} | dict.fromkeys(_THREADS, "1")
    return {**os.environ, **changed}


def _check_ending(returned: int, limits: Limits) -> None:
    if returned == 0:
        return
    if returned in (-signal.SIGALRM, -signal.SIGXCPU):
        raise RefusedDicomError("too_slow", f"reading it took longer than {limits.seconds:g} s; leave it out")
    how = f"signal {-returned}" if returned < 0 else f"exit code {returned}"
    raise RefusedDicomError("crashed", f"the process that read it ended with {how}; leave it out")


def _read_answer(stream: IO[bytes]) -> dict[str, Any]:
    stream.seek(0)
    text = stream.read((_ANSWER_MIB << 20) + 1)
    if len(text) > _ANSWER_MIB << 20:
        raise RefusedDicomError("too_large", f"it holds more than {_ANSWER_MIB} MiB of values; leave it out")
    try:
        answer = json.loads(text)
    except ValueError:
        raise RefusedDicomError("crashed", "the process that read it gave no answer; leave it out") from None
    if "refused" in answer:
        raise RefusedDicomError(*answer["refused"])
    if "failed" in answer:
        raise RefusedDicomError("crashed", f"reading it failed ({answer['failed']}); leave it out")
    result: dict[str, Any] = answer["result"]
    return result
