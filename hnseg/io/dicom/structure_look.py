"""How structures appear in a planning system: their colour, and what they are taken for."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable, Mapping

Rgb = tuple[int, int, int]

COLOURS: Mapping[str, Rgb] = {
    "GTV": (255, 0, 0),
    "GTVt": (255, 0, 0),
    "GTVp": (255, 0, 0),
    "GTVn": (255, 140, 0),
    "BrainStem": (0, 200, 90),
    "Chiasm": (255, 225, 0),
    "Mandible": (225, 205, 160),
    "OpticNerve_L": (0, 210, 255),
    "OpticNerve_R": (0, 110, 255),
    "Parotid_L": (205, 100, 255),
    "Parotid_R": (130, 50, 210),
    "Submandibular_L": (255, 150, 205),
    "Submandibular_R": (215, 30, 140),
    "SpinalCord": (255, 255, 140),
    "SpinalCanal": (190, 190, 60),
    "Brain": (150, 170, 255),
    "Larynx": (0, 150, 150),
    "Esophagus": (160, 110, 50),
    "OralCavity": (255, 170, 130),
    "Thyroid": (150, 220, 170),
    "Eye_L": (150, 255, 255),
    "Eye_R": (90, 160, 170),
    "Lens_L": (140, 255, 60),
    "Lens_R": (70, 150, 20),
    "Cochlea_L": (255, 190, 255),
    "Cochlea_R": (160, 120, 160),
}
"""Red, green and blue, 0 to 255, for dark images; the two sides of a pair differ in lightness."""

_TARGET = re.compile(r"i?(GTV|CTV|PTV)", re.IGNORECASE)
_TUMOUR = re.compile(r"tumou?r|lesion", re.IGNORECASE)
_GOLDEN_RATIO = 0.618034
_FIRST_HUE, _SATURATION = 0.89, 0.75  # of all, these put the first twelve furthest from the table and from each other


def structure_colours(names: Iterable[str]) -> dict[str, Rgb]:
    """Structure to colour: the table's, else by its place among those that are not in it."""
    names = list(names)
    others = [name for name in names if name not in COLOURS]
    return {name: COLOURS[name] if name in COLOURS else _hue(others.index(name)) for name in names}


def interpreted_type(name: str) -> str:
    """RT ROI Interpreted Type (3006,00A4) of a structure: GTV, CTV or PTV by its name, else ORGAN."""
    if target := _TARGET.match(name):
        return target[1].upper()
    return "GTV" if _TUMOUR.search(name) else "ORGAN"


def _hue(place: int) -> Rgb:
    """Hues a golden section apart: the next one always falls into the widest gap."""
    red, green, blue = colorsys.hsv_to_rgb((_FIRST_HUE + place * _GOLDEN_RATIO) % 1, _SATURATION, 1.0)
    return round(255 * red), round(255 * green), round(255 * blue)
