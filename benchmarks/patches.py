"""Patches a second from prepared cases: ``python -m benchmarks.patches [--repeats 5]``.

hnseg's cache against TorchIO's Queue and MONAI's CacheDataset. Every contender works in a process of its own and
draws one epoch when its turn comes; between turns it waits. The exit code is 1 where voxels differ, or hnseg is not
first among those with as many workers.
"""

from __future__ import annotations

import gc
import importlib
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.cohort import FULL, QUICK, Size, cases, write_cohort
from benchmarks.loaders import LOADERS, make_loader
from benchmarks.measure import ROOT, Verdict, options, peak_of_process_mib, print_table, rounds_of

Name = tuple[str, int]
Row = list[object]
IMPORTS = {"hnseg": ["hnseg.data"], "MONAI": ["monai.transforms", "monai.data"], "TorchIO": ["torchio"]}
"""What is loaded before the clock starts."""
WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
HEADER = (
    "loader", "workers", "patches/s, median", "best", "hnseg times as fast", "CPU ms a patch", "set-up s", "peak MiB"
)  # fmt: skip
WHAT = """\
CT and PET patches of {size.patch}^3 with their label map, batches of 4, nine of ten aimed at the tumour (UniformSampler
does not aim), from {size.patients} phantom cases prepared at {size.spacing_mm:g} mm. TorchIO and MONAI read the same
arrays from .nii.gz. A patch at a known corner of every case was compared first, voxel for voxel. An epoch of
{size.patches} patches each in turn, every loader in a process of its own on one thread, files in the page cache; set-up
holds a first epoch and, for MONAI, its cache; peak is that of the main process, mapped files included.
TorchIO's Queue starts its workers anew every epoch, and an epoch is short here, which counts against its rows with
workers; hnseg's and MONAI's workers stay.
"""


class Contender:
    """A loader that draws one epoch when its turn comes.

    Attributes:
        first: seconds until the first epoch was drawn, and complaints about its voxels.
    """

    def __init__(self, name: Name, folder: Path, size: Size) -> None:
        for module in IMPORTS[name[0].split()[0]]:
            importlib.import_module(module)
        began = time.perf_counter()
        self.loader, self.size, self.patches = make_loader(name[0], folder, size, name[1]), size, 0
        self.draw()
        self.first = {
            "setup_s": time.perf_counter() - began,
            "wrong": voxels_differ(name[0], self.loader, folder, size),
        }
        self.cpu_s, self.patches = _cpu_s(), 0

    def draw(self) -> float:
        """Patches a second of one epoch."""
        began, patches = time.perf_counter(), 0
        for image, label in self.loader.batches():
            assert image.shape[1:] == (2, *(self.size.patch,) * 3), image.shape
            assert image.dtype == torch.float32, image.dtype
            patches += len(label)
        self.patches += patches
        return patches / (time.perf_counter() - began)

    def end(self) -> dict[str, float]:
        """CPU time a patch, and the most memory that this process took."""
        peak = peak_of_process_mib()
        del self.loader
        gc.collect()  # ends its workers, whose CPU time counts from then on
        return {"cpu_ms": 1e3 * (_cpu_s() - self.cpu_s) / self.patches, "peak_mib": peak}


class Remote:
    """A `Contender` in a process of its own; always of the full size."""

    def __init__(self, name: Name, folder: Path, size: Size) -> None:  # noqa: ARG002
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.patches"]
        command += ["--serve", name[0], str(name[1]), str(folder)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
        self.first = self._answer()

    def draw(self) -> float:
        return self._ask("draw")

    def end(self) -> dict[str, float]:
        final = self._ask("end")
        assert self.process.stdin is not None
        self.process.stdin.close()  # which ends the process
        self.process.wait()
        return final

    def _ask(self, word: str) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} stopped with exit code {self.process.wait()}")
        return json.loads(line)


def serve(name: Name, folder: Path, size: Size) -> None:
    """The process of a `Remote`: answers each line of its input with one of JSON."""
    torch.set_num_threads(1)
    contender = Contender(name, folder, size)
    print(json.dumps(contender.first), flush=True)
    for line in sys.stdin:
        print(json.dumps(contender.end() if line.strip() == "end" else contender.draw()), flush=True)


def voxels_differ(name: str, loader: Any, folder: Path, size: Size) -> list[str]:
    """A patch at a known corner of each case against the arrays on disk; complaints."""
    corner, complaints = (3, 5, 7), []
    for index, case in enumerate(cases(folder)):
        z, y, x = (slice(c, c + size.patch) for c in corner)
        image, label = loader.crop(index, corner, size.patch)
        truth = torch.stack([torch.from_numpy(array[z, y, x].astype("float32")) for array in case.images])
        same = torch.equal(label.long(), torch.from_numpy(case.label[z, y, x].astype("int64")))
        if not same or not torch.equal(image, truth):
            complaints.append(f"{name}: other voxels than the prepared case {case.case_id}")
    return complaints


def _cpu_s() -> float:
    """Of this process and of its workers that have ended."""
    return sum(usage.ru_utime + usage.ru_stime for usage in map(resource.getrusage, WHO))


def compare(names: list[Name], contenders: dict[Name, Contender | Remote], repeats: int, verdict: Verdict) -> list[Row]:
    """Rows of the table."""
    rates: dict[Name, list[float]] = {name: [] for name in names}
    for name in rounds_of(names, repeats):
        rates[name].append(contenders[name].draw())
    rows = []
    for name in names:
        first, last = contenders[name].first, contenders[name].end()
        median, ours = statistics.median(rates[name]), statistics.median(rates["hnseg", name[1]])
        verdict.wrong += first["wrong"]
        if median > ours:
            verdict.behind.append(f"{name[0]} with {name[1]} workers is faster")
        numbers = f"{median:.0f}", f"{max(rates[name]):.0f}", f"{ours / median:.1f}", f"{last['cpu_ms']:.1f}"
        rows.append([*name, *numbers, f"{first['setup_s']:.1f}", f"{last['peak_mib']:.0f}"])
    return rows


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, repeats=5)
    parser.add_argument("--serve", nargs=3, metavar=("LOADER", "WORKERS", "FOLDER"), help="a contender's own process")
    args = parser.parse_args(arguments)
    if args.serve:
        serve((args.serve[0], int(args.serve[1])), Path(args.serve[2]), FULL)
        return 0
    size, verdict = QUICK if args.quick else FULL, Verdict()
    names = [(name, workers) for name in LOADERS for workers in ((0,) if args.quick else (0, 2))]
    with tempfile.TemporaryDirectory() as folder:
        write_cohort(Path(folder), size)
        # set up one after the other: set-up is timed too
        contenders = {name: (Contender if args.quick else Remote)(name, Path(folder), size) for name in names}
        rows = compare(names, contenders, 1 if args.quick else args.repeats, verdict)
    print(WHAT.format(size=size))
    print_table(HEADER, rows)
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
