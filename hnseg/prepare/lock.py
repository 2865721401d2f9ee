"""One process at a time: a file lock that ends with its process, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console


@contextmanager
def locked(path: Path, doing: str, console: Console) -> Iterator[None]:
    """Holds an exclusive lock on ``path``; says so and waits where another process holds it.

    The lock is the kernel's (flock): a killed process leaves the file but no lock.

    Args:
        path: the lock file, made where absent; holds the number of the process that has the lock.
        doing: what the holder does, for the message.
        console: where to say it.
    """
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            console.print(f"waiting for another process (pid {holder}) that {doing}", markup=False, highlight=False)
            fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            file.seek(0)
            file.truncate()
            file.flush()
            fcntl.flock(file, fcntl.LOCK_UN)
