"""Left and right: what a mirror makes of the names of organs."""

from __future__ import annotations

from collections.abc import Sequence

ENDINGS = {"_L": "_R", "_R": "_L"}


def other_side(label_names: Sequence[str]) -> tuple[int, ...]:
    """For each name the place of the one on the other side, for those in the middle their own.

    Raises:
        ValueError: an organ of one side whose partner is not among the names: its mirror image would have no name.
    """
    places = {name: place for place, name in enumerate(label_names)}
    partners = []
    for name in label_names:
        partner = name[:-2] + ENDINGS[name[-2:]] if name[-2:] in ENDINGS else name
        if partner not in places:
            raise ValueError(
                f"mirroring makes {name} a {partner}, which is not among the labels {list(label_names)}; add it, or "
                "choose an augmentation that does not mirror left and right (augment=organs)"
            )
        partners.append(places[partner])
    return tuple(partners)
