"""Tumours and nodes of a patient: where they sit, how large and how irregular they are, what they take up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from hnseg.phantom.centres import Centre, Site
from hnseg.phantom.combine import Grown, Intersection, Rough, Without
from hnseg.phantom.noise import SmoothNoise
from hnseg.phantom.shapes import Ellipsoid, Point, Shape
from hnseg.phantom.structure import Layer, Structure

# centre of a left-sided tumour (LPS mm of the standard anatomy), spread in mm, and relative radii along x, y, z
_SITES: dict[Site, tuple[Point, Point, Point]] = {
    "tonsil": ((21, -43, -42), (2, 3, 5), (0.85, 1.0, 1.2)),
    "tongue base": ((9, -60, -58), (5, 4, 5), (1.0, 0.95, 1.05)),
    "soft palate": ((8, -51, -27), (4, 3, 2), (1.25, 1.0, 0.8)),
    "hypopharynx": ((17, -42, -93), (2, 3, 5), (0.85, 0.9, 1.3)),
    "larynx": ((8, -57, -101), (2, 3, 5), (0.9, 1.15, 1.0)),
    "oral tongue": ((15, -82, -46), (3, 6, 3), (0.85, 1.25, 0.9)),
    "nasopharynx": ((8, -40, -6), (4, 2, 3), (1.2, 0.8, 1.0)),
}
_LEVELS: dict[str, tuple[Point, float]] = {  # left side: centre, how often it is the next one involved
    "Ib": ((27, -74, -80), 0.12),
    "II": ((41, -24, -66), 0.48),
    "III": ((40, -22, -102), 0.26),
    "IV": ((38, -20, -136), 0.10),
    "V": ((52, 20, -98), 0.04),
}


@dataclass(frozen=True)
class Lesion:
    """One tumour or node.

    Attributes:
        name: ``GTVp``, ``GTVn`` or ``ReactiveNode`` (benign, bright all the same, in no mask).
        place: site or nodal level, with its side: ``tonsil left``.
        center: LPS mm in the standard anatomy.
        radii_mm: of the ellipsoid that is then made irregular.
        axes: (3, 3), its orientation.
        pet_suv: uptake of living tissue before the scanner blurs it.
        necrosis_mm: depth below which it is dead and takes up little, 0 for none.
    """

    name: str
    place: str
    center: Point
    radii_mm: Point
    axes: np.ndarray
    pet_suv: float
    necrosis_mm: float
    surface: SmoothNoise
    texture: SmoothNoise

    @property
    def volume_ml(self) -> float:
        """Of the ellipsoid: what the draw intended."""
        return float(4 / 3 * np.pi * np.prod(self.radii_mm) / 1000)

    def structure(self, inside: Shape, airway: Shape, ct_hu: float) -> Structure:
        """The lesion as painted: irregular, under the skin (``inside``), narrowing ``airway`` but never filling it."""
        radius = float(np.cbrt(np.prod(self.radii_mm)))
        blob: Shape = Rough(Ellipsoid(self.center, self.radii_mm, self.axes), self.surface, 0.13 * radius)
        shape: Shape = Intersection((blob, Grown(inside, -5.0)))
        if self.name == "GTVp":
            shape = Without(shape, (Grown(airway, -3.5),))
        layers = [Layer(self.name, ct_hu, self.pet_suv, texture=(self.texture, 5.0, 0.12))]
        if self.necrosis_mm > 0:
            layers.append(Layer(self.name, 22, 0.3 * self.pet_suv, -self.necrosis_mm, folds=(self.texture, 1.5)))
        return Structure(shape, tuple(layers))


def draw_lesions(random: np.random.Generator, centre: Centre, hpv: bool) -> tuple[Lesion, ...]:
    """One primary tumour, 0 to 4 metastatic nodes and 0 to 2 reactive ones; the primary comes first."""
    sites = list(centre.sites)
    weights = np.array([centre.sites[site] for site in sites])
    site = sites[random.choice(len(sites), p=weights / weights.sum())]
    left = bool(random.random() < 0.5)
    primary = _primary(random, site, left)
    common = [0.16, 0.28, 0.28, 0.18, 0.10] if hpv else [0.26, 0.32, 0.22, 0.13, 0.07]
    count = int(random.choice(5, p=common))
    taken: set[tuple[str, bool]] = set()
    nodes = [_node(random, left, hpv, taken) for _ in range(count)]
    benign = [_reactive(random, left, taken) for _ in range(int(random.integers(0, 3)))]
    return (primary, *nodes, *benign)


def draw_recurrences(random: np.random.Generator, centre: Centre, count: int) -> tuple[Lesion, ...]:
    """``count`` tumours after treatment, and 0 to 2 reactive nodes.

    The first is a local recurrence (``GTVp``) in two of three patients, else a node; all others are nodes. They are
    larger along z than new tumours and vary more in size and uptake: what is referred to a PET is often widespread, and
    what treatment left of it may be faint.
    """
    sites = list(centre.sites)
    weights = np.array([centre.sites[site] for site in sites])
    left, local = bool(random.random() < 0.5), bool(random.random() < 0.67)
    taken: set[tuple[str, bool]] = set()
    found = []
    for number in range(count):
        volume_ml = float(np.clip(np.exp(random.normal(np.log(12.5 if number == 0 else 7.0), 0.85)), 2.0, 45.0))
        suv = float(np.clip(np.exp(random.normal(np.log(9.0), 0.35)), 4.0, 18.0))
        necrosis = 6.0 if volume_ml > 15 and random.random() < 0.3 else 0.0
        if number == 0 and local:
            site = sites[random.choice(len(sites), p=weights / weights.sum())]
            middle, spread, shape = _SITES[site]
            center = np.asarray(middle) + np.clip(random.standard_normal(3), -1.5, 1.5) * spread
            name, place, side = "GTVp", f"{site} {_side(left)}", left
        else:
            center, place, side = _free_level(random, left, taken)
            name, shape = "GTVn", (0.85, 0.95, 1.2)
        long = (shape[0], shape[1], 1.3 * shape[2])
        found.append(_lesion(random, name, place, center, side, volume_ml, long, suv, necrosis))
    benign = [_reactive(random, left, taken) for _ in range(int(random.integers(0, 3)))]
    return (*found, *benign)


def _primary(random: np.random.Generator, site: Site, left: bool) -> Lesion:
    center, spread, shape = _SITES[site]
    middle = np.asarray(center) + np.clip(random.standard_normal(3), -1.5, 1.5) * spread
    limit = 14.0 if site in ("larynx", "nasopharynx", "soft palate") else 40.0
    volume_ml = float(np.clip(np.exp(random.normal(np.log(11.0), 0.65)), 2.5, limit))
    suv = float(np.clip(np.exp(random.normal(np.log(11.0), 0.28)), 6.5, 18.0))
    necrosis = 7.0 if volume_ml > 18 and random.random() < 0.5 else 0.0
    return _lesion(random, "GTVp", f"{site} {_side(left)}", middle, left, volume_ml, shape, suv, necrosis)


def _node(random: np.random.Generator, left: bool, hpv: bool, taken: set[tuple[str, bool]]) -> Lesion:
    center, place, same = _free_level(random, left, taken)
    volume_ml = float(np.clip(np.exp(random.normal(np.log(4.0), 0.7)), 0.8, 18.0))
    necrosis = 4.0 if volume_ml > 5 and random.random() < (0.6 if hpv else 0.35) else 0.0
    suv = float(np.clip(np.exp(random.normal(np.log(8.0), 0.3)), 4.0, 14.0))
    return _lesion(random, "GTVn", place, center, same, volume_ml, (0.85, 0.95, 1.2), suv, necrosis)


def _reactive(random: np.random.Generator, left: bool, taken: set[tuple[str, bool]]) -> Lesion:
    center, place, same = _free_level(random, left, taken)
    volume_ml, suv = float(random.uniform(0.3, 0.8)), float(random.uniform(1.8, 3.0))
    return _lesion(random, "ReactiveNode", place, center, same, volume_ml, (0.8, 0.8, 1.4), suv, 0.0)


def _free_level(random: np.random.Generator, left: bool, taken: set[tuple[str, bool]]) -> tuple[np.ndarray, str, bool]:
    """Centre (left-sided), name and side of a nodal level that has no node yet; four in five on the tumour's side."""
    choices = [(level, side) for level in _LEVELS for side in (left, not left) if (level, side) not in taken]
    weights = np.array([_LEVELS[level][1] * (0.8 if side == left else 0.2) for level, side in choices])
    level, side = choices[random.choice(len(choices), p=weights / weights.sum())]
    taken.add((level, side))
    center = np.asarray(_LEVELS[level][0]) + random.uniform(-2.5, 2.5, 3)
    return center, f"level {level} {_side(side)}", side


def _lesion(
    random: np.random.Generator, name: str, place: str, center: np.ndarray, left: bool, volume_ml: float,
    shape: Sequence[float], suv: float, necrosis_mm: float,
) -> Lesion:  # fmt: skip
    relative = np.asarray(shape) * np.exp(random.normal(0, 0.12, 3))
    radii = relative * np.cbrt(volume_ml * 1000 / (4 / 3 * np.pi * np.prod(relative)))
    axes = Rotation.from_rotvec(random.normal(0, 0.25, 3)).as_matrix()
    x, y, z = (float(v) for v in center)
    radius = float(np.cbrt(np.prod(radii)))
    return Lesion(
        name, place, (x if left else -x, y, z), (float(radii[0]), float(radii[1]), float(radii[2])), axes, suv,
        necrosis_mm, SmoothNoise.draw(random, 2.2 * radius, 10), SmoothNoise.draw(random, 1.6 * radius, 8),
    )  # fmt: skip


def _side(left: bool) -> str:
    return "left" if left else "right"
