"""The head of the standard anatomy: brain, skull, face, orbits, teeth.

Positions are LPS mm from the centre of the brain stem. Sizes are textbook values of an adult, rounded
(Standring, Gray's Anatomy, 42nd ed., sections on head and neck).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from hnseg.phantom.combine import Grown, HalfSpace, Intersection, Mirrored, Union, Without
from hnseg.phantom.noise import SmoothNoise
from hnseg.phantom.shapes import Ellipsoid, Point, RoundBox, Shape, Tube
from hnseg.phantom.structure import Layer, Structure, both_sides

BONE_HU, DENSE_BONE_HU, MARROW_HU = 700.0, 1150.0, 280.0
BONE_SUV, AIR_HU, AIR_SUV = 0.9, -995.0, 0.05
TEETH_PER_QUARTER = 7


@dataclass(frozen=True)
class Teeth:
    """A patient's teeth, counted 0 to 27: upper left, upper right, lower left, lower right, from the midline back."""

    missing: frozenset[int] = field(default_factory=frozenset)
    filled: frozenset[int] = field(default_factory=frozenset)


def tooth_position(number: int) -> Point:
    """Centre of a tooth in the standard anatomy, LPS mm."""
    quarter, place = divmod(number, TEETH_PER_QUARTER)
    angle = np.deg2rad(6.0 + 12.5 * place)
    upper, left = quarter < 2, quarter % 2 == 0
    wide, long = (27.0, 44.0) if upper else (25.0, 41.0)
    x = wide * np.sin(angle) * (1 if left else -1)
    return float(x), float(-70.0 - long * np.cos(angle)), -31.0 if upper else -46.0


def cranial_cavity() -> Shape:
    """Inside of the skull: anterior, middle and posterior fossa under one vault."""
    vault = Ellipsoid((0, -5, 38), (66.5, 84.5, 62.5))
    slope = np.hypot(1.0, 0.25)
    above_base = HalfSpace((0.0, float(0.25 / slope), float(1 / slope)), float(21.6 / slope))
    temporal = Ellipsoid((38, -22, 16), (23, 36, 20))
    posterior = Ellipsoid((0, 28, -6), (50, 50, 32))
    middle = Ellipsoid((0, 2, 18), (30, 26, 22))
    upper = Intersection((vault, above_base))
    return Union((upper, temporal, Mirrored(temporal), posterior, middle), blend_mm=8.0)


def brain(folds: SmoothNoise, grey_suv: float) -> list[Structure]:
    """Skull vault and base, cerebrospinal fluid, cortex and white matter, deep nuclei, cerebellum, brain stem."""
    skull = (
        Layer("Skull", DENSE_BONE_HU, BONE_SUV, grow_mm=6.5),
        Layer("Skull", 600, 1.2, grow_mm=4.5),
        Layer("Skull", DENSE_BONE_HU, BONE_SUV, grow_mm=2.2),
        Layer("Csf", 8, 1.0),
        Layer("Brain", 38, grey_suv, grow_mm=-2.0),
        Layer("Brain", 29, 0.5 * grey_suv, grow_mm=-9.0, folds=(folds, 4.0)),
    )
    fissure = RoundBox((0, -8, 75), (1.2, 75, 27), 1.0)
    ventricle = Tube(((9, -42, 44), (11, -10, 55), (16, 30, 50), (20, 42, 38)), (5, 6.5, 6.5, 5))
    nuclei = Union((Ellipsoid((22, -8, 38), (8, 18, 11)), Ellipsoid((10, 12, 38), (8, 13, 10))))
    stem = Union((Tube(((0, -10, 24), (0, -3, 2), (0, 4, -32)), (10, 11, 7)), Ellipsoid((0, -6, 3), (17, 11, 13))), 4.0)
    cerebellum = Intersection((Ellipsoid((0, 41, -8), (46, 30, 25)), Grown(cranial_cavity(), -2.5)))
    return [
        Structure(cranial_cavity(), skull),
        Structure.of("Csf", fissure, 12, 2.0),
        *both_sides("Ventricle", ventricle, ct_hu=8, pet_suv=1.5),
        *both_sides("DeepNuclei", nuclei, ct_hu=38, pet_suv=1.05 * grey_suv),
        Structure(
            cerebellum,
            (
                Layer("Cerebellum", 37, 0.8 * grey_suv),
                Layer("Cerebellum", 31, 0.6 * grey_suv, -8.0, folds=(folds, 3.0)),
            ),
        ),
        Structure.of("BrainStem", stem, 33, 0.5 * grey_suv),
    ]


def facial_skeleton() -> list[Structure]:
    """Upper jaw, palate, cheek bones, orbit walls, temporal bone and the front of the skull base."""
    orbit = Ellipsoid((29, -74, 30), (19.5, 24, 18.5))
    arch = Tube(((36, -96, 10), (56, -80, 3), (67, -52, -1), (67, -26, 1)), (5, 4.5, 3, 4), (0.8, 1, 1.2))
    alveolar = Tube(
        ((0, -111, -24), (13, -106, -24), (22, -93, -24), (26, -74, -23)), (5.5, 5.5, 5.5, 6), (1.0, 1.0, 1.5)
    )
    petrous = Tube(((14, -20, -2), (46, 3, -2)), (7, 10))
    mastoid = Ellipsoid((53, 8, -17), (9, 12, 17))
    parts: list[tuple[Shape, float]] = [
        (Without(Grown(orbit, 2.5), (orbit,)), 500),
        (arch, BONE_HU),
        (alveolar, 520),
        (Grown(maxillary_sinus(), 1.8), BONE_HU),
        (Tube(((12, -47, -2), (17, -50, -29)), (2.2, 2.2), (1, 2.5, 1)), BONE_HU),
        (petrous, DENSE_BONE_HU),
        (mastoid, 380),
        (Tube(((44, -10, -14), (36, -24, -44)), (2.4, 1.3)), BONE_HU),
        (Tube(((1.5, -107, 30), (3, -118, 12)), (3, 2)), BONE_HU),
    ]
    bones = [Structure.of("FacialBone", s, hu, BONE_SUV) for shape, hu in parts for s in (shape, Mirrored(shape))]
    palate = RoundBox((0, -84, -20), (22, 26, 2.2), 2.0)
    clivus = Tube(((0, -32, 14), (0, -22, -28)), (8, 5), (1.8, 1, 1))
    sphenoid = RoundBox((0, -46, 18), (17, 16, 13), 5.0)
    middle: list[Shape] = [palate, clivus, sphenoid]
    return bones + [Structure.of("FacialBone", shape, BONE_HU, BONE_SUV) for shape in middle]


def maxillary_sinus() -> Shape:
    """The left one."""
    return Ellipsoid((28, -82, -2), (13, 17, 15))


def air_spaces() -> list[Structure]:
    """Nasal cavity with its turbinates, paranasal sinuses, ear canals, air cells of the mastoid."""
    nasal = RoundBox((6, -81, -2), (5.2, 33, 16), 3.0)
    sides: list[Shape] = [
        maxillary_sinus(),
        nasal,
        RoundBox((6.5, -79, 25), (5, 26, 11), 3.0),
        Ellipsoid((9, -99, 48), (8, 4, 9)),
        Tube(((50, 0, -2), (82, -5, -4)), (3, 3.5)),
        Ellipsoid((53, 10, -14), (4, 6, 5)),
        Tube(((6, -112, -14), (8, -124, -19)), (4, 3)),
    ]
    air = [Structure.of("Sinuses", s, AIR_HU, AIR_SUV) for shape in sides for s in (shape, Mirrored(shape))]
    air.append(Structure.of("Sinuses", Ellipsoid((0, -46, 19), (12, 12, 9)), AIR_HU, AIR_SUV))
    turbinate = Tube(((7.5, -106, -10), (7.5, -54, -10)), (3.4, 4), (0.8, 1, 1.5))
    upper_turbinate = Tube(((7, -100, 5), (7, -57, 4)), (3.0, 3.4), (0.8, 1, 1.6))
    lining = [*both_sides("NasalMucosa", turbinate, ct_hu=45, pet_suv=1.6)]
    return air + lining + both_sides("NasalMucosa", upper_turbinate, ct_hu=45, pet_suv=1.6)


def orbits() -> list[Structure]:
    """Orbital fat, eye muscles, eyes with lenses, optic nerves and chiasm."""
    fat = Ellipsoid((29, -74, 30), (19, 23.5, 18))
    muscle = Tube(((42, -82, 30), (40, -66, 30), (20, -46, 30)), (2, 3, 2), (0.7, 1, 1.5))
    inner = Tube(((19, -84, 30), (17, -66, 30), (16, -46, 30)), (2, 3, 2), (0.7, 1, 1.5))
    nerve = Tube(((31, -73, 30), (25, -62, 29), (14, -44, 28), (6, -30, 27)), (2.3, 2.2, 2.2, 2.2))
    chiasm = Tube(((-7, -30, 27), (0, -26, 27.5), (7, -30, 27)), (2.4, 2.8, 2.4), (1, 1.4, 0.8))
    tracts = Tube(((0, -26, 27.5), (9, -17, 29)), (2.6, 2.0))
    return [
        *both_sides("OrbitFat", fat, ct_hu=-90, pet_suv=0.3),
        *both_sides("EyeMuscle", Union((muscle, inner)), ct_hu=45, pet_suv=2.6),
        *both_sides("Eye", Ellipsoid((32, -84, 30), (12, 12, 12)), ct_hu=12, pet_suv=0.7),
        *both_sides("Lens", Ellipsoid((32, -92, 30), (4.5, 2, 4.5)), ct_hu=90, pet_suv=0.5),
        *both_sides("OpticNerve", nerve, ct_hu=35, pet_suv=1.5),
        Structure.of("Chiasm", Union((chiasm, tracts, Mirrored(tracts))), 34, 1.8),
    ]


def mandible() -> list[Structure]:
    """Body, angle, ramus, condyle and coronoid process: cortex around marrow."""
    body = Tube(
        ((0, -113, -71), (14, -110, -71), (29, -93, -69), (40, -69, -66), (47, -46, -58)),
        (6, 6, 5, 5, 4.5),
        (1.0, 1.0, 2.1),
    )
    ramus = Tube(((48, -42, -58), (51, -38, -34), (52, -33, -18)), (10, 11, 8), (0.4, 1.2, 1.0))
    condyle = Tube(((52, -32, -20), (53, -26, -8)), (4, 5), (1.2, 0.8, 1.0))
    coronoid = Tube(((51, -44, -28), (50, -50, -10)), (4, 2), (0.7, 1.2, 1.0))
    half = Union((body, ramus, condyle, coronoid), blend_mm=3.0)
    layers = (Layer("Mandible", DENSE_BONE_HU, 1.0), Layer("Mandible", MARROW_HU, 1.3, grow_mm=-3.0))
    return [Structure(half, layers), Structure(Mirrored(half), layers)]


def teeth(mouth: Teeth) -> list[Structure]:
    """Crown and root of each tooth that is there; filled ones are brighter than the CT scale can tell."""
    made = []
    for number in range(4 * TEETH_PER_QUARTER):
        if number in mouth.missing:
            continue
        thick = 3.0 if number % TEETH_PER_QUARTER < 3 else 4.3
        shape = Ellipsoid(tooth_position(number), (thick, thick, 9.5))
        made.append(Structure(shape, (Layer("Teeth", 2100, 0.4), Layer("Teeth", 2700, 0.4, grow_mm=-2.0))))
        if number in mouth.filled:
            x, y, z = tooth_position(number)
            crown = Ellipsoid((x, y, z + (-5 if number < 2 * TEETH_PER_QUARTER else 5)), (3.4, 3.4, 3.4))
            made.append(Structure.of("Teeth", crown, 9000, 0.4))
    return made
