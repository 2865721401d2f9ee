"""Spine, outline of the body, shoulders and upper chest of the standard anatomy (LPS mm from the brain stem)."""

from __future__ import annotations

import numpy as np

from hnseg.phantom.combine import Grown, Intersection, Mirrored, Union
from hnseg.phantom.head import BONE_HU, BONE_SUV
from hnseg.phantom.neck import MUSCLE_HU, MUSCLE_SUV
from hnseg.phantom.shapes import Column, Ellipsoid, Point, RoundBox, Shape, Tube
from hnseg.phantom.structure import Layer, Structure, both_sides

_CORD = ((-28, 5), (-45, 4), (-70, 0), (-100, 0), (-130, 6), (-150, 13), (-175, 25), (-200, 38), (-270, 62))
_VERTEBRAE_Z_MM = (-60, -77, -94, -111, -128, -145, -163, -183, -204, -226, -249)  # second cervical to fifth thoracic


def cord_y(z: float) -> float:
    """Position of the cord from front to back at height ``z`` (mm)."""
    rows = np.asarray(_CORD, float)[::-1]
    return float(np.interp(z, rows[:, 0], rows[:, 1]))


def outline(fat_mm: float) -> Shape:
    """The skin's outer surface; ``fat_mm`` thickens all of it."""
    head = Ellipsoid((0, -5, 38), (79, 97, 75))
    face_and_neck = Column((
        (40, -103, 91, -5, 78), (15, -106, 90, -8, 76), (-10, -109, 84, -12, 73), (-30, -115, 74, -20, 71),
        (-50, -118, 66, -22, 69), (-70, -121, 62, -20, 64), (-82, -115, 60, -12, 60), (-92, -96, 60, -5, 58),
        (-104, -82, 61, 0, 57), (-120, -76, 64, 4, 57), (-140, -69, 70, 8, 61), (-160, -64, 80, 14, 72),
        (-180, -62, 90, 20, 84), (-215, -66, 98, 24, 90), (-270, -76, 104, 24, 90),
    ))  # fmt: skip
    chest = Column((
        (-158, -20, 60, 22, 60), (-172, -42, 82, 22, 120), (-188, -58, 94, 22, 165), (-205, -66, 100, 22, 187),
        (-230, -74, 105, 22, 198), (-270, -80, 108, 22, 202),
    ), power=4)  # fmt: skip
    nose = Union((Tube(((0, -104, 26), (0, -124, -8)), (6, 9)), Ellipsoid((0, -118, -14), (15, 9, 8))), 6.0)
    ear = Ellipsoid((77, 2, 0), (8, 14, 28))
    whole = Union((head, face_and_neck, nose, chest), blend_mm=22.0)
    return Grown(Union((whole, ear, Mirrored(ear)), 5.0), fat_mm)


def body(fat_mm: float) -> list[Structure]:
    """Skin around fat: the ground on which everything else is painted."""
    return [Structure(outline(fat_mm), (Layer("Skin", 10, 0.7), Layer("Fat", -100, 0.3, grow_mm=-2.5)), skin_mm=2.0)]


def _vertebra(z: float) -> list[Structure]:
    y = cord_y(z)
    tilt = (cord_y(z - 10) - cord_y(z + 10)) / 20
    high = 6.5 if z > -170 else 8.0
    disc_box = RoundBox((0, y - 17.5, z), (16, 11, high), 2.0)
    core = Intersection((disc_box, Ellipsoid((0, y - 17.5, z), (13.5 if z > -150 else 16, 9.5, 40))))
    pillar = Tube(((17, y - 3, z + 6), (17.5, y + 1, z - 6)), (5.5, 5.5))
    pedicle = Tube(((11, y - 12, z), (17, y - 4, z)), (3.5, 4))
    lamina = Tube(((17, y + 2, z), (8, y + 13, z - 2), (0, y + 18, z - 4)), (3.6, 3.2, 4))
    process = Tube(((17, y - 6, z), (25 if z > -150 else 34, y - (8 if z > -150 else -8), z)), (4, 3.5))
    long = 16 if z > -120 else 26
    spine = Tube(((0, y + 17, z - 4), (0, y + 17 + long, z - 9 - 40 * tilt)), (3.5, 3), (0.9, 1, 1.5))
    arch = [Union((pillar, pedicle, lamina, process))]
    cortex = (Layer("Vertebrae", 620, 1.2), Layer("Vertebrae", 260, 1.8, grow_mm=-2.2))
    made = [Structure(shape, cortex) for half in arch for shape in (half, Mirrored(half))]
    return [*made, Structure(spine, cortex), Structure(core, cortex)]


def spine() -> list[Structure]:
    """Discs, vertebrae with arches and processes, atlas and dens, canal and cord."""
    made = [Structure.of("Discs", _front_of_canal(10.5), 85, 0.9)]
    for z in _VERTEBRAE_Z_MM:
        made += _vertebra(z)
    atlas = Tube(((0, -20, -44), (13, -16, -45), (21, -3, -45), (17, 12, -46), (0, 22, -47)), (3.5, 4, 6.5, 4, 3))
    dens = Tube(((0, -13, -54), (0, -12, -38)), (5.5, 4.5))
    made += [Structure.of("Vertebrae", shape, 720, 1.3) for shape in (atlas, Mirrored(atlas), dens)]
    canal = Tube(
        tuple((0.0, float(y), float(z)) for z, y in _CORD), (11.0, *([8.2] * (len(_CORD) - 1))), (1.15, 0.85, 1)
    )
    cord = Tube(tuple((0.0, float(y), float(z)) for z, y in _CORD), (6.5, *([5.6] * (len(_CORD) - 1))), (1.15, 0.85, 1))
    return [*made, Structure.of("SpinalCanal", canal, 15, 0.9), Structure.of("SpinalCord", cord, 36, 1.7)]


def _front_of_canal(radius: float) -> Shape:
    heights = (-58.0, *(float(z) for z in _VERTEBRAE_Z_MM[1:]))
    points: tuple[Point, ...] = tuple((0.0, cord_y(z) - 17.0, z) for z in heights)
    return Tube(points, (radius,) * len(points), (1.15, 0.8, 1.0))


def shoulder_muscles() -> list[Structure]:
    """Deltoid, chest and back muscles, and the soft tissue of the mediastinum."""
    shapes: list[Shape] = [
        Ellipsoid((164, 22, -232), (33, 46, 56)),
        Ellipsoid((78, -50, -238), (74, 15, 46)),
        Ellipsoid((70, 74, -232), (78, 18, 58)),
        Tube(((60, 58, -178), (140, 38, -192)), (13, 12), (1, 1.3, 1)),
        Ellipsoid((112, 32, -236), (36, 34, 50)),
    ]
    pairs = [both_sides("Muscle", shape, ct_hu=MUSCLE_HU, pet_suv=MUSCLE_SUV) for shape in shapes]
    middle = Ellipsoid((0, 2, -252), (36, 46, 64))
    return [Structure.of("Mediastinum", middle, 30, 1.3), *(s for pair in pairs for s in pair)]


def shoulder_bones() -> list[Structure]:
    """Lungs inside ribs, collar bones, shoulder blades, arm bones and breast bone."""
    lung = Ellipsoid((48, 16, -256), (37, 52, 72))
    ribs = [
        Tube(
            ((24, cord_y(z) - 6, z), (58, 18, z - 8), (52, -28, z - 22), (24, -48, z - 30)), (3.5, 4, 4, 4), (1, 1, 1.3)
        )
        for z in (-172, -194, -217)
    ]
    head = Union((Ellipsoid((163, 22, -206), (22, 22, 22)), Tube(((170, 22, -215), (182, 22, -275)), (14, 12))), 8.0)
    blade = Tube(((148, 44, -186), (112, 66, -194), (80, 84, -215)), (5, 3, 2.5), (1.0, 0.8, 3.0))
    collar = Tube(((14, -50, -190), (56, -52, -182), (104, -20, -178), (146, 16, -180)), (7, 5.5, 5.5, 6))
    bone = (Layer("ShoulderBone", BONE_HU, BONE_SUV), Layer("ShoulderBone", 200, 1.4, grow_mm=-2.6))
    shapes: list[Shape] = [*ribs, head, blade, collar]
    made = [Structure.of("Lung", shape, -840, 0.45) for shape in (lung, Mirrored(lung))]
    made += [Structure(s, bone) for shape in shapes for s in (shape, Mirrored(shape))]
    return [*made, Structure(RoundBox((0, -56, -215), (22, 6, 24), 4.0), bone)]
