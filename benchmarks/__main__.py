"""Runs every benchmark, one after the other, and writes docs/benchmarks.md: ``python -m benchmarks [--quick]``.

The exit code is 1 where an answer differs or hnseg is not first.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import ROOT, versions

PAGE = ROOT / "docs" / "benchmarks.md"
BENCHMARKS = {
    "patches": "Patches a second from prepared cases",
    "augment": "Augmented patches a second",
    "slices": "Augmented slices a second",
    "sliding_window": "Sliding-window prediction",
    "prediction_memory": "Memory of predicting ten classes in a whole CT",
    "prediction_slices": "Slices a second of a 2-D network in prediction",
    "clicks": "Answers to clicks",
    "hd95": "HD95",
    "evaluation": "All scores of a patient with nine organs",
    "crf": "Dense conditional random field",
    "rtstruct": "Masks to an RT Structure Set and back",
    "radiomics": "Radiomic features of a tumour",
    "concordance": "Harrell's C-index and its interval",
    "memory": "Memory of a training step, estimated and measured",
}
HEAD = """\
# Benchmarks

Written by `python -m benchmarks` (`make bench`) on {date}; change the scripts in `benchmarks/`, not this page.
Every benchmark first compares answers; contenders then work in turns (A, B, C, C, B, A, ...) and medians are shown.

Turns do not make a busy machine fair: with more work than cores, what runs on several threads slows down far more than
what runs on one. HD95 of the tumour on two cores, ratio of MONAI's median to hnseg's: 3.9 with idle neighbours; with
four busy processes beside it 30 on two threads and 5 on one. Believe a ratio only where the load average of its section
is about that of the benchmark itself.

| | |
| --- | --- |
| processor | {processor}, {cores} of its cores |
| accelerator | {accelerator} |
| threads | {threads} by default; each section says what it used |
| load average over 1, 5, 15 minutes | {before} at the start, {after} at the end |
| took | {minutes:.1f} minutes |
| Python | {python} |
{versions}

medpy (GPL), seg-metrics and rt-utils are no dependencies of hnseg, and pydensecrf2 needs a compiler; they are compared
with where they are installed. To have them in the table, make an environment of its own:
`python -m venv bench-env && bench-env/bin/pip install -c constraints.txt -e '.[oracles,crf]' medpy seg-metrics`, then
`bench-env/bin/pip install --no-deps rt-utils` (it asks for a second build of OpenCV) and
`bench-env/bin/python -m benchmarks`.
"""


def processor() -> str:
    """Its name as the kernel has it (Linux), else as Python has it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def load() -> str:
    return ", ".join(f"{value:.1f}" for value in os.getloadavg())


def run(name: str, quick: bool) -> tuple[int, str]:
    """Exit code of one benchmark and what it printed."""
    print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
    began, before = time.perf_counter(), load()
    command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.{name}", *(["--quick"] if quick else [])]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    printed = done.stdout.strip() or f"It stopped with exit code {done.returncode} and printed nothing."
    return done.returncode, f"`python -m benchmarks.{name}`; load average {before} before, {load()} after.\n\n{printed}"


def head(before: str, seconds: float) -> str:
    import torch

    installed = "\n".join(f"| {name} | {found or 'not installed'} |" for name, found in versions().items())
    return HEAD.format(
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        processor=processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        accelerator=torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        threads=torch.get_num_threads(),
        before=before,
        after=load(),
        minutes=seconds / 60,
        python=platform.python_version(),
        versions=installed,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="tiny sizes, printed and not written to the page")
    parser.add_argument("names", nargs="*", metavar="BENCHMARK", help=f"some of {', '.join(BENCHMARKS)}; printed only")
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"unknown benchmarks {unknown}; there are {list(BENCHMARKS)}")
    before, began = load(), time.perf_counter()
    found = {name: run(name, args.quick) for name in args.names or BENCHMARKS}
    sections = [f"## {BENCHMARKS[name]}\n\n{text}\n" for name, (_, text) in found.items()]
    page = "\n".join([head(before, time.perf_counter() - began), *sections])
    if args.quick or args.names:
        print(page)
    else:
        PAGE.write_text(page, encoding="utf-8")
        print(PAGE)
    return int(any(code for code, _ in found.values()))


if __name__ == "__main__":
    sys.exit(main())
