"""What the benchmarks share: work done in turns, memory of a process of its own, markdown tables, verdicts."""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parents[1]
PEERS = ("torch", "numpy", "scipy", "SimpleITK", "monai", "torchio", "surface-distance", "pydensecrf2", "medpy")
PEERS += ("seg-metrics", "rt-utils", "plastimatch", "pyradiomics", "lifelines", "scikit-survival")
Name = TypeVar("Name")


@dataclass(frozen=True)
class Times:
    """Wall and CPU seconds of the rounds."""

    wall_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    @property
    def median_s(self) -> float:
        return statistics.median(self.wall_s)

    @property
    def p90_s(self) -> float:
        ordered = sorted(self.wall_s)
        return ordered[round(0.9 * (len(ordered) - 1))]

    @property
    def cpu_median_s(self) -> float:
        return statistics.median(self.cpu_s)


def rounds_of(names: Iterable[Name], rounds: int) -> Iterator[Name]:
    """Everybody once a round, every other round backwards, so that nobody always follows the same one."""
    order = list(names)
    for number in range(rounds):
        yield from order if number % 2 == 0 else reversed(order)


def take_turns(
    works: Mapping[Name, Callable[[], object]], rounds: int, cpu_s: Callable[[], float] = time.process_time
) -> dict[Name, Times]:
    """Times of every work; each has run before, so that imports and caches are not part of it."""
    times: dict[Name, Times] = {name: Times() for name in works}
    for name in rounds_of(works, rounds):
        wall, cpu = time.perf_counter(), cpu_s()
        works[name]()
        times[name].wall_s.append(time.perf_counter() - wall)
        times[name].cpu_s.append(cpu_s() - cpu)
    return times


def cpu_with_children_s() -> float:
    """CPU time of this process and of its children that have ended."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def own_process(module: str, *arguments: str) -> dict[str, Any]:
    """The JSON of the last line that ``python -m module arguments`` prints."""
    command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
    return json.loads(output.splitlines()[-1])


def peak_above_start_mib(work: Callable[[], object]) -> float:
    """By how much ``work`` raised the most that this process held in memory, in MiB; nan where there is no /proc.

    For a process of its own: what earlier work freed and the process kept would hide part of it.
    """
    try:
        # counts the most from here on; what was imported and made before does not count
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return float("nan")
    before = _status_mib("VmRSS")
    work()
    return max(0.0, _status_mib("VmHWM") - before)


def peak_of_tree_above_start_mib(work: Callable[[], object], every_s: float = 0.005) -> float:
    """By how much ``work`` raised the most that this process and its children held together, in MiB; nan without /proc.

    Looked at every ``every_s``; pages that several of them share count for each.
    """
    most, over = [0.0], threading.Event()

    def look() -> None:
        while not over.wait(every_s):
            most[0] = max(most[0], _tree_mib(os.getpid()))

    if not Path("/proc/self/status").exists():
        return float("nan")
    before, looking = _status_mib("VmRSS"), threading.Thread(target=look)
    looking.start()
    try:
        alone = peak_above_start_mib(work)  # a call that keeps the interpreter to itself lets nobody look
    finally:
        over.set()
        looking.join()
    return max(alone, most[0] - before)


def _tree_mib(pid: int) -> float:
    """What a process and all below it hold now; 0 where it has ended meanwhile."""
    try:
        own = _status_mib("VmRSS", str(pid))
        below = [
            child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
        ]
    except (OSError, StopIteration):
        return 0.0
    return own + sum(_tree_mib(int(child)) for child in below)


def peak_of_process_mib() -> float:
    """The most that this process ever held, in MiB."""
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes, Linux KiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def _status_mib(name: str, process: str = "self") -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1]) / 1024


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Torch and SimpleITK on ``count`` threads, and as they were afterwards (SimpleITK only where it is loaded)."""
    import torch

    process = getattr(sys.modules.get("SimpleITK"), "ProcessObject", None)
    before, before_itk = torch.get_num_threads(), process and process.GetGlobalDefaultNumberOfThreads()
    torch.set_num_threads(count)
    if process:
        process.SetGlobalDefaultNumberOfThreads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
        if process:
            process.SetGlobalDefaultNumberOfThreads(before_itk)


def print_table(header: Sequence[str], rows: Iterable[Sequence[object]], texts: int = 2) -> None:
    """A markdown table, row by row as they come; the first ``texts`` columns are words, the others numbers."""
    print(f"| {' | '.join(header)} |")
    print(f"| {' | '.join(['---'] * texts + ['---:'] * (len(header) - texts))} |")
    for row in rows:
        print(f"| {' | '.join('n/a' if str(cell) == 'nan' else str(cell) for cell in row)} |", flush=True)


def versions(names: Iterable[str] = PEERS) -> dict[str, str | None]:
    """Installed version of each package, None where it is not installed."""
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found


@dataclass
class Verdict:
    """What a benchmark found against hnseg, by kind."""

    wrong: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)

    def tell(self, quick: bool) -> int:
        """Print it, and give the exit code; sizes for a smoke run say nothing about who is first."""
        behind = [] if quick else self.behind
        for kind, sentences in (("Answers differ", self.wrong), ("hnseg is not first", behind)):
            if sentences:
                print(f"\n{kind}: {'; '.join(sentences)}.")
        return 1 if self.wrong or behind else 0


def options(doc: str | None, repeats: int) -> argparse.ArgumentParser:
    """``--repeats`` and ``--quick``, as every benchmark has them."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=repeats, help=f"rounds in turn (default {repeats})")
    parser.add_argument("--quick", action="store_true", help="one round of tiny sizes: whether it runs, not how fast")
    return parser
