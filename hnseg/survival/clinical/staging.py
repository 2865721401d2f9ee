"""TNM categories of the head and neck, editions 7 and 8 of the AJCC and UICC, and how levels of the two compare.

Edge and Compton 2010 (doi:10.1245/s10434-010-0985-4) and Lydiatt et al. 2017 (doi:10.3322/caac.21389) describe the
editions. What differs here: N3a and N3b, which edition 7 has in the nasopharynx only; and the oropharynx that is
HPV-positive, whose N and stage group mean something else in edition 8. A node of up to 6 cm on the tumour's side, or
several, is N1 there and N1, N2a or N2b in edition 7; its N2 is N2c; groups follow from that.
"""

from __future__ import annotations

import re

T_CATEGORIES = ("Tis", "T0", "T1", "T1a", "T1b", "T2", "T3", "T4", "T4a", "T4b")
N_CATEGORIES = ("N0", "N1", "N2", "N2a", "N2b", "N2c", "N3", "N3a", "N3b")
M_CATEGORIES = ("M0", "M1")
GROUPS = ("0", "I", "II", "III", "IV", "IVA", "IVB", "IVC")
SUBDIVIDED_N3 = ("N3a", "N3b")

Bounds = tuple[int, int]
"""The lowest and the highest level that a patient may have; equal where it is known."""

T_LEVELS, N_LEVELS, M_LEVELS, GROUP_LEVELS = (1, 4), (0, 3), (0, 1), (1, 4)


def category(text: str, letter: str, known: tuple[str, ...]) -> str | None:
    """``T2``, ``2``, ``cT2``, ``pt 2`` or ``2.0`` as ``T2``; None where it cannot be assessed (``Tx``).

    Raises:
        ValueError: it is none of ``known``.
    """
    bare = re.sub(rf"^[cp]?{letter}", "", re.sub(r"\s+|\.0+$", "", text), flags=re.IGNORECASE).lower()
    if bare == "x":
        return None
    return _one_of(letter + bare, known, (*known, f"{letter}x"))


def stage_group(text: str) -> str:
    """``Stage IVA``, ``Stade IVA``, ``stageIVa`` or ``IVA`` as ``IVA``.

    Raises:
        ValueError: it is no group of editions 7 and 8.
    """
    return _one_of(re.sub(r"^(stage|stade)|\s+", "", text.strip(), flags=re.IGNORECASE).upper(), GROUPS, GROUPS)


def refuse_other_edition(edition: int | None, n_stage: str | None, site: str | None) -> None:
    """Stop where a row has a category that its edition has not.

    Raises:
        ValueError: N3a or N3b of edition 7 outside of the nasopharynx.
    """
    if edition == 7 and n_stage in SUBDIVIDED_N3 and site != "nasopharynx":
        raise ValueError(
            f"edition 7 has no {n_stage} outside of the nasopharynx; correct the edition or the category, or have the "
            "mapping read it as N3"
        )


def t_bounds(t_stage: str | None) -> Bounds:
    """Levels 1 to 4; Tis and T0 count as 1, subdivisions as their category."""
    return _known(max(1, int(t_stage[1])) if t_stage and t_stage[1].isdigit() else 1) if t_stage else T_LEVELS


def n_bounds(n_stage: str | None, hpv_scale: bool) -> Bounds:
    """Levels 0 to 3 of edition 7.

    Args:
        n_stage: the category.
        hpv_scale: whether it may be of edition 8's own scale for the HPV-positive oropharynx, whose N1 is 1 or 2 here.
    """
    if n_stage is None:
        return N_LEVELS
    return (1, 2) if hpv_scale and n_stage == "N1" else _known(int(n_stage[1]))


def m_bounds(m_stage: str | None) -> Bounds:
    """0 or 1."""
    return _known(int(m_stage[1])) if m_stage else M_LEVELS


def group_bounds(group: str | None) -> Bounds:
    """Levels 1 to 4 of a group of edition 7, or of edition 8 where its scale is the same; 0 counts as I."""
    return _known({"0": 1, "I": 1, "II": 2, "III": 3}.get(group, 4)) if group else GROUP_LEVELS


def seventh_edition_group(t: Bounds, n: Bounds, m: Bounds) -> Bounds:
    """The group of edition 7 that follows from T, N (both on its scale) and M, as narrow as they let it be."""
    by_n = (1, 3, 4, 4)
    low, high = (4 if m[end] else max(t[end], by_n[n[end]]) for end in (0, 1))
    return low, high


def may_be_hpv_scale(
    edition: int | None, hpv: bool | None, site: str | None, n_stage: str | None, group: str | None
) -> bool:
    """Whether N and group may be on edition 8's scale of the HPV-positive oropharynx.

    That scale has no a, b or c, so a category that has one settles it.
    """
    subdivided = bool(n_stage and len(n_stage) > 2) or bool(group and len(group) > 2 and group.startswith("IV"))
    return edition != 7 and hpv is not False and site in (None, "oropharynx") and not subdivided


def _one_of(value: str, known: tuple[str, ...], shown: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"expected one of {', '.join(shown)}")
    return value


def _known(level: int) -> Bounds:
    return level, level
