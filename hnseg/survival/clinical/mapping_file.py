"""Reads mapping files, those that come with hnseg and users' own: a YAML for each kind of table, and no code."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from hnseg.survival.clinical.mapping import ClinicalMapping, Column, EndpointColumns, refuse_unknown
from hnseg.survival.clinical.variables import MISSING, VARIABLES, YES_NO, Variable, finite, plain_word

DAYS = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12, "years": 365.25}
MOST_BYTES = 1 << 18
_COLUMN = ("column", "values", "unit", "constant", "optional")


class _Texts(yaml.BaseLoader):
    """Every scalar is the text that was written: ``no`` and ``1`` are words of a table, not a bool and a number."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases, which can grow without limit, are not read", None)
        return super().compose_node(parent, index)  # type: ignore[no-untyped-call,no-any-return]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]  # type: ignore[no-untyped-call]
        if not all(isinstance(key, str) for key in keys) or len(set(keys)) < len(keys):
            raise yaml.constructor.ConstructorError(None, None, "a key is there twice, or is no text", node.start_mark)
        return super().construct_mapping(node, deep)


def shipped_mappings() -> tuple[str, ...]:
    """Names of the mappings that come with hnseg."""
    folder = files("hnseg.survival.clinical").joinpath("mappings")
    return tuple(sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml")))


def read_mapping(name_or_path: str | Path) -> ClinicalMapping:
    """A mapping that comes with hnseg, by its name, or a user's own YAML (docs/datasets/clinical_tables.md).

    Raises:
        ValueError: there is no such file or name; or it is no mapping; or it has a key, variable or unit that hnseg
            does not know, which are named with the nearest that it does.
    """
    path = Path(name_or_path)
    try:
        if path.suffix in (".yaml", ".yml"):
            if path.exists() and not (path.is_file() and path.stat().st_size <= MOST_BYTES):
                raise ValueError(f"{path}: expected a file of at most {MOST_BYTES} bytes; this is no mapping")
            text = path.read_text(encoding="utf-8")
        else:
            refuse_unknown("clinical mapping", "name (or path of a .yaml)", [str(name_or_path)], shipped_mappings())
            shipped = files("hnseg.survival.clinical").joinpath(f"mappings/{name_or_path}.yaml")
            text = shipped.read_text(encoding="utf-8")
        plain = yaml.load(text, _Texts)  # which builds texts, lists and dicts alone
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{name_or_path}: expected a mapping in YAML and UTF-8 ({error}); correct the file") from error
    return _Reader(str(name_or_path)).mapping(plain)


@dataclass(frozen=True)
class _Reader:
    """Turns the plain content of a file into a mapping; ``name`` stands in every message."""

    name: str

    def mapping(self, plain: object) -> ClinicalMapping:
        top = self._keys(plain, "the file", ("source", "patient", "centre", "missing", "variables", "endpoints"))
        centre = self._centre(top.get("centre"))
        words = top.get("missing", [])
        missing = [self._text(word, "missing") for word in (words if isinstance(words, list) else [words])]
        variables = self._keys(top.get("variables", {}), "variables", tuple(VARIABLES))
        endpoints = self._keys(top.get("endpoints", {}), "endpoints")
        mapping = ClinicalMapping(
            name=self.name,
            patient=Column(self._names(top.get("patient"), "patient")),
            centre=centre if isinstance(centre, Column) else None,
            centre_pattern=None if isinstance(centre, Column) else centre,
            missing=frozenset((*MISSING, *map(plain_word, missing))),
            variables={
                variable: self._column(given, variable, VARIABLES[variable].units)
                for variable, given in variables.items()
            },
            endpoints={endpoint: self._endpoint(given, endpoint) for endpoint, given in endpoints.items()},
        )
        for variable, column in mapping.variables.items():
            self._refuse_foreign_words(mapping, variable, VARIABLES[variable], column)
        for endpoint, columns in mapping.endpoints.items():
            self._refuse_foreign_words(mapping, f"{endpoint}, event", YES_NO, columns.event)
        return mapping

    def _refuse_foreign_words(self, mapping: ClinicalMapping, place: str, variable: Variable, column: Column) -> None:
        """What a mapping turns words into must be ours: better here than at the first row that has the word."""
        for ours in {*column.values.values(), column.constant}:
            if plain_word(ours) not in mapping.missing:
                try:
                    variable.value(ours)
                except ValueError as error:
                    raise self._wrong(place, f"{error}, found {ours!r}") from error

    def _centre(self, given: object) -> Column | re.Pattern[str] | None:
        if given is None or not (isinstance(given, Mapping) and "pattern" in given):
            return None if given is None else self._column(given, "centre", {})
        pattern = self._text(self._keys(given, "centre", ("pattern",))["pattern"], "pattern")
        try:
            compiled = re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise self._wrong("centre", f"{pattern!r} is no regular expression ({error})") from error
        if compiled.groups != 1:
            raise self._wrong("centre", f"expected one group in {pattern!r}, round the hospital")
        return compiled

    def _endpoint(self, given: object, place: str) -> EndpointColumns:
        keys = self._keys(given, place, ("event", "time", "leave_out_events_without_time"))
        if not {"event", "time"} <= set(keys):
            raise self._wrong(place, f"expected event and time, found {', '.join(keys) or 'nothing'}")
        time = keys["time"]
        if isinstance(time, Mapping) and "event" in time:
            both = self._keys(time, f"{place}, time", ("event", "censored", "unit"))
            unit = {"unit": both["unit"]} if "unit" in both else {}
            times = [
                self._column({"column": both.get(which), **unit}, place, DAYS, True) for which in ("event", "censored")
            ]
        else:
            times = [self._column(time, f"{place}, time", DAYS, True)] * 2
        leave_out = self._flag(keys.get("leave_out_events_without_time", "false"), place)
        return EndpointColumns(self._column(keys["event"], f"{place}, event", {}), times[0], times[1], leave_out)

    def _column(self, given: object, place: str, units: Mapping[str, float], any_unit: bool = False) -> Column:
        """``any_unit``: a number stands for a unit of so many of ours."""
        if not isinstance(given, Mapping):
            return Column(self._names(given, place))
        keys = self._keys(given, place, _COLUMN)
        if ("column" in keys) == ("constant" in keys):
            raise self._wrong(place, "expected either column or constant")
        values = self._keys(keys.get("values", {}), f"{place}, values")
        words = {plain_word(theirs): self._text(ours, f"{place}, values") for theirs, ours in values.items()}
        if len(words) < len(values):
            raise self._wrong(place, "two values are the same but for capitals, spaces or '.0'")
        return Column(
            names=self._names(keys["column"], place) if "column" in keys else (),
            values=words,
            factor=self._factor(self._text(keys["unit"], place), place, units, any_unit) if "unit" in keys else 1.0,
            constant=self._text(keys.get("constant", ""), place),
            optional=self._flag(keys.get("optional", "false"), place),
        )

    def _factor(self, unit: str, place: str, units: Mapping[str, float], any_unit: bool) -> float:
        if any_unit and unit not in units:
            try:
                factor = finite(unit)
            except ValueError:
                factor = 0.0
            if factor > 0:
                return factor
        refuse_unknown(f"{self.name}, {place}", "unit", [unit], units)
        return units[unit]

    def _keys(self, given: object, place: str, known: tuple[str, ...] = ()) -> dict[str, object]:
        """A dict; of ``known`` keys alone where there are any."""
        if not isinstance(given, dict):
            raise self._wrong(place, f"expected keys with values, found {given!r:.60}")
        if known:
            refuse_unknown(f"{self.name}, {place}", "key", given, known)
        return given

    def _names(self, given: object, place: str) -> tuple[str, ...]:
        names = tuple(self._text(name, place) for name in (given if isinstance(given, list) else [given or ""]))
        if not names or not all(names):
            raise self._wrong(place, "expected the name of a column, or a list of its spellings")
        return names

    def _text(self, given: object, place: str) -> str:
        if not isinstance(given, str):
            raise self._wrong(place, f"expected a word, found {given!r:.60}")
        return given.strip()

    def _flag(self, given: object, place: str) -> bool:
        if given not in ("true", "false"):
            raise self._wrong(place, f"expected true or false, found {given!r:.60}")
        return given == "true"

    def _wrong(self, place: str, what: str) -> ValueError:
        return ValueError(f"{self.name}, {place}: {what}; see docs/datasets/clinical_tables.md")
