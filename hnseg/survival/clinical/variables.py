"""The variables that clinical tables are read into: kinds, units, categories, and how a cell's text is understood."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hnseg.survival.clinical import staging

MISSING = ("", "na", "n/a", "#n/a", "nan", "none", "null", "tbd", "unknown", "unk", "not known", "not available", "?")
"""What counts as an empty cell in every table, in lower case; a mapping may add words."""

Value = float | int | bool | str | None


@dataclass(frozen=True)
class Variable:
    """One thing to know of a patient.

    Attributes:
        words: text of a cell that is not empty to its value, None where it says that it is not known; raises ValueError
            with what was expected. None: it is a number.
        units: of a number: unit to what one of it is worth in ours; the first is ours.
        limits: between which a number lies.
    """

    words: Callable[[str], Value] | None = None
    units: Mapping[str, float] = field(default_factory=dict)
    limits: tuple[float, float] = (-math.inf, math.inf)

    def value(self, text: str, factor: float = 1.0) -> Value:
        """What a cell says; ``factor`` turns its unit into ours.

        Raises:
            ValueError: it says nothing that this variable can be; the message is what was expected.
        """
        if self.words is not None:
            return self.words(text)
        low, high = self.limits
        value = finite(text) * factor
        if not low <= value <= high:
            raise ValueError(f"expected {low:g} to {high:g} {next(iter(self.units))}")
        return value


def plain_word(text: str) -> str:
    """A cell or a word of a mapping as it is compared: lower case, single spaces, ``1.0`` as ``1``."""
    word = " ".join(text.split()).casefold()
    return re.sub(r"^(-?\d+)\.0+$", r"\1", word)


def finite(text: str) -> float:
    """The number that a cell holds; a comma is taken for the decimal point where it can be no mark of thousands.

    Raises:
        ValueError: it is none, or not finite, or might be thousands (``1,234``).
    """
    if re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", text, re.ASCII):
        raise ValueError("expected a number that cannot be read in two ways, without a mark of thousands")
    if not re.fullmatch(r"[+-]?(\d+[.,]?\d*|[.,]\d+)(e[+-]?\d+)?", text, re.ASCII | re.IGNORECASE):
        raise ValueError("expected a number")
    value = float(text.replace(",", "."))
    if not math.isfinite(value):
        raise ValueError("expected a finite number")
    return value


def _word(words: Mapping[str, Value]) -> Callable[[str], Value]:
    def parse(text: str) -> Value:
        word = plain_word(text)
        if word not in words:
            raise ValueError(f"expected one of {', '.join(words)}")
        return words[word]

    return parse


def _stage(letter: str, known: tuple[str, ...]) -> Callable[[str], str | None]:
    return lambda text: staging.category(text, letter, known)


YES_NO = Variable(_word(
    {"1": True, "0": False, "yes": True, "no": False, "y": True, "n": False, "true": True, "false": False,
     "+": True, "-": False, "positive": True, "negative": False, "pos": True, "neg": False}
))  # fmt: skip
_SITES = ("oropharynx", "nasopharynx", "hypopharynx", "larynx", "oral cavity", "other")

VARIABLES: Mapping[str, Variable] = {
    "age": Variable(None, {"years": 1.0, "months": 1 / 12, "days": 1 / 365.25}, (0, 120)),
    "weight_kg": Variable(None, {"kg": 1.0, "lb": 0.45359237}, (20, 400)),
    "gender": Variable(_word({"male": "male", "m": "male", "female": "female", "f": "female"})),
    "tobacco": YES_NO,
    "alcohol": YES_NO,
    "performance_status": Variable(_word({str(grade): grade for grade in range(5)})),
    "hpv": YES_NO,
    "surgery": YES_NO,
    "chemotherapy": YES_NO,
    "tnm_edition": Variable(_word({"7": 7, "8": 8, "7th": 7, "8th": 8})),
    "t_stage": Variable(_stage("T", staging.T_CATEGORIES)),
    "n_stage": Variable(_stage("N", staging.N_CATEGORIES)),
    "m_stage": Variable(_stage("M", staging.M_CATEGORIES)),
    "tnm_group": Variable(staging.stage_group),
    "site": Variable(_word({site: site for site in _SITES})),
}
"""Every variable that hnseg knows. ``performance_status`` is ECOG's 0 to 4: grade 5 is death. ``site`` says which
staging rules hold and is no feature, nor is the centre."""
