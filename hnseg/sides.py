"""Left and right: what a mirror makes of the names of structures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

SIDE = re.compile(r"(?<![A-Za-z0-9])(l|r|lt|rt|left|right)(?![A-Za-z0-9])", re.IGNORECASE)
"""A word of a name that says on which side of the patient the structure lies."""
OTHER = {"l": "r", "r": "l", "lt": "rt", "rt": "lt", "left": "right", "right": "left"}


def mirrored_name(name: str) -> str:
    """What a structure is in a mirror: ``Parotid_L`` becomes ``Parotid_R``, ``Chiasm`` stays."""

    def swap(word: re.Match[str]) -> str:
        other = OTHER[word[0].lower()]
        return other.upper() if word[0].isupper() else other.capitalize() if word[0][0].isupper() else other

    return SIDE.sub(swap, name)


def sided(names: Iterable[str]) -> list[str]:
    """Those structures that a mirror turns into others."""
    return [name for name in names if mirrored_name(name) != name]


def other_side(names: Sequence[str]) -> tuple[int, ...]:
    """For each structure the place of the one that a mirror makes of it, for those in the middle their own.

    Raises:
        ValueError: a structure of one side whose partner is not among the names: its mirror image would have no name.
    """
    places = {name: place for place, name in enumerate(names)}
    for name in names:
        if mirrored_name(name) not in places:
            raise ValueError(
                f"mirroring makes {name} a {mirrored_name(name)}, which is not among the labels {list(names)}; add it, "
                "or choose an augmentation that does not mirror left and right (augment=organs)"
            )
    return tuple(places[mirrored_name(name)] for name in names)
