"""Find the DICOM files in a tree of anything, and read their headers in child processes."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from hnseg.io.dicom.file_headers import LINE_BYTES, header_from_json
from hnseg.io.dicom.isolated import run_isolated
from hnseg.io.dicom.objects import FileHeader, Limits, RefusedDicomError

_BATCH = 512  # files a child: so many headers take about as long as it takes to start


@dataclass(frozen=True)
class Scan:
    """What lies in a tree of files.

    Attributes:
        headers: of the DICOM files, in the order of their paths; no DICOMDIR among them.
        skipped: what is no DICOM file, or cannot be used, in the same order, and why.
    """

    headers: tuple[FileHeader, ...]
    skipped: tuple[tuple[Path, RefusedDicomError], ...] = field(repr=False)


def scan(
    folder: Path,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    workers: int = 2,
    tell: Callable[[int, int], None] | None = None,
) -> Scan:
    """Read the header of every file below ``folder``, whatever it is called. No file is fatal.

    Links are not followed: what they lead to is found in its own place, or lies outside.

    Args:
        folder: any tree of files.
        limits: for each file, and ``seconds`` and ``memory_mib`` for each child process.
        workers: child processes at a time.
        tell: called with the numbers of files that are done and that there are.

    Raises:
        OSError: ``folder`` itself cannot be listed.
    """
    found: dict[Path, FileHeader | RefusedDicomError | None] = dict(_walk(folder.absolute()))
    paths = [path for path, refusal in found.items() if refusal is None]
    batches = [paths[start : start + _BATCH] for start in range(0, len(paths), _BATCH)]
    stop, done = threading.Event(), 0
    with ThreadPoolExecutor(max(workers, 1)) as pool:
        futures = {pool.submit(_read_batch, batch, limits, stop): batch for batch in batches}
        try:
            for future in as_completed(futures):
                found.update(zip(futures[future], future.result(), strict=True))
                done += len(futures[future])
                if tell is not None:
                    tell(done, len(paths))
        except BaseException:  # Ctrl-C as well: the children have to go before the pool can
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return Scan(
        tuple(header for header in found.values() if isinstance(header, FileHeader)),
        tuple((path, refusal) for path, refusal in found.items() if isinstance(refusal, RefusedDicomError)),
    )


def _walk(root: Path) -> Iterator[tuple[Path, RefusedDicomError | None]]:
    """Everything below ``root`` but folders, sorted; with an error where it is already clear that it is not read."""
    inside = os.path.realpath(root)
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            listed = _list(folder)
        except OSError as error:
            if folder == root:
                raise
            why = os.strerror(error.errno) if error.errno else "input or output failed"
            yield folder, RefusedDicomError("unreadable", f"the folder cannot be listed ({why})")
            continue
        for path, kind in listed:
            if kind == "file":
                yield path, None
            elif kind == "other":
                yield path, RefusedDicomError("no_dicom", "it is not a regular file")
            elif kind == "link" and os.path.commonpath([inside, os.path.realpath(path)]) != inside:
                yield (
                    path,
                    RefusedDicomError("link", "it is a link that leads out of the folder; put the file itself there"),
                )
        folders += [path for path, kind in reversed(listed) if kind == "folder"]


def _list(folder: Path) -> list[tuple[Path, str]]:
    with os.scandir(folder) as entries:
        return [(folder / entry.name, _kind(entry)) for entry in sorted(entries, key=lambda e: os.fsencode(e.name))]


def _kind(entry: os.DirEntry[str]) -> str:
    if entry.is_symlink():
        return "link"
    if entry.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


def _read_batch(
    paths: Sequence[Path], limits: Limits, stop: threading.Event
) -> list[FileHeader | RefusedDicomError | None]:
    """A header, an error or None (a DICOMDIR) for each path.

    A child that fails leaves what it had read. The file that it was at is tried once more, as the first of a new
    child; only a file that fails there is to blame.
    """
    read: list[FileHeader | RefusedDicomError | None] = []
    while len(read) < len(paths):
        lines, error = _run(paths[len(read) :], limits, stop)
        read += [_from_line(line) for line in lines]
        if not lines:
            read.append(error or RefusedDicomError("crashed", "the process that read it left no result; leave it out"))
    return read


def _run(
    paths: Sequence[Path], limits: Limits, stop: threading.Event
) -> tuple[list[dict[str, Any]], RefusedDicomError | None]:
    """What one child read, and what ended it before it was through."""
    error = None
    with tempfile.TemporaryFile() as written:
        lines = written.fileno()
        arguments = {"paths": [str(path) for path in paths], "file_mib": limits.file_mib, "lines": lines}
        try:
            run_isolated("headers", arguments, None, limits, stop, [lines])
        except RefusedDicomError as refusal:
            if refusal.reason == "stopped":
                raise
            error = refusal
        return _whole_lines(written, len(paths)), error


def _whole_lines(written: IO[bytes], most: int) -> list[dict[str, Any]]:
    """No more lines than files, none longer than a header may be: a child that is not to be trusted wrote them."""
    written.seek(0)
    whole: list[dict[str, Any]] = []
    for _ in range(most):
        line = written.readline(LINE_BYTES + 1)
        if not line.endswith(b"\n"):  # the end, or a line that was not finished or is too long
            break
        whole.append(json.loads(line))
    return whole


def _from_line(line: dict[str, Any]) -> FileHeader | RefusedDicomError | None:
    if "refused" in line:
        return RefusedDicomError(*line["refused"])
    return header_from_json(line["header"]) if line else None
