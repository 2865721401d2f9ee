"""Names of organs at risk, and the many ways in which data sets spell them."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence

PDDCA = (
    "BrainStem",
    "Chiasm",
    "Mandible",
    "OpticNerve_L",
    "OpticNerve_R",
    "Parotid_L",
    "Parotid_R",
    "Submandibular_L",
    "Submandibular_R",
)
"""The nine organs of MICCAI 2015 as PDDCA 1.4.1 spells its files (Raudaschl et al. 2017, doi:10.1002/mp.12197)."""

_UNPAIRED = {
    "BrainStem": (
        "brainstem", "brstem", "brainstm", "truncusencephali", "truncuscerebri", "hirnstamm", "stammhirn",
        "tronccerebral", "hersenstam", "troncoencefalico", "troncoencefalo", "troncocerebrale", "troncocerebral",
    ),
    "Chiasm": (
        "chiasm", "chiasma", "opticchiasm", "opticchiasma", "optchiasm", "optchiasma", "chiasmaopticum", "chiasmopt",
        "chiasmaopt", "sehnervenkreuzung", "chiasmaoptique", "chiasmeoptique", "chiasmaottico", "quiasma",
        "quiasmaoptico",
    ),
    "Mandible": (
        "mandible", "mandibula", "bonemandible", "mandiblebone", "unterkiefer", "unterkieferknochen", "mandibule",
        "mandibola", "onderkaak",
    ),
}  # fmt: skip
_PAIRED = {
    "OpticNerve": (
        "opticnerve", "opticnrv", "optnerve", "optnrv", "nrvoptic", "nervusopticus", "nopticus", "sehnerv",
        "nerfoptique", "nervoottico", "nerviooptico", "oogzenuw",
    ),
    "Parotid": (
        "parotid", "patroid", "parotis", "parotidgland", "glndparotid", "glparotid", "glandparotid", "glparotis",
        "glandulaparotis", "glandulaparotidea", "glandulaparotida", "ohrspeicheldruse", "ohrspeicheldruese", "parotide",
        "glandeparotide", "ghiandolaparotide", "parotida", "oorspeekselklier",
    ),
    "Submandibular": (
        "submandibular", "submandibulargland", "submand", "submandgland", "glndsubmand", "glndsubmandibular",
        "glsubmand", "smg", "glandsubmandibular", "submandibularis", "glsubmandibularis", "glandulasubmandibularis",
        "submandibulardruse", "submandibulardruese", "unterkieferspeicheldruse", "unterkieferspeicheldruese",
        "submandibulaire", "glandesubmandibulaire", "sousmaxillaire", "glandesousmaxillaire", "sottomandibolare",
        "ghiandolasottomandibolare", "glandulasubmandibular", "submaxilar", "glandulasubmaxilar",
    ),
}  # fmt: skip
"""What is left of a spelling without its signs, accents, capitals and side; the first of each is PDDCA's own, ``optic
nrv`` and ``glnd submand`` are those of TG-263 (Mayo et al. 2018, doi:10.1016/j.ijrobp.2017.12.013), ``patroid`` a slip
that copies of PDDCA have; then Latin, German, French, Italian, Spanish and Dutch."""

_SIDES = {"left": "L", "lt": "L", "l": "L", "right": "R", "rt": "R", "r": "R"}
_PREFIX = "oar"


def canonical(name: str, aliases: Mapping[str, str] | None = None) -> str | None:
    """PDDCA's name for an organ that somebody spelt in another way; None for what is none of the nine for sure.

    Capitals, accents and signs between words do not matter, the side may stand first or last, as one letter or a word.
    The rest must be a known spelling as a whole: ``Brain`` is not taken for ``BrainStem``, ``OpticNerve`` without side
    and margins like ``Brainstem_PRV`` are nothing.

    Args:
        name: a file's name without its ending, or a column of a table.
        aliases: other spellings to structure names, any names; they come first and are read in the same lenient way.
    """
    plain = plain_spelling(name)
    own = {plain_spelling(spelling): structure for spelling, structure in (aliases or {}).items()}
    if plain and plain in own:
        return own[plain]
    return _SPELLINGS.get(plain) or _SPELLINGS.get(plain.removeprefix(_PREFIX))


def wanted(name: str, label_names: Sequence[str], aliases: Mapping[str, str] | None = None) -> str | None:
    """Which of ``label_names`` a spelling stands for, None for none of them.

    A label name that is none of the nine organs (``Larynx``, ``PTV70``) stands for itself alone, as it is spelt; one
    that is another spelling of the nine (``Brainstem``) for all spellings of its organ.
    """
    meant = canonical(name, aliases) or name
    if meant in label_names:
        return meant
    organ = canonical(meant)
    return next((label for label in label_names if organ is not None and canonical(label) == organ), None)


def plain_spelling(name: str) -> str:
    """Letters and digits alone, small and without accents."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", name.casefold()) if sign.isalnum())


def _spellings() -> dict[str, str]:
    """Every plain spelling to its organ, with the side before and behind where there are two."""
    known = {spelling: organ for organ, spellings in _UNPAIRED.items() for spelling in spellings}
    for organ, spellings in _PAIRED.items():
        for spelling in spellings:
            for word, side in _SIDES.items():
                known[word + spelling] = known[spelling + word] = f"{organ}_{side}"
    without_side = {spelling for spellings in _PAIRED.values() for spelling in spellings}
    assert not without_side & known.keys(), "a spelling ends like a side"
    return known


_SPELLINGS = _spellings()
