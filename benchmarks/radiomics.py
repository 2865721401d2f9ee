"""Radiomic features of a tumour against pyradiomics, in turns: ``python -m benchmarks.radiomics [--repeats 7]``.

pyradiomics is no dependency of hnseg: it needs a C compiler and does not build on Python 3.12. Where it is not
installed, hnseg is timed alone. The exit code is 1 if a feature is not pyradiomics', or pyradiomics is faster.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from benchmarks.measure import Verdict, options, print_table, take_turns
from hnseg.radiomics import DEFAULTS, Settings, extract

Measure = Callable[["Scene"], dict[str, float]]
MESH = ("MeshVolume", "SurfaceArea", "SurfaceVolumeRatio", "Sphericity")
HEADER = (
    "tumour", "library", "features", "grey levels", "largest difference", "of the mesh", "median ms", "min ms",
    "CPU ms", "ratio to hnseg"
)  # fmt: skip
WHAT = """\
All 107 features of smooth noise inside an uneven tumour, voxels of 1 mm, {rounds} round(s) in turn in one process,
default threads; ratio is the median over hnseg's. Largest difference is relative, to hnseg; "of the mesh" that of the
four features of the surface, whose mesh pyradiomics does not close where voxels touch along an edge. Peer: {peer}.
"""
MOST_APART, MESH_APART = 1e-6, 0.02
"""Relative; third moments nearly cancel, which leaves 1e-7."""


@dataclass(frozen=True)
class Scene:
    """An image with a tumour in it."""

    name: str
    image: NDArray[np.float64]
    mask: NDArray[np.bool_]
    settings: Settings


def scene(name: str, size: int, radius: float, modality: str) -> Scene:
    """A ball with a wavy surface in ``size``^3; HU for ``ct``, SUV for ``pt``."""
    rng = np.random.default_rng(0)
    waves = ndimage.gaussian_filter(rng.normal(size=(size,) * 3), 3)
    noise = ndimage.gaussian_filter(rng.normal(size=(size,) * 3), 1.2)
    axis = np.arange(size) - size / 2 + 0.3
    distance = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    mask = distance * (1 + waves / waves.std() * 0.1) < radius
    image = 40 + 60 * noise / noise.std() if modality == "ct" else np.abs(6 + 3 * noise / noise.std())
    return Scene(name, image, mask, DEFAULTS[modality])


def scenes(quick: bool) -> Iterator[Scene]:
    if quick:
        yield scene("CT 24^3, 1 ml", 24, 6.5, "ct")
        return
    yield scene("CT 144^3, 2 ml", 144, 8.0, "ct")
    yield scene("CT 144^3, 30 ml", 144, 19.3, "ct")
    yield scene("PET 144^3, 30 ml", 144, 19.3, "pt")


def ours(one: Scene) -> dict[str, float]:
    return extract(one.image, one.mask, (1.0, 1.0, 1.0), one.settings)


def pyradiomics() -> Measure:
    np.__dict__.setdefault("float", float)  # which numpy 1.24 took away and pyradiomics uses
    extractor = importlib.import_module("radiomics.featureextractor").RadiomicsFeatureExtractor
    logging.getLogger("radiomics").setLevel(logging.CRITICAL)

    def run(one: Scene) -> dict[str, float]:
        image, mask = sitk.GetImageFromArray(one.image), sitk.GetImageFromArray(one.mask.astype(np.uint8))
        found = extractor(binWidth=one.settings.bin_width, additionalInfo=False).execute(image, mask)
        return {name: float(value) for name, value in found.items()}

    return run


def contenders() -> tuple[dict[str, Measure], str]:
    """Who is here, and what is said of the peer."""
    try:
        name = f"pyradiomics {version('pyradiomics')}"
        return {"hnseg": ours, name: pyradiomics()}, name
    except (PackageNotFoundError, ImportError):
        return {"hnseg": ours}, "pyradiomics, not installed"


def apart(found: dict[str, float], expected: dict[str, float]) -> tuple[float, float]:
    """The largest relative difference of features, and of those of the mesh; infinite where one is missing."""
    if set(found) != set(expected):
        return float("inf"), float("inf")
    mesh = {f"original_shape_{name}" for name in MESH}
    differences = {name: abs(found[name] - value) / max(abs(value), 1e-9) for name, value in expected.items()}
    return max(d for name, d in differences.items() if name not in mesh), max(differences[name] for name in mesh)


def compare(one: Scene, measures: dict[str, Measure], rounds: int, verdict: Verdict) -> Iterator[list[str]]:
    """Rows of the table."""
    answers = {name: measure(one) for name, measure in measures.items()}  # also warms caches up
    times = take_turns({name: partial(measure, one) for name, measure in measures.items()}, rounds)
    levels = np.unique(np.floor(one.image[one.mask] / (one.settings.bin_width or 1))).size
    for name, mine in times.items():
        ratio = mine.median_s / times["hnseg"].median_s
        rest, mesh = apart(answers[name], answers["hnseg"])
        if not (rest < MOST_APART and mesh < MESH_APART):
            verdict.wrong.append(f"{one.name}: {name}")
        if ratio < 1:
            verdict.behind.append(f"{one.name}: {name} is faster")
        seconds = mine.median_s, min(mine.wall_s), mine.cpu_median_s
        numbers = [str(len(answers[name])), str(levels), f"{rest:.0e}", f"{mesh:.0e}"]
        yield [one.name, name, *numbers, *(f"{1e3 * s:.0f}" for s in seconds), f"{ratio:.1f}"]


def main(arguments: list[str] | None = None) -> int:
    parser = options(__doc__, repeats=7)
    args = parser.parse_args(arguments)
    (measures, peer), verdict, rounds = contenders(), Verdict(), 1 if args.quick else args.repeats
    print(WHAT.format(rounds=rounds, peer=peer))
    print_table(HEADER, (row for one in scenes(args.quick) for row in compare(one, measures, rounds, verdict)))
    return verdict.tell(args.quick)


if __name__ == "__main__":
    sys.exit(main())
