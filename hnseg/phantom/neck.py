"""Soft tissue of face and neck in the standard anatomy: pharynx and larynx, glands, muscles, vessels, cartilage.

Positions are LPS mm from the centre of the brain stem; left structures are given, the right ones mirrored.
"""

from __future__ import annotations

from dataclasses import dataclass

from hnseg.phantom.combine import Grown, HalfSpace, Intersection, Mirrored, Union, Without
from hnseg.phantom.head import AIR_HU, AIR_SUV
from hnseg.phantom.shapes import Column, Ellipsoid, Point, RoundBox, Shape, Tube
from hnseg.phantom.structure import Structure, both_sides

MUSCLE_HU, MUSCLE_SUV = 58.0, 0.75
GLOTTIS_Z_MM = -108.0


@dataclass(frozen=True)
class Uptake:
    """SUV of tissue that takes up FDG without being tumour."""

    tonsil: tuple[float, float] = (3.2, 3.0)
    tongue_base: float = 2.6
    parotid: float = 1.7
    submandibular: float = 2.1
    sublingual: float = 2.6
    larynx: float = 2.2
    thyroid: float = 1.5
    mucosa: float = 1.7
    brown_fat: float = 0.3


def pharyngeal_airway(width: float = 1.0) -> Shape:
    """Nasopharynx to trachea in one; ``width`` scales it from side to side."""
    rows = (
        (5.0, -46, -38, -42, 7), (-5, -51, -34, -42, 13), (-20, -48, -36, -42, 11), (-35, -47, -37, -42, 11),
        (-50, -50, -37, -43, 12), (-65, -53, -38, -44, 14), (-80, -56, -41, -47, 13), (-92, -58, -43, -50, 10),
        (-103, -62, -45, -53, 6), (GLOTTIS_Z_MM, -63, -46, -54, 2.2), (-113, -62, -46, -54, 5.5),
        (-125, -59, -42, -50, 9), (-150, -51, -34, -42, 9), (-175, -40, -22, -31, 9),
        (-200, -27, -9, -18, 9), (-260, 3, 20, 11, 9),
    )  # fmt: skip
    return Column(tuple((z, front, back, middle, half * width) for z, front, back, middle, half in rows))


def upper_airway(width: float) -> list[Structure]:
    """The airway with its wall, epiglottis, vocal cords, piriform sinuses and the air above the tongue."""
    airway = pharyngeal_airway(width)
    wall = Intersection((Grown(airway, 4.5), HalfSpace((0.0, 0.0, 1.0), -116.0)))
    mouth = Ellipsoid((0, -82, -26), (19, 27, 2.6))
    piriform = Ellipsoid((13, -43, -94), (4, 4.5, 10))
    return [
        Structure.of("PharynxWall", wall, 55, 1.6),
        Structure.of("Airway", airway, AIR_HU, AIR_SUV),
        Structure.of("Airway", mouth, AIR_HU, AIR_SUV),
        Structure.of("Airway", piriform, AIR_HU, AIR_SUV),
        Structure.of("Airway", Mirrored(piriform), AIR_HU, AIR_SUV),
        Structure.of("Epiglottis", Tube(((0, -52, -62), (0, -57, -84)), (2.0, 2.2), (5.0, 1.0, 1.0)), 65, 1.4),
    ]


def larynx(uptake: Uptake) -> list[Structure]:
    """Soft tissue around the glottis, vocal cords, arytenoids."""
    soft = Intersection((Ellipsoid((0, -56, -106), (19, 15, 19)), HalfSpace((0.0, 0.0, -1.0), 90.0)))
    cord = Ellipsoid((4.2, -54, GLOTTIS_Z_MM), (3, 10, 3.2))
    return [
        Structure.of("Larynx", Without(soft, (pharyngeal_airway(),)), 60, 1.3),
        *both_sides("VocalCord", cord, ct_hu=65, pet_suv=uptake.larynx),
        *both_sides("Arytenoid", Ellipsoid((5.5, -44, -105), (3, 3, 4)), ct_hu=150, pet_suv=1.2 * uptake.larynx),
    ]


def cartilage() -> list[Structure]:
    """Thyroid and cricoid cartilage, and the hyoid bone."""
    plate = Tube(((0, -73, -103), (10, -64, -103), (21, -46, -102)), (1.7, 1.7, 1.7), (1.0, 1.0, 6.0))
    ring = Without(Grown(pharyngeal_airway(), 6.0), (Grown(pharyngeal_airway(), 2.0),))
    cricoid = Intersection((ring, RoundBox((0, -50, -123), (30, 30, 6), 1.0)))
    hyoid = Tube(((0, -70, -83), (11, -66, -83), (19, -46, -80)), (3.2, 2.6, 1.6), (1.0, 1.0, 1.4))
    return [
        Structure.of("ThyroidCartilage", Union((plate, Mirrored(plate))), 260, 0.8),
        Structure.of("Cricoid", cricoid, 280, 0.8),
        Structure.of("Hyoid", Union((hyoid, Mirrored(hyoid))), 700, 0.9),
    ]


def mouth(uptake: Uptake, tongue_scale: float) -> list[Structure]:
    """Tongue with its base, floor of the mouth, soft palate, palatine tonsils, sublingual glands, lips."""
    s = tongue_scale
    tongue = Union(
        (Ellipsoid((0, -80, -46), (23 * s, 29 * s, 18.5 * s)), Ellipsoid((0, -62, -58), (19 * s, 14 * s, 18 * s))), 8.0
    )
    tonsil = Ellipsoid((17.5, -40, -40), (5.5, 8, 12))
    left, right = uptake.tonsil
    return [
        Structure.of("FloorOfMouth", Ellipsoid((0, -82, -70), (26, 28, 9)), MUSCLE_HU, 1.0),
        Structure.of("Tongue", tongue, 62, 1.3),
        Structure.of("TongueBase", Ellipsoid((0, -54, -60), (14, 5, 11)), 60, uptake.tongue_base),
        Structure.of("TongueFat", RoundBox((0, -82, -50), (1.0, 20, 12), 0.8), -40, 0.5),
        Structure.of("SoftPalate", Ellipsoid((0, -52, -25), (15, 12, 4.5)), 55, 1.9),
        Structure.of("Uvula", Ellipsoid((0, -45, -33), (4, 3, 7)), 55, 1.7),
        Structure.of("Lips", Ellipsoid((0, -111, -38), (24, 8, 12)), 40, 1.2),
        *both_sides("Sublingual", Ellipsoid((14, -92, -62), (5, 14, 5)), ct_hu=30, pet_suv=uptake.sublingual),
        *both_sides("Tonsil", tonsil, ct_hu=68, pet_suv=left, right_suv=right),
    ]


def glands(uptake: Uptake, scale: float, contrast_hu: float) -> list[Structure]:
    """Parotid, submandibular and thyroid glands."""
    parotid = Union(
        (
            Ellipsoid((59, -30, -33), (10.5 * scale, 22 * scale, 26 * scale)),
            Ellipsoid((48, -18, -32), (10 * scale, 9 * scale, 17 * scale)),
        ),
        blend_mm=8.0,
    )
    submandibular = Ellipsoid((33, -53, -73), (9.5 * scale, 14 * scale, 16 * scale))
    lobe = Tube(((17, -42, -120), (18, -42, -145)), (6.5, 8.5), (0.9, 1.1, 1.0))
    isthmus = Tube(((-12, -53, -142), (12, -53, -142)), (3, 3), (1.0, 1.0, 1.8))
    return [
        *both_sides("Parotid", parotid, ct_hu=5 + 0.3 * contrast_hu, pet_suv=uptake.parotid),
        *both_sides("Submandibular", submandibular, ct_hu=45 + 0.3 * contrast_hu, pet_suv=uptake.submandibular),
        *both_sides("Thyroid", lobe, ct_hu=110 + 0.4 * contrast_hu, pet_suv=uptake.thyroid),
        Structure.of("Thyroid_Isthmus", isthmus, 110 + 0.4 * contrast_hu, uptake.thyroid),
    ]


def vessels(contrast_hu: float) -> list[Structure]:
    """Common and internal carotid arteries and internal jugular veins."""
    carotid = Tube(
        ((27, -14, -20), (27, -22, -50), (26, -30, -85), (24, -33, -130), (16, -26, -175)), (2.6, 2.8, 4, 3.5, 3.7)
    )
    jugular = Tube(((33, -8, -22), (35, -16, -50), (34, -25, -90), (30, -32, -130), (22, -28, -178)), (4, 4.5, 6, 6, 7))
    return [
        *both_sides("Carotid", carotid, ct_hu=45 + contrast_hu, pet_suv=1.6),
        *both_sides("Jugular", jugular, ct_hu=45 + 0.8 * contrast_hu, pet_suv=1.6),
    ]


_MUSCLES: tuple[tuple[tuple[Point, ...], tuple[float, ...], Point], ...] = (
    (((57, 10, -20), (52, -10, -75), (37, -34, -135), (12, -50, -184)), (7, 8, 9, 6), (0.8, 1.6, 1.0)),  # sternomastoid
    (((15, 62, -36), (15, 44, -75), (16, 46, -120), (22, 66, -190)), (9, 11, 11, 10), (1.2, 1.0, 1.0)),  # semispinalis
    (((38, 40, -34), (36, 34, -75), (30, 52, -120), (20, 76, -180)), (7, 8, 8, 5), (1.5, 1.0, 1.0)),  # splenius
    (((13, 27, -55), (14, 26, -110), (15, 44, -180)), (9, 9, 9), (1.3, 0.9, 1.0)),  # multifidus
    (((12, 66, -45), (24, 64, -110), (70, 66, -158), (140, 48, -186)), (4, 5, 10, 8), (2.6, 0.7, 1.0)),  # trapezius
    (((40, 10, -58), (43, 22, -110), (60, 55, -175)), (8, 9, 8), (0.9, 1.3, 1.0)),  # levator scapulae
    (((29, -6, -76), (34, -4, -125), (48, 0, -178)), (6, 9, 10), (1.0, 1.2, 1.0)),  # scalenes
    (((9, -26, -40), (10, -27, -90), (10, -20, -140), (10, 0, -190)), (5, 5, 5, 5), (1.4, 0.8, 1.0)),  # longus colli
    (((8, -64, -86), (9, -71, -115), (9, -60, -175)), (4.5, 4.5, 5), (2.2, 0.7, 1.0)),  # strap muscles
    (((57, -66, -8), (55, -52, -40), (50, -47, -62)), (6, 8, 6), (0.9, 1.9, 1.0)),  # masseter
    (((20, -46, -12), (33, -44, -35), (42, -42, -58)), (6, 8, 7), (1.0, 1.5, 1.0)),  # medial pterygoid
    (((20, -50, -6), (48, -32, -8)), (9, 6), (1.0, 1.0, 1.2)),  # lateral pterygoid
    (((6, -105, -84), (12, -78, -84), (16, -62, -84)), (5, 6, 4), (1.3, 1.0, 1.0)),  # anterior digastric
    (((48, 6, -30), (38, -30, -62), (22, -60, -82)), (5, 5, 3.5), (1.0, 1.0, 1.0)),  # posterior digastric
    (((66, -40, 32), (58, -48, -2)), (13, 7), (0.5, 2.0, 1.4)),  # temporalis
    (((38, -92, -12), (37, -93, -40), (38, -84, -58)), (2.5, 4, 3), (1.0, 2.4, 1.0)),  # buccinator
)


def deep_neck() -> Structure:
    """What lies between the muscles behind and beside the spine: thin sheets of muscle and fat, unresolved."""
    levels = tuple((z, -12.0, back, 25.0, half) for z, back, half in _DEEP_NECK)
    return Structure.of("DeepNeck", Column(levels), 5, 0.5)


_DEEP_NECK = (
    (-38.0, 66.0, 50.0), (-60.0, 53.0, 50.0), (-80.0, 50.0, 48.0), (-110.0, 54.0, 47.0), (-140.0, 60.0, 52.0),
    (-165.0, 72.0, 66.0), (-200.0, 84.0, 90.0),
)  # fmt: skip


def muscles() -> list[Structure]:
    """The larger muscles of face and neck, each for itself, so that fat shows between them."""
    shapes = [Tube(points, radii, stretch) for points, radii, stretch in _MUSCLES]
    made = [both_sides("Muscle", shape, ct_hu=MUSCLE_HU, pet_suv=MUSCLE_SUV) for shape in shapes]
    gullet = Tube(((0, -33, -122), (2, -24, -150), (3, -8, -180), (3, 12, -220)), (5, 6, 6, 6), (1.4, 0.8, 1.0))
    return [s for pair in made for s in pair] + [Structure.of("Oesophagus", gullet, 45, 1.5)]
