"""The dense conditional random field against pydensecrf2, in turns: ``python -m benchmarks.crf [--repeats 5]``.

CT and PET of 144^3, one structure against its background, 5 iterations, the default kernels, the same probabilities.
The full form must agree with pydensecrf2, where that is installed (``pip install 'hnseg[crf]'``), before anything is
timed. The exit code is 1 where it does not, or hnseg is slower by more than 5 % in wall and in CPU time.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d

from benchmarks.measure import Verdict, options, own_process, peak_above_start_mib, print_table, take_turns
from hnseg.labels import LabelSet
from hnseg.postprocess import Crf, Scene

LABELS = LabelSet(("GTVt",))
CRF = Crf(iterations=5)
MOST, RMS, SAME = 0.05, 0.01, 0.99
"""How far the probabilities of the full form may be from pydensecrf2's, and the least Dice between the masks."""
NOISE = 1.05
"""Two runs of the same work on a shared machine differ by about this factor."""
FULL, QUICK = 144, 32
HEADER = ("probabilities", "contender", "Dice before", "Dice after", "off by", "median s", "min s", "CPU s")
HEADER += ("ratio to hnseg", "peak MiB")
WHAT = """\
CT and PET ({cube}^3, 1 mm), a ball of radius {radius:.0f} mm in noise, one structure against its background, 5
iterations, default kernels; all that a call needs is part of it. {rounds} rounds in turn, {threads} threads of torch
(pydensecrf2 has one); off by is the largest difference to pydensecrf2's probabilities; ratio is the median over that of
hnseg, full form; peak is what a call adds to a fresh process. Left out, because not installed: {missing}.
`noisy`: probabilities above 0.001 all over the image, so that all of it is refined. `certain`: the network is wrong
near the ball only, and hnseg leaves the rest out.
"""


@dataclass(frozen=True, eq=False)
class Work:
    """What is to be refined: probabilities (1, Z, Y, X), and the truth (Z, Y, X)."""

    probabilities: Tensor
    truth: Tensor
    scene: Scene


Contender = Callable[[Work], Tensor]
"""Gives Q of the structure, (Z, Y, X)."""


def make(name: str, cube: int) -> Work:
    rng = torch.Generator().manual_seed(0)
    axis = torch.arange(cube) - cube / 2
    distance_mm = (axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2).sqrt()
    truth = distance_mm < radius_mm(cube)

    def noise(std: float) -> Tensor:
        # neighbours share it, as they do after a reconstruction; 27 voxels of standard deviation 1 have a mean of 0.19
        white = torch.randn(1, 1, cube, cube, cube, generator=rng)
        return std / 0.19 * avg_pool3d(white, 3, 1, 1, count_include_pad=False)[0, 0]

    ct_hu, pet_suv = 40 + 60 * truth + noise(15), 1.5 + 6 * truth + noise(0.3)
    logits = 1.5 * (2.0 * truth - 1) + noise(1.5)
    if name == "certain":
        logits = logits - (distance_mm - 1.5 * radius_mm(cube)).clamp(0, 20)
    scene = Scene(torch.stack([ct_hu, pet_suv]), ("ct", "pt"), (1.0, 1.0, 1.0))
    return Work(logits.sigmoid()[None], truth, scene)


def radius_mm(cube: int) -> float:
    return max(10.0, cube / 9)  # a smaller ball vanishes under the default position term


def ours(crf: Crf) -> Contender:
    return lambda work: crf.refine(work.probabilities, work.scene, LABELS)[0]


def pydensecrf2() -> Contender:
    dense, utils = importlib.import_module("pydensecrf.densecrf"), importlib.import_module("pydensecrf.utils")

    def run(work: Work) -> Tensor:
        both = torch.cat([1 - work.probabilities, work.probabilities]).numpy()
        ends = [CRF.intensity_range[name] for name in work.scene.modalities]
        grey = [(i.clamp(*e) - e[0]) / (e[1] - e[0]) * 255 for i, e in zip(work.scene.image, ends, strict=True)]
        stds = [CRF.intensity_std[name] for name in work.scene.modalities]
        alike = utils.create_pairwise_bilateral(CRF.bilateral_std_mm, stds, torch.stack(grey).numpy(), chdim=0)
        field = dense.DenseCRF(both[0].size, 2)
        field.setUnaryEnergy(np.ascontiguousarray(utils.unary_from_softmax(both)))
        near = utils.create_pairwise_gaussian(CRF.position_std_mm, both.shape[1:])
        field.addPairwiseEnergy(near, compat=CRF.position_weight)
        field.addPairwiseEnergy(alike, compat=CRF.bilateral_weight)
        return torch.from_numpy(np.array(field.inference(CRF.iterations))[1]).view(work.truth.shape)

    return run


def contenders() -> tuple[dict[str, Contender], list[str]]:
    """Who is here, hnseg's full form first, and who is not."""
    found = {"hnseg, full": ours(CRF), "hnseg, window of 5": ours(replace(CRF, form="window"))}
    try:
        return {**found, f"pydensecrf2 {version('pydensecrf2')}": pydensecrf2()}, []
    except (PackageNotFoundError, ImportError):
        return found, ["pydensecrf2"]


def dice(a: Tensor, b: Tensor) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def disagreement(mine: Tensor, theirs: Tensor) -> str:
    """What is beyond the stated tolerance; empty where nothing is."""
    off = (mine - theirs).abs()
    most, rms, same = float(off.max()), float(off.square().mean().sqrt()), dice(mine > 0.5, theirs > 0.5)
    return "" if most < MOST and rms < RMS and same >= SAME else f"most {most:.3f}, rms {rms:.4f}, Dice {same:.4f}"


def compare(name: str, cube: int, args: argparse.Namespace, verdict: Verdict) -> Iterator[list[str]]:
    """Rows of the table for one kind of probabilities."""
    work, (here, _) = make(name, cube), contenders()
    answers = {who: run(work) for who, run in here.items()}  # also warms caches up
    (first, *_), peer = here, next((who for who in here if who.startswith("pydensecrf2")), None)
    complaint = disagreement(answers[first], answers[peer]) if peer else ""
    if complaint:
        verdict.wrong.append(f"{name}: {first} against {peer}: {complaint}")
        return
    times = take_turns({who: partial(run, work) for who, run in here.items()}, 1 if args.quick else args.repeats)
    mine = times[first]
    # on a shared machine the wall time of seconds-long work says as much about the neighbours; CPU time must agree
    if peer and min(mine.median_s / times[peer].median_s, mine.cpu_median_s / times[peer].cpu_median_s) > NOISE:
        verdict.behind.append(f"{name}: {peer} is faster")
    before = dice(work.probabilities[0] > 0.5, work.truth)
    for number, (who, spent) in enumerate(times.items()):
        off = float((answers[who] - answers[peer]).abs().max()) if peer else float("nan")
        peak = float("nan") if args.quick else own_process("benchmarks.crf", "--peak", name, str(number))["mib"]
        quality = f"{before:.3f}", f"{dice(answers[who] > 0.5, work.truth):.3f}", f"{off:.3f}"
        seconds = spent.median_s, min(spent.wall_s), spent.cpu_median_s
        ratio = spent.median_s / mine.median_s
        yield [name, who, *quality, *(f"{s:.2f}" for s in seconds), f"{ratio:.2f}", f"{peak:.0f}"]


def print_peak(name: str, contender: int) -> None:
    """As JSON the memory in MiB that one call adds to this process."""
    run = list(contenders()[0].values())[contender]
    run(make(name, QUICK // 2))  # imports and tables are not part of it
    work = make(name, FULL)
    print(json.dumps({"mib": peak_above_start_mib(lambda: run(work))}))


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, repeats=5)
    parser.add_argument("--peak", nargs=2, metavar=("NAME", "INDEX"), help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.peak:
        print_peak(args.peak[0], int(args.peak[1]))
        return 0
    cube, rounds, verdict = QUICK if args.quick else FULL, 1 if args.quick else args.repeats, Verdict()
    said = {"cube": cube, "radius": radius_mm(cube), "rounds": rounds, "threads": torch.get_num_threads()}
    print(WHAT.format(**said, missing=", ".join(contenders()[1]) or "none"))
    kinds = ("noisy", "certain")
    print_table(HEADER, (row for name in kinds for row in compare(name, cube, args, verdict)))
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
