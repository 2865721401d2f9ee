"""All scores of one patient with nine organs, hnseg and its peers, in turns: ``python -m benchmarks.evaluation``.

hnseg writes its whole row an organ; MONAI and surface-distance compute what they have of it. The exit code is 1 if an
answer differs, or a peer is faster.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import warnings
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from benchmarks.measure import Verdict, options, own_process, peak_above_start_mib, print_table, take_turns
from hnseg.evaluate.cases import evaluate_case
from hnseg.evaluate.tolerances import NIKOLOV2021_MM
from hnseg.types import Grid, Volume

ORGANS = tuple(NIKOLOV2021_MM)
SCAN = Grid((160, 512, 512), (1.0, 0.98, 0.98))
SMALL = Grid((64, 72, 72), (2.0, 1.96, 1.96))
Scores = dict[str, dict[str, float]]
Contender = Callable[[Volume, Volume], Scores]
COMPARED = {"dice": 1e-6, "hd95_mm": 1e-4, "hd95_surface_mm": 1e-4, "surface_dice": 1e-5}
"""Columns that a peer may have, and how far from hnseg's its answer may be."""
HEADER = ("library", "scores an organ", "median ms", "min ms", "p90 ms", "CPU ms", "ratio to hnseg", "peak MiB")
WHAT = """\
Two label maps of {shape} voxels with nine organs of usual size, {voxels:,} labelled voxels; everybody starts from the
label maps, in memory. Answers that two have (Dice, HD95, surface Dice at Nikolov's tolerances) must agree first;
hnseg's row has 14 measures and 3 lesion counts, the peers are asked only for those named. {rounds} rounds in turn in
one process, default threads of each library; peak is what one call adds to a fresh process. Not installed: {missing}.
"""
ELLIPSOIDS_MM = {
    "BrainStem": ((20, 35, 0), (24, 13, 16)),
    "Chiasm": ((48, 5, 0), (3.5, 6, 9)),
    "Parotid": ((-10, 20, 55), (28, 20, 13)),
    "Submandibular": ((-45, -10, 32), (15, 16, 9)),
}
"""Centre from the middle of the scan and radii, (z, y, x); those of two sides on the left."""


def away_mm(grid: Grid) -> list[NDArray[np.float64]]:
    """Distance of every voxel from the middle of the scan along each axis, ready to broadcast."""
    axes = np.ogrid[tuple(slice(0, n) for n in grid.shape_zyx)]
    return [(axis - n / 2) * mm for axis, n, mm in zip(axes, grid.shape_zyx, grid.spacing_mm, strict=True)]


def tube(points_mm: NDArray[np.float64], radius_mm: float, grid: Grid) -> NDArray[np.bool_]:
    """Everything within ``radius_mm`` of a chain of points (N, 3), counted from the middle of the scan."""
    inside = np.zeros(grid.shape_zyx, bool)
    for point in points_mm:
        inside |= sum((a - p) ** 2 for a, p in zip(away_mm(grid), point, strict=True)) < radius_mm**2
    return inside


def organ(name: str, grid: Grid, moved_mm: float) -> NDArray[np.bool_]:
    """An organ of about the usual place and size; another reader's is moved and has another surface."""
    kind, side = name.partition("_")[0], -1 if name.endswith("_R") else 1
    if kind == "Mandible":
        angle = np.linspace(-0.1, np.pi + 0.1, 60)
        arch = np.stack([-35 - 18 * np.sin(angle), 10 - 70 * np.sin(angle), 50 * np.cos(angle)], 1)
        return tube(arch + moved_mm, 7, grid)
    if kind == "OpticNerve":
        along = np.linspace(0, 1, 25)
        return tube(np.stack([46 + 4 * along, -35 * along, side * (8 + 18 * along)], 1) + moved_mm, 2.6, grid)
    (z, y, x), radii = ELLIPSOIDS_MM[kind]
    centre = z, y, side * x
    scaled = [(a - c - moved_mm) / r for a, c, r in zip(away_mm(grid), centre, radii, strict=True)]
    ripple = 1 + 0.12 * np.sin(3 * scaled[0] + moved_mm) * np.cos(2 * scaled[1] + scaled[2])
    return sum(s**2 for s in scaled) < ripple


def reading(grid: Grid, moved_mm: float) -> Volume:
    """A label map of all organs."""
    labels = np.zeros(grid.shape_zyx, np.uint8)
    for value, name in enumerate(ORGANS, start=1):
        labels[organ(name, grid, moved_mm * (1 + value % 3) / 2)] = value
    return Volume(labels, grid)


def ours(prediction: Volume, truth: Volume) -> Scores:
    rows = evaluate_case(prediction, truth, ORGANS, (True,) * len(ORGANS), case_id="a", centre="")
    return {row["structure"]: row for row in rows}


def monai(crop: bool = False) -> Contender:
    """MONAI on the whole scan, or on the box around the organ, as a user may cut it out beforehand."""
    torch = importlib.import_module("torch")
    metrics = importlib.import_module("monai.metrics")

    def run(prediction, truth):
        found = {}
        for value, name in enumerate(ORGANS, start=1):
            masks = prediction.array == value, truth.array == value
            if crop:
                box = find_objects((masks[0] | masks[1]).view(np.uint8))[0]
                masks = masks[0][box], masks[1][box]
            # float32: measured faster for MONAI than bool
            pair = tuple(torch.from_numpy(np.ascontiguousarray(mask))[None, None].float() for mask in masks)
            about = {"include_background": True, "spacing": truth.spacing_mm}
            surface = {"class_thresholds": [NIKOLOV2021_MM[name]], "use_subvoxels": True}
            found[name] = {
                "dice": float(metrics.compute_dice(*pair, include_background=True)),
                "hd95_mm": float(metrics.compute_hausdorff_distance(*pair, percentile=95, **about)),
                "surface_dice": float(metrics.compute_surface_dice(*pair, **surface, **about)),
            }
        return found

    return run


def deepmind() -> Contender:
    library = importlib.import_module("surface_distance")

    def run(prediction, truth):
        found = {}
        for value, name in enumerate(ORGANS, start=1):
            masks = truth.array == value, prediction.array == value
            distances = library.compute_surface_distances(*masks, truth.spacing_mm)
            found[name] = {
                "dice": library.compute_dice_coefficient(*masks),
                "hd95_surface_mm": library.compute_robust_hausdorff(distances, 95),
                "surface_dice": library.compute_surface_dice_at_tolerance(distances, NIKOLOV2021_MM[name]),
            }
        return found

    return run


PEERS = (
    ("MONAI", "monai", monai),
    ("MONAI on each organ's box", "monai", partial(monai, crop=True)),
    ("surface-distance", "surface-distance", deepmind),
)


def contenders() -> tuple[dict[str, Contender], list[str]]:
    """Who is here, and the peers that are not installed."""
    found: dict[str, Contender] = {"hnseg": ours}
    missing = []
    for name, package, load in PEERS:
        try:
            found[f"{name}, {version(package)}"] = load()
        except (PackageNotFoundError, ImportError):
            missing.append(name)
    return found, missing


def compare(works: dict[str, Contender], scan: tuple[Volume, Volume], args: argparse.Namespace, verdict: Verdict):
    """Rows of the table."""
    answers = {name: work(*scan) for name, work in works.items()}  # also warms caches up
    times = take_turns({n: partial(w, *scan) for n, w in works.items()}, 1 if args.quick else args.repeats)
    for name, answer in answers.items():
        known = [column for column in COMPARED if column in answer[ORGANS[0]]]
        for structure in ORGANS:
            for column in known:
                if abs(answer[structure][column] - answers["hnseg"][structure][column]) > COMPARED[column]:
                    verdict.wrong.append(f"{structure}, {column}: {name}")
        ratio = times[name].median_s / times["hnseg"].median_s
        if ratio < 1:
            verdict.behind.append(f"{name} is faster")
        asked = "all 17" if name == "hnseg" else ", ".join(known)
        seconds = times[name].median_s, min(times[name].wall_s), times[name].p90_s, times[name].cpu_median_s
        peak = float("nan") if args.quick else own_process("benchmarks.evaluation", "--peak", name)["mib"]
        yield [name, asked, *(f"{1e3 * s:.0f}" for s in seconds), f"{ratio:.1f}", f"{peak:.0f}"]


def print_peak(name: str) -> None:
    """As JSON the memory in MiB that one call adds to this process."""
    work, scan = contenders()[0][name], (reading(SCAN, 1.2), reading(SCAN, 0.0))
    work(reading(SMALL, 1.2), reading(SMALL, 0.0))  # imports and tables are not part of it
    print(json.dumps({"mib": peak_above_start_mib(lambda: work(*scan))}))


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, repeats=5)
    parser.add_argument("--peak", metavar="NAME", help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.peak:
        print_peak(args.peak)
        return 0
    (works, missing), verdict = contenders(), Verdict()
    grid = SMALL if args.quick else SCAN
    scan = reading(grid, 1.2), reading(grid, 0.0)
    about = {"rounds": 1 if args.quick else args.repeats, "missing": ", ".join(missing) or "none"}
    print(WHAT.format(shape=" x ".join(map(str, grid.shape_zyx)), voxels=int((scan[1].array > 0).sum()), **about))
    with warnings.catch_warnings(action="ignore"):
        print_table(HEADER, compare(works, scan, args, verdict), texts=2)
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
