"""Harrell's C against lifelines and scikit-survival, in turns: ``python -m benchmarks.concordance [--repeats 7]``.

Times in whole days and risks of two decimals, so that both are tied; all must agree before anything is timed. Then the
interval of a cross-validated index, against the same resamples scored one by one with each. The exit code is 1 where
answers differ, or hnseg is slower by more than 5 % in wall and in CPU time.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Verdict, options, own_process, peak_above_start_mib, print_table, take_turns
from hnseg.survival.objects import Outcome
from hnseg.survival.statistics import FoldRisks, bootstrap_interval, concordance

SIZES, QUICK = (45, 1_000, 10_000, 100_000), (45, 200)
PAIRWISE = 10_000
"""scikit-survival looks at all patients for every event; ten times as many take a hundred times as long."""
SAME = 1e-9
NOISE = 1.05
"""Two runs of the same work on a shared machine differ by about this factor."""
PATIENTS, FOLDS, RESAMPLES = 224, 5, 1000
HEADER = ("work", "contender", "value", "median ms", "min ms", "CPU ms", "ratio to hnseg", "peak MiB")
WHAT = """\
Patients with times in whole days, a third of them events, and risks of two decimals, so that both are tied. {rounds}
rounds in turn on one thread; ratio is the median over that of hnseg; peak is what a call adds to a fresh process.
`interval`: {resamples} resamples of {patients} patients in {folds} folds; the others score the resampled patients of
every fold one by one, and were given the draws. Left out: {missing}.
"""


class Cohort(NamedTuple):
    """Arrays of one length."""

    event: NDArray[np.bool_]
    time_days: NDArray[np.float64]
    risk: NDArray[np.float64]

    def rows(self, rows: NDArray[np.intp]) -> Cohort:
        return Cohort(*(of[rows] for of in self))


Index = Callable[[Cohort], float]


def make(n: int) -> Cohort:
    rng = np.random.default_rng(n)
    time = np.ceil(rng.exponential(900, n))
    return Cohort(rng.random(n) < 1 / 3, time, np.round(rng.normal(size=n) - time / 1000, 2))


def indices() -> tuple[dict[str, Index], list[str]]:
    """Who is here, hnseg first, and who is not."""
    found: dict[str, Index] = {"hnseg": lambda c: concordance(c.event, c.time_days, c.risk)}
    missing = []
    try:
        theirs = importlib.import_module("lifelines.utils").concordance_index
        found[f"lifelines {version('lifelines')}"] = lambda c: float(theirs(c.time_days, -c.risk, c.event))
        censored = importlib.import_module("sksurv.metrics").concordance_index_censored
        name = f"scikit-survival {version('scikit-survival')}"
        found[name] = lambda c: float(censored(c.event, c.time_days, c.risk)[0])
    except (PackageNotFoundError, ImportError) as error:
        missing.append(str(error.name))
    return found, missing


def cross_validated() -> list[FoldRisks]:
    cohort = make(PATIENTS)
    parts = np.array_split(np.arange(PATIENTS), FOLDS)
    folds = []
    for part in parts:
        event, time, risk = cohort.rows(part)
        folds.append(FoldRisks(Outcome(tuple(f"p{number}" for number in part), event, time), risk))
    return folds


def one_by_one(index: Index, folds: list[FoldRisks], resamples: int) -> NDArray[np.float64]:
    """(resamples,) mean over folds, of the patients that hnseg draws."""
    rng = np.random.Generator(np.random.Philox(0))
    scores = []
    for fold in folds:
        n, cohort = len(fold.test), Cohort(fold.test.event, fold.test.time_days, fold.risk)
        drawn = rng.multinomial(n, np.full(n, 1 / n), size=resamples)
        scores.append([index(cohort.rows(np.repeat(np.arange(n), times))) for times in drawn])
    return np.mean(scores, axis=0)


def works(name: str, resamples: int) -> dict[str, Callable[[], object]]:
    """Every contender's work: the index of so many patients, or the interval."""
    here, _ = indices()
    if name != "interval":
        cohort = make(int(name))
        return {
            who: partial(index, cohort)
            for who, index in here.items()
            if len(cohort.event) <= PAIRWISE or not who.startswith("scikit")
        }
    folds = cross_validated()
    loops = {f"{who}, one by one": partial(_quantiles, index, folds, resamples) for who, index in here.items()}
    return {"hnseg": partial(bootstrap_interval, folds, resamples=resamples), **loops}


def _quantiles(index: Index, folds: list[FoldRisks], resamples: int) -> tuple[float, float]:
    low, high = np.quantile(one_by_one(index, folds, resamples), [0.025, 0.975])
    return float(low), float(high)


def compare(name: str, args: argparse.Namespace, verdict: Verdict) -> Iterator[list[str]]:
    """Rows of the table for one kind of work."""
    todo = works(name, 20 if args.quick else RESAMPLES)
    answers = {who: np.atleast_1d(np.asarray(work(), float)) for who, work in todo.items()}
    if off := [who for who, answer in answers.items() if np.abs(answer - answers["hnseg"]).max() > SAME]:
        verdict.wrong.append(f"{name}: {', '.join(off)}: {[answers[who].tolist() for who in ('hnseg', *off)]}")
        return
    slow = name == "interval"
    rounds = 1 if args.quick else min(args.repeats, 3) if slow else args.repeats
    times = take_turns(todo, rounds)
    mine = times["hnseg"]
    for who, spent in times.items():
        if min(mine.median_s / spent.median_s, mine.cpu_median_s / spent.cpu_median_s) > NOISE:
            verdict.behind.append(f"{name}: {who} is faster")
        peak = float("nan") if args.quick else own_process("benchmarks.concordance", "--peak", name, who)["mib"]
        value = " to ".join(f"{number:.4f}" for number in answers[who])
        seconds = spent.median_s, min(spent.wall_s), spent.cpu_median_s
        ratio = f"{spent.median_s / mine.median_s:.1f}"
        yield [_words(name), who, value, *(f"{1000 * s:.2f}" for s in seconds), ratio, f"{peak:.1f}"]


def _words(name: str) -> str:
    return name if name == "interval" else f"index, n = {int(name):,}"


def print_peak(name: str, who: str) -> None:
    """As JSON the memory in MiB that one call adds to this process."""
    work = works(name, RESAMPLES)[who]
    warm: Mapping[str, Callable[[], object]] = works("45", 2)
    for each in warm.values():  # imports are not part of it
        each()
    print(json.dumps({"mib": peak_above_start_mib(work)}))


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, repeats=7)
    parser.add_argument("--peak", nargs=2, metavar=("NAME", "WHO"), help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.peak:
        print_peak(*args.peak)
        return 0
    missing = indices()[1] + [f"scikit-survival above {PAIRWISE:,} patients, of which it looks at all pairs"]
    rounds = 1 if args.quick else args.repeats
    said = {"rounds": rounds, "resamples": RESAMPLES, "patients": PATIENTS, "folds": FOLDS}
    print(WHAT.format(**said, missing=", ".join(missing)))
    verdict = Verdict()
    names = [*map(str, QUICK if args.quick else SIZES), "interval"]
    print_table(HEADER, (row for name in names for row in compare(name, args, verdict)))
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
