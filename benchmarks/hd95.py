"""HD95 against its peers on the same masks, interleaved: ``python benchmarks/hd95.py [--repeats 15]``.

Prints a markdown table. Peers that are not installed are left out; medpy is GPL and seg-metrics slow, so neither is a
dependency of hnseg. A peer whose answer is not that of hnseg by the same definition is marked "differs"; the exit code
is 1 if one differs or is faster than hnseg.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.typing import NDArray

from hnseg.metrics.surface import HD95Definition, surface_distances

Mask = NDArray[np.bool_]
Measure = Callable[[Mask, Mask, tuple[float, float, float]], float]


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


def contenders() -> list[tuple[str, HD95Definition, Measure]]:
    found: list[tuple[str, HD95Definition, Measure]] = []
    for definition in ("directed", "pooled", "surface_elements"):
        found.append(("hnseg", definition, ours(definition)))
        for name, package, its_definition, load in PEERS:
            if its_definition == definition:
                try:
                    found.append((f"{name} {version(package)}", definition, load()))
                except (PackageNotFoundError, ImportError) as missing:
                    print(f"left out: {name} ({missing})", file=sys.stderr)
    return found


def compare(
    scene: Scene, measures: list[tuple[str, HD95Definition, Measure]], repeats: int
) -> tuple[list[str], list[str]]:
    """Lines of the table, and complaints.

    One round runs every contender once, so that neighbours on the machine disturb all alike.
    """
    call = scene.prediction, scene.truth, scene.spacing_mm
    answers = [measure(*call) for _, _, measure in measures]  # also warms caches up
    wall_ms: list[list[float]] = [[] for _ in measures]
    cpu_ms: list[list[float]] = [[] for _ in measures]
    for _ in range(repeats):
        for index, (_, _, measure) in enumerate(measures):
            wall, cpu = time.perf_counter(), time.process_time()
            measure(*call)
            wall_ms[index].append(1e3 * (time.perf_counter() - wall))
            cpu_ms[index].append(1e3 * (time.process_time() - cpu))
    our = {definition: index for index, (name, definition, _) in enumerate(measures) if name == "hnseg"}
    lines, complaints = [], []
    for index, (name, definition, _) in enumerate(measures):
        median, p90 = np.percentile(wall_ms[index], [50, 90])
        ratio = median / statistics.median(wall_ms[our[definition]])
        agrees = np.isclose(answers[index], answers[our[definition]], rtol=1e-4)
        if ratio < 1 or not agrees:
            complaints.append(f"{scene.name}, {definition}: {name} {'is faster' if agrees else 'differs'}")
        lines.append(
            f"| {scene.name} | {definition} | {name} | {answers[index]:.4f}{'' if agrees else ' differs'} | "
            f"{median:.1f} | {min(wall_ms[index]):.1f} | {p90:.1f} | {statistics.median(cpu_ms[index]):.1f} | "
            f"{ratio:.1f} | {peak_mib(scene.name, index)} |"
        )
    return lines, complaints


def peak_mib(scene: str, contender: int) -> str:
    """Memory that one call adds to a fresh process, in MiB, by the kernel's high-water mark."""
    child = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--peak", scene, str(contender)], capture_output=True, text=True
    )
    return child.stdout.strip().splitlines()[-1] if child.returncode == 0 and child.stdout.strip() else "?"


def print_peak(scene_name: str, contender: int) -> None:
    import resource

    scene = next(scene for scene in scenes() if scene.name == scene_name)
    _, _, measure = contenders()[contender]
    tiny = np.pad(np.ones((3, 3, 3), bool), 1)
    measure(tiny, tiny, (1.0, 1.0, 1.0))  # imports and tables are not part of it
    # making the masks reached a peak of its own; let the kernel count afresh
    with open("/proc/self/clear_refs", "w") as refs:  # noqa: PTH123
        refs.write("5")
    before = _status_kib("VmRSS")
    measure(scene.prediction, scene.truth, scene.spacing_mm)
    after = _status_kib("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{max(0, after - before) / 1024:.0f}")


def _status_kib(key: str) -> int:
    with open("/proc/self/status") as status:  # noqa: PTH123
        return next((int(line.split()[1]) for line in status if line.startswith(key)), 0)


def main() -> int:
    parser = argparse.ArgumentParser(description="HD95 against MONAI, medpy, surface-distance and seg-metrics.")
    parser.add_argument("--repeats", type=int, default=15, help="interleaved rounds (default 15)")
    parser.add_argument("--peak", nargs=2, metavar=("SCENE", "INDEX"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.peak:
        print_peak(options.peak[0], int(options.peak[1]))
        return 0
    measures, complaints = contenders(), []
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, scipy {version('scipy')}, {os.cpu_count()} CPUs,"
    )
    print(f"{options.repeats} interleaved rounds in one process, default threads of each library.\n")
    print(
        "| masks | definition | library | HD95 mm | median ms | min ms | p90 ms | CPU ms | ratio to hnseg | peak MiB |"
    )
    print("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for scene in scenes():
        lines, found = compare(scene, measures, options.repeats)
        print(*lines, sep="\n", flush=True)
        complaints += found
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
