"""What a mapping file says: which column of a hospital's table holds which of hnseg's variables, and in which words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hnseg.survival.clinical.variables import plain_word


@dataclass(frozen=True)
class Column:
    """Where a value comes from.

    Attributes:
        names: spellings of the column; the first that a table has is read.
        values: their word (as `plain_word` has it) to ours; a word of ours that is missing means not known.
        factor: what one of their unit is worth in ours.
        constant: the value of every row where there is no column; else empty.
        optional: whether a table may lack the column.
    """

    names: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    factor: float = 1.0
    constant: str = ""
    optional: bool = False

    def in_table(self, place: str, columns: Iterable[str]) -> str | None:
        """The spelling that a table has; None where it has none and may do without.

        Raises:
            ValueError: it has none, and the column is not optional; the nearest that it has is named.
        """
        columns = list(columns)
        found = next((name for name in self.names if name in columns), None)
        if found is None and self.names and not self.optional:
            refuse_unknown(place, "column", self.names[:1], columns)
        return found


@dataclass(frozen=True)
class EndpointColumns:
    """Where an endpoint comes from: ``event_time`` is read where the event happened, ``censored_time`` where not."""

    event: Column
    event_time: Column
    censored_time: Column
    leave_out_events_without_time: bool = False


@dataclass(frozen=True)
class ClinicalMapping:
    """How a table is read; made by :func:`read_mapping`.

    Attributes:
        name: of the file, for messages.
        patient: the column with the patients' names.
        centre: the column with the hospital, or None.
        centre_pattern: else a regular expression whose first group, found in the patient's name, is the hospital.
        missing: words that stand for an empty cell, as `plain_word` has them.
        variables: hnseg's variable to its column.
        endpoints: name of an endpoint to its columns.
    """

    name: str
    patient: Column
    centre: Column | None
    centre_pattern: re.Pattern[str] | None
    missing: frozenset[str]
    variables: Mapping[str, Column]
    endpoints: Mapping[str, EndpointColumns]

    def means(self, column: Column, cell: str) -> str | None:
        """A cell in our words; None where it says nothing."""
        word = plain_word(cell)
        ours = column.values.get(word, cell)
        return None if plain_word(ours) in self.missing else ours

    def endpoint(self, name: str) -> EndpointColumns:
        """The columns of an endpoint.

        Raises:
            ValueError: the mapping has none of that name.
        """
        refuse_unknown(self.name, "endpoint", [name], self.endpoints)
        return self.endpoints[name]


def refuse_unknown(place: str, what: str, found: Iterable[str], known: Iterable[str]) -> None:
    """Stop at a name that is none of the known ones, and say which is nearest.

    Raises:
        ValueError: there is one.
    """
    known = list(known)
    for name in found:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ValueError(f"{place}: no {what} {name!r}; {hint}There are {', '.join(map(repr, known)) or 'none'}")
