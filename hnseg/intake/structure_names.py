"""What hospitals call a structure, as hnseg calls it: the step in which AnatomyNet's authors cleaned their data.

Zhu et al. 2019 (doi:10.1002/mp.13300) chose the nine organs out of the structure sets of two collections of TCIA, in
which every department has names of its own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from hnseg.intake.spellings import FRENCH, PAIRED, UNPAIRED, written
from hnseg.prepare.organs import canonical, plain_spelling

SIDES = {
    "L": "l lt left li lks links linke linker linkes gauche sin sinistra sinistro sinister sx izq izquierda izquierdo",
    "R": "r rt right re rechts rechte rechter rechtes droite droit dex destra destro dexter dx der derecha derecho",
}
"""Words that say on which side, in English, German, French, Latin and Italian, Spanish; Dutch ones are German's."""

LEAST_GLUED = 4
"""Letters of a side's word where nothing parts it from the organ: ``rightcochlea``, but never ``cochlear``."""

MOST_LESIONS = 20
"""A tumour or node may be numbered so far; higher numbers are doses in Gy or margins."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|\d+")
_LIGATURES = str.maketrans({"ß": "ss", "œ": "oe", "Œ": "Oe", "æ": "ae", "Æ": "Ae"})
_HELPER = re.compile(r"[~+^%!]|(?<!\w)[-]\s*\w|\d\s*[cm]m\b", re.IGNORECASE)
"""``~`` marks a part of an organ (TG-263), ``^`` a purpose, ``+`` a margin."""


def structure_name(text: str, aliases: Mapping[str, str]) -> str | None:
    """hnseg's name of a structure that somebody spelt in another way; None where it is not known for sure.

    Capitals, accents and signs between words do not matter; the side may stand first or last. The rest must be a known
    spelling as a whole, so that margins and helpers (``SpinalCord_PRV05``, ``Parotid_L-PTV``, ``zBrain``, ``Cord+3mm``)
    are never taken for the organ, and two structures in one (``Parotids``) for neither. Clinical and planning targets
    are only known by aliases. A primary tumour is ``GTVt``, as `data=table` and HECKTOR 2020 and 2021 call it
    (HECKTOR 2022: ``GTVp``); numbered tumours and nodes lose their numbers and nodes their side, for they are one
    target.

    Args:
        text: a name as it was written.
        aliases: a user's own spellings to names of structures, see `hnseg.intake.aliases`; they come first, and an
            empty name says that the spelling is no structure.
    """
    own = {alias_key(spelling): structure for spelling, structure in aliases.items()}
    if (key := alias_key(text)) in own:
        return own[key] or None
    if _HELPER.search(text.strip()):
        return None
    words = _words(text)
    if words[:1] == ["oar"]:
        words = words[1:]
    return _KNOWN.get(_key(words)) or canonical("".join(words)) or _lesion(words) or _sided(words)


def alias_key(text: str) -> str:
    """What makes two spellings the same alias: letters and digits, and the signs that tell helpers from organs."""
    return plain_spelling(text) + "".join(sign for sign in text if sign in "~+^%!")


def _sided(words: list[str]) -> str | None:
    """A structure of which there are two, with its side."""
    found = {name for rest, side in _divided(words) if (name := _of_side(rest, side))}
    return found.pop() if len(found) == 1 else None


def _divided(words: list[str]) -> list[tuple[str, str]]:
    """What is left without the side, and the side, for each place where one may stand."""
    if not words:
        return []
    first, last, whole = words[0], words[-1], "".join(words)
    pairs = [("".join(words[1:]), _SIDE.get(first)), ("".join(words[:-1]), _SIDE.get(last))]
    for word, side in _SIDE.items():
        if len(word) >= LEAST_GLUED:
            pairs += [(whole[len(word) :], side)] if whole.startswith(word) else []
            pairs += [(whole[: -len(word)], side)] if whole.endswith(word) else []
    before = "".join(words[:-1])
    if before in FRENCH and last in ("d", "g"):
        pairs.append((before, "R" if last == "d" else "L"))
    return [(rest, side) for rest, side in pairs if rest and side]


def _of_side(rest: str, side: str) -> str | None:
    return f"{_PAIRED[rest]}_{side}" if rest in _PAIRED else canonical(f"{rest}_{side}")


def _lesion(words: list[str]) -> str | None:
    """``GTVn2``, ``GTV-N left 3``: numbered tumours and nodes."""
    number = words[-1] if words and words[-1].isdecimal() else ""
    if number and (number.startswith("0") or len(number) > 2 or int(number) > MOST_LESIONS):
        return None
    rest = words[:-1] if number else words
    name = _KNOWN.get(_key(rest))
    if name is None and rest and _SIDE.get(rest[-1]):
        name = _KNOWN.get(_key(rest[:-1]))
        return name if name == "GTVn" else None
    return name if name in ("GTVt", "GTVn") else None


def _words(text: str) -> list[str]:
    """Small words without accents, parted where signs, digits or capitals part them: ``OpticNrv_R``."""
    letters = unicodedata.normalize("NFKD", text.translate(_LIGATURES))
    bare = "".join(sign for sign in letters if not unicodedata.combining(sign))
    return [word.lower() for word in _WORDS.findall(bare)]


def _key(words: list[str]) -> str:
    """Words in one; a single letter at the end stays apart: ``Constrictor_S`` is the upper of the ``Constrictors``."""
    return "".join(words[:-1]) + ("_" if len(words) > 1 and len(words[-1]) == 1 else "") + "".join(words[-1:])


def _table(structures: Mapping[str, str]) -> dict[str, str]:
    known: dict[str, str] = {}
    for name, spellings in structures.items():
        for key in (_key(_words(name)), *(_key(spelling.split()) for spelling in written(spellings))):
            assert known.setdefault(key, name) == name, f"{key} is claimed twice"
    return known


_KNOWN, _PAIRED = _table(UNPAIRED), _table(PAIRED)
_SIDE = {word: side for side, words in SIDES.items() for word in words.split()}
