"""Who clicks, where the truth is known: a robot that corrects, one click a lesion, one in the wrong place.

Every click here knows the truth, more or less: it is an oracle's. The displaced and the wrong ones show how much of
a score the oracle is worth.
"""

from __future__ import annotations

from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from hnseg.clicks import centre_clicks, displaced, random_clicks, robot_click, wrong_place
from hnseg.inference.click_units import Unit
from hnseg.types import Clicks

DISPLACED_MM = (3, 6)


def correction(mask: NDArray[np.uint8], unit: Unit, made: Clicks, negatives: bool) -> Clicks:
    """The robot's next click, at the largest error; none where there is nothing to correct.

    It never clicks a voxel twice: the click channels would stay as they are, and so would the answer, for ever. What
    is wrong where it clicked before counts as right, so that the next click keeps away from it, too.

    Args:
        mask: (*s) uint8, the current answer.
        unit: what the answer is about.
        made: the robot's clicks so far.
        negatives: whether negative clicks mean anything to the method; otherwise what was outlined too much is no
            error that a click can be spent on.
    """
    clicked = tuple(made.index.astype(int).T)
    seen = mask.copy()
    seen[clicked] = unit.truth[clicked]
    return robot_click(seen, unit.truth, unit.spacing_mm, negatives)


def one_click_users(unit: Unit, case_id: str, seed: int) -> dict[str, Clicks]:
    """User to clicks in a unit that shows a structure: one a component, and one in all for whoever clicks wrongly.

    Drawn from (``seed``, case, slice, user) alone, so that every method is clicked alike. A unit that has no place far
    enough from all structures has no wrong click.
    """
    rng = {name: _generator(seed, case_id, unit, name) for name in ("random", *map(_displaced_name, DISPLACED_MM))}
    centre = centre_clicks(unit.truth, unit.spacing_mm)
    users = {"centre": centre, "random": random_clicks(unit.truth, unit.spacing_mm, rng["random"])}
    for far_mm in DISPLACED_MM:
        name = _displaced_name(far_mm)
        users[name] = displaced(centre, float(far_mm), rng[name], unit.truth.shape)
    wrong = hottest(unit, unit.present[0])
    return users | ({"wrong_organ": wrong} if len(wrong) else {})


def hottest(unit: Unit, value: int) -> Clicks:
    """One click for the structure of a label value on the hottest voxel that shows no structure; none without such."""
    place = wrong_place(unit.image, unit.truth, unit.spacing_mm)
    return Clicks(place.index, np.full(len(place), value, np.uint8), place.spacing_mm)


def _displaced_name(far_mm: int) -> str:
    return f"displaced_{far_mm}mm"


def _generator(seed: int, case_id: str, unit: Unit, user: str) -> np.random.Generator:
    place = 0 if unit.slice is None else unit.slice + 1
    return np.random.default_rng([seed, crc32(case_id.encode()), place, crc32(user.encode())])
