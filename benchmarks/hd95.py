"""HD95 against its peers on the same masks, in turns: ``python -m benchmarks.hd95 [--repeats 15]``.

Peers that are not installed are left out; medpy is GPL and seg-metrics slow, so neither is a dependency of hnseg. The
exit code is 1 if a peer's answer is not that of hnseg by the same definition, or a peer is faster.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Verdict, options, own_process, peak_above_start_mib, print_table, take_turns
from hnseg.metrics.surface import HD95Definition, surface_distances

Mask = NDArray[np.bool_]
Measure = Callable[[Mask, Mask, tuple[float, float, float]], float]
Contender = tuple[str, HD95Definition, Measure]
HEADER = (
    "masks", "definition", "library", "HD95 mm", "median ms", "min ms", "p90 ms", "CPU ms", "ratio to hnseg", "peak MiB"
)  # fmt: skip
WHAT = """\
The same two masks, and for each definition of HD95 the libraries that have it; answers must agree within 0.01 %.
{rounds} rounds in turn in one process, default threads of each library; ratio is the median over hnseg's of that
definition; peak is what one call adds to a fresh process. Left out, because not installed: {missing}.
"""


@dataclass(frozen=True)
class Scene:
    """Two masks that lie as a prediction and its truth do."""

    name: str
    prediction: Mask
    truth: Mask
    spacing_mm: tuple[float, float, float]


def ellipsoid(shape, centre, radii) -> Mask:
    axes = np.ogrid[tuple(slice(0, n) for n in shape)]
    return sum(((axis - c) / r) ** 2 for axis, c, r in zip(axes, centre, radii, strict=True)) < 1


def horseshoe(shape, centre, shift: int) -> Mask:
    """An arch of the size of a mandible, open to the back."""
    z, y, x = centre
    outer = ellipsoid(shape, (z, y, x), (22, 110, 95))
    inner = ellipsoid(shape, (z, y + 20, x), (40, 105, 80))
    arch = outer & ~inner
    arch[:, y + 60 + shift :] = False
    return arch


def scenes() -> Iterator[Scene]:
    cube, scan = (144, 144, 144), (160, 512, 512)
    yield Scene(
        "tumour 144^3",
        ellipsoid(cube, (70, 72, 74), (14, 18, 16)),
        ellipsoid(cube, (72, 71, 76), (15, 17, 17)),
        (1.0, 1.0, 1.0),
    )
    yield Scene(
        "parotid 160x512x512",
        ellipsoid(scan, (80, 256, 200), (11, 30, 22)),
        ellipsoid(scan, (81, 258, 203), (10, 31, 21)),
        (3.0, 0.98, 0.98),
    )
    yield Scene(
        "mandible 160x512x512",
        horseshoe(scan, (80, 230, 256), 0),
        horseshoe(scan, (82, 230, 258), 2),
        (3.0, 0.98, 0.98),
    )


def ours(definition: HD95Definition) -> Measure:
    return lambda prediction, truth, spacing_mm: surface_distances(prediction, truth, spacing_mm).hd95(definition)


def monai() -> Measure:
    torch = importlib.import_module("torch")
    measure = importlib.import_module("monai.metrics").compute_hausdorff_distance

    def run(prediction, truth, spacing_mm):
        pair = (torch.from_numpy(mask)[None, None] for mask in (prediction, truth))
        return float(measure(*pair, include_background=True, percentile=95, spacing=spacing_mm))

    return run


def medpy() -> Measure:
    binary = importlib.import_module("medpy.metric.binary")
    return lambda prediction, truth, spacing_mm: binary.hd95(prediction, truth, voxelspacing=spacing_mm)


def deepmind() -> Measure:
    library = importlib.import_module("surface_distance")

    def run(prediction, truth, spacing_mm):
        found = library.compute_surface_distances(truth, prediction, spacing_mm)
        return library.compute_robust_hausdorff(found, 95)

    return run


def seg_metrics() -> Measure:
    library = importlib.import_module("seg_metrics.seg_metrics")

    def run(prediction, truth, spacing_mm):
        found = library.write_metrics(
            labels=[1],
            gdth_img=truth.astype(np.uint8),
            pred_img=prediction.astype(np.uint8),
            metrics=["hd95"],
            spacing=np.array(spacing_mm),
            TPTNFPFN=False,
        )
        return float(found[0]["hd95"][0])

    return run


PEERS: tuple[tuple[str, str, HD95Definition, Callable[[], Measure]], ...] = (
    ("MONAI", "monai", "directed", monai),
    ("medpy", "medpy", "pooled", medpy),
    ("surface-distance", "surface-distance", "surface_elements", deepmind),
    ("seg-metrics", "seg-metrics", "surface_elements", seg_metrics),
)


def contenders() -> tuple[list[Contender], list[str]]:
    """Who is here, and the peers that are not installed."""
    found: list[Contender] = []
    missing: list[str] = []
    for definition in ("directed", "pooled", "surface_elements"):
        found.append(("hnseg", definition, ours(definition)))
        for name, package, its_definition, load in PEERS:
            if its_definition == definition:
                try:
                    found.append((f"{name} {version(package)}", definition, load()))
                except (PackageNotFoundError, ImportError):
                    missing.append(name)
    return found, missing


def compare(scene: Scene, measures: list[Contender], args: argparse.Namespace, verdict: Verdict) -> Iterator[list[str]]:
    """Rows of the table."""
    call = scene.prediction, scene.truth, scene.spacing_mm
    answers = [measure(*call) for _, _, measure in measures]  # also warms caches up
    works = {index: partial(measure, *call) for index, (_, _, measure) in enumerate(measures)}
    times = take_turns(works, 1 if args.quick else args.repeats)
    our = {definition: index for index, (name, definition, _) in enumerate(measures) if name == "hnseg"}
    for index, (name, definition, _) in enumerate(measures):
        ratio = times[index].median_s / times[our[definition]].median_s
        if not np.isclose(answers[index], answers[our[definition]], rtol=1e-4):
            verdict.wrong.append(f"{scene.name}, {definition}: {name}")
        if ratio < 1:
            verdict.behind.append(f"{scene.name}, {definition}: {name} is faster")
        mine = times[index]
        seconds = mine.median_s, min(mine.wall_s), mine.p90_s, mine.cpu_median_s
        peak = float("nan") if args.quick else own_process("benchmarks.hd95", "--peak", scene.name, str(index))["mib"]
        numbers = [f"{answers[index]:.4f}", *(f"{1e3 * s:.1f}" for s in seconds), f"{ratio:.1f}", f"{peak:.0f}"]
        yield [scene.name, definition, name, *numbers]


def print_peak(scene_name: str, contender: int) -> None:
    """As JSON the memory in MiB that one call adds to this process."""
    scene = next(scene for scene in scenes() if scene.name == scene_name)
    measure = contenders()[0][contender][2]
    tiny = np.pad(np.ones((3, 3, 3), bool), 1)
    measure(tiny, tiny, (1.0, 1.0, 1.0))  # imports and tables are not part of it
    mib = peak_above_start_mib(lambda: measure(scene.prediction, scene.truth, scene.spacing_mm))
    print(json.dumps({"mib": mib}))


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, repeats=15)
    parser.add_argument("--peak", nargs=2, metavar=("SCENE", "INDEX"), help=argparse.SUPPRESS)
    args = parser.parse_args(arguments)
    if args.peak:
        print_peak(args.peak[0], int(args.peak[1]))
        return 0
    (measures, missing), verdict = contenders(), Verdict()
    print(WHAT.format(rounds=1 if args.quick else args.repeats, missing=", ".join(dict.fromkeys(missing)) or "none"))
    shown = islice(scenes(), 1) if args.quick else scenes()
    with warnings.catch_warnings(action="ignore"):
        print_table(HEADER, (row for scene in shown for row in compare(scene, measures, args, verdict)), texts=3)
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
