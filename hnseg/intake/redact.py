"""Names of structures as reports may show them: without what could name the patient.

Whoever draws may type anything into a structure's name, the patient's included. What is known of the patient is looked
for and hidden; what else may be in there (initials of a physician, a remark) cannot be told from a name of a structure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from hnseg.intake.structure_names import structure_name
from hnseg.io.dicom.objects import PatientTags

HIDDEN = "*"
LONGEST = 64
"""Signs of a name that are shown; ROI Name and Segment Label have no more (VR LO, DICOM PS3.5 section 6.2)."""

SHORTEST = 3
"""Fewer Latin letters in common say nothing: half of all names have an ``li`` in them."""

_IDEOGRAPHS = "\u2e80"
"""From here on: CJK, kana, Hangul."""

_WORD = re.compile(r"[^\W_]+")
_MONTHS = (
    "jan(?:uary?|vier|uari)?|jänner|gen(?:naio)?|ene(?:ro)?|feb(?:ruary?|ruari|braio|rero)?|f[eé]v(?:rier)?|"
    "mar(?:ch|s|zo)?|mär(?:z)?|mrz|maart|apr(?:il|ile)?|avr(?:il)?|abr(?:il)?|ma[iy]|mei|mag(?:gio)?|mayo|"
    "jun[ei]?|juin|giu(?:gno)?|junio|jul[iy]?|juil(?:let)?|lug(?:lio)?|julio|aug(?:ust|ustus)?|ao[uû]t|ago(?:sto)?|"
    "sept?(?:ember|embre|tembre|tiembre)?|set(?:tembre)?|o[ck]t(?:ober|obre|ubre)?|ott(?:obre)?|"
    "nov(?:ember|embre|iembre)?|de[cz](?:ember|embre)?|déc(?:embre)?|dic(?:embre|iembre)?"
)
_DATES = (
    r"\d+(?:\.\d+){3,}",  # a UID
    r"\d{4}[-./_ ]\d{1,2}[-./_ ]\d{1,2}",
    r"\d{1,2}[-./_ ]\d{1,2}[-./_ ]\d{2,4}",
    rf"(?:\d{{1,2}}[-./_ ]*)?(?<![^\W\d_])(?:{_MONTHS})[-./_, ]*\d{{1,2}}(?:[-./_, ]+\d{{2,4}}|\d{{2}})?(?!\d)",
    r"\d[\d ]{3,}\d(?!\d)",  # a number of five or more digits: an id, or a date without signs
)
_DATE = re.compile("|".join(f"(?<!\\d)(?:{date})" for date in _DATES), re.IGNORECASE)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "æ": "ae", "œ": "oe"})
_STROKES = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i"})


def redact(text: str, *patients: PatientTags) -> str:
    """A structure's name with ``*`` in the place of every word that could name the patient.

    A word is hidden where it has three letters or digits in a row in common with the name or the id, capitals and
    accents aside (of ideographs a single one), where words read together hold a whole part of either, and where it
    looks like a date, a birth year, or a number of five or more digits. Too much is hidden rather than too little. Only
    where the text is a spelling that hnseg knows, a word must hold a part of the name or id or be held by one: it comes
    from anatomy, and a hidden ``Mandible`` would say that there is a ``man`` in the name.

    Args:
        text: as written in the file.
        patients: whose structure it is, in all the ways in which files of one patient have it.
    """
    shown = "".join(sign if sign.isprintable() else " " for sign in unicodedata.normalize("NFC", text))[:LONGEST]
    hidden = [match.span() for match in _DATE.finditer(shown)]
    words = [match.span() for match in _WORD.finditer(shown)]
    pieces = {piece for patient in patients for piece in _pieces(patient)}
    telling = _within if structure_name(text, {}) else _shares
    hidden += [span for span in words if any(telling(form, pieces) for form in _forms(shown[slice(*span)]))]
    dates = {date for patient in patients for date in _birth_dates(patient.birth_date)}
    hidden += _across(shown, words, pieces | dates)
    return " ".join(_blotted(shown, hidden).split())


def _pieces(patient: PatientTags) -> set[str]:
    """Parts of name and id, each as a whole, in every way of writing them without accents."""
    pieces = set()
    for text in (patient.name, patient.patient_id):
        for form in _forms(text):
            parts = _WORD.findall(form)
            pieces |= {*parts, "".join(parts)}
    return {piece for piece in pieces if _fragments(piece)}


def _birth_dates(date: str) -> Iterator[str]:
    """Year of birth, and the whole date without signs in the orders that are in use; of a DICOM date YYYYMMDD."""
    digits = "".join(sign for sign in date if sign.isdigit())
    if len(digits) != 8:
        yield from [digits] if len(digits) >= SHORTEST else []
        return
    year, month, day = digits[:4], digits[4:6], digits[6:]
    yield year
    for y in (year, year[2:]):
        yield from (y + month + day, day + month + y, month + day + y)


def _shares(word: str, pieces: set[str]) -> bool:
    """Whether a word has as many signs in a row as say something in common with a piece."""
    return any(fragment in word for piece in pieces for fragment in _fragments(piece))


def _within(word: str, pieces: set[str]) -> bool:
    """Whether a word that says something is part of a piece."""
    return any(word in piece for piece in pieces) and bool(_fragments(word))


def _across(text: str, words: list[tuple[int, int]], pieces: set[str]) -> list[tuple[int, int]]:
    """The words that together hold a whole piece, however it was divided: ``Sch-midt``, ``12 34 5``."""
    found = []
    for form in range(len(_forms(""))):
        joined, owners = "", []
        for place, span in enumerate(words):
            letters = _forms(text[slice(*span)])[form]
            joined += letters
            owners += [place] * len(letters)
        for piece in pieces:
            start = joined.find(piece)
            while start >= 0:
                found += [words[place] for place in sorted(set(owners[start : start + len(piece)]))]
                start = joined.find(piece, start + 1)
    return found


def _forms(text: str) -> tuple[str, str]:
    """Small letters without accents, once with ``ue`` for ``ü`` and once with ``u``."""
    composed = unicodedata.normalize("NFC", text).casefold()
    return _bare(composed.translate(_UMLAUTS)), _bare(composed.translate(_STROKES))


def _bare(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in letters if not unicodedata.combining(sign)).casefold()


def _fragments(piece: str) -> set[str]:
    """The shortest stretches of a piece that say something; one sign where each is a syllable or a word."""
    signs = {sign for sign in piece if sign >= _IDEOGRAPHS}
    return signs | {piece[start : start + SHORTEST] for start in range(len(piece) - SHORTEST + 1)}


def _blotted(text: str, hidden: list[tuple[int, int]]) -> str:
    """The text with one sign in the place of each hidden stretch."""
    result, place = "", 0
    for start, stop in sorted(hidden):
        if stop <= place:
            continue
        result += text[place : max(start, place)]
        if not result.endswith(HIDDEN) or start > place:
            result += HIDDEN
        place = stop
    return result + text[place:]
