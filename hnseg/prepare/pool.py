"""Work on many studies in processes of their own, where one that is killed does not take the others along."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from types import ModuleType
from typing import Any, TypeVar

import SimpleITK as sitk

Result = TypeVar("Result")
Task = tuple[Any, ...]


def worker_count(wanted: int | None, tasks: int) -> int:
    """Processes to start: as many as wanted, or as this process may use cores, and no more than there are tasks."""
    return max(1, min(wanted or cores(), tasks))


def cores() -> int:
    """Cores that this process may use, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_all(
    work: Callable[..., Result], tasks: Sequence[Task], workers: int, killed: Callable[[Task], Result]
) -> Iterator[Result]:
    """``work(*task)`` for every task, as each is done.

    Args:
        work: a function of a module, since it is sent to other processes; expected not to raise.
        tasks: arguments.
        workers: processes; 1 works in this process.
        killed: the result of a task whose process was killed twice, the second time alone.
    """
    if workers == 1:
        yield from (work(*task) for task in tasks)
        return
    for task in (yield from _in_pool(work, tasks, workers)):
        if (yield from _in_pool(work, [task], 1)):
            yield killed(task)


def _in_pool(work: Callable[..., Result], tasks: Sequence[Task], workers: int) -> Generator[Result, None, list[Task]]:
    """Yields results; returns the tasks whose process was killed."""
    lost: list[Task] = []
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _limit_threads, (max(1, cores() // workers),))
    try:
        with _without_main_script():
            futures = {pool.submit(work, *task): task for task in tasks}
        for future in as_completed(futures):
            try:
                result = future.result()
            except BrokenProcessPool:
                lost.append(futures[future])
                continue
            yield result
    finally:
        pool.shutdown(cancel_futures=True)
    return lost


@contextmanager
def _without_main_script() -> Iterator[None]:
    """New processes need hnseg alone: not the seconds that the user's script takes to import, and not a second run of
    what it does outside ``if __name__ == "__main__"``."""
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _limit_threads(threads: int) -> None:
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
