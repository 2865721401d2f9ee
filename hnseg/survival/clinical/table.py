"""Clinical tables with types: what is known of each patient, and nothing invented where a cell is empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hnseg.io.tables import keyed_rows, read_rows
from hnseg.survival.clinical.mapping import ClinicalMapping, Column
from hnseg.survival.clinical.staging import refuse_other_edition
from hnseg.survival.clinical.variables import VARIABLES, Value, Variable

Paths = str | Path | Sequence[str | Path]


@dataclass(frozen=True)
class ClinicalRecord:
    """One patient; None is what nobody wrote down. Categories are those of `hnseg.survival.clinical.variables`.

    Attributes:
        age: years.
        gender: ``male`` or ``female``.
        tobacco, alcohol, hpv, surgery, chemotherapy: whether so.
        performance_status: ECOG's 0 to 4.
        tnm_edition: 7 or 8.
        t_stage, n_stage, m_stage: ``T4a``, ``N2b``, ``M0``.
        tnm_group: ``IVA``.
        site: of the primary tumour.
    """

    patient: str
    centre: str = ""
    age: float | None = None
    weight_kg: float | None = None
    gender: str | None = None
    tobacco: bool | None = None
    alcohol: bool | None = None
    performance_status: int | None = None
    hpv: bool | None = None
    surgery: bool | None = None
    chemotherapy: bool | None = None
    tnm_edition: int | None = None
    t_stage: str | None = None
    n_stage: str | None = None
    m_stage: str | None = None
    tnm_group: str | None = None
    site: str | None = None


@dataclass(frozen=True)
class ClinicalTable:
    """Records of different patients, in the order of the file, and which variables the file has at all."""

    records: tuple[ClinicalRecord, ...]
    variables: tuple[str, ...]

    def __post_init__(self) -> None:
        assert len(set(self.patients)) == len(self.records)

    def __len__(self) -> int:
        return len(self.records)

    @property
    def patients(self) -> tuple[str, ...]:
        return tuple(record.patient for record in self.records)

    @property
    def centres(self) -> dict[str, str]:
        """Patient to hospital, empty where it is not known."""
        return {record.patient: record.centre for record in self.records}

    def of(self, patients: Iterable[str]) -> ClinicalTable:
        """Some of the patients, in their order."""
        by_name = {record.patient: record for record in self.records}
        return ClinicalTable(tuple(by_name[patient] for patient in patients), self.variables)


def read_clinical(paths: Paths, mapping: ClinicalMapping) -> ClinicalTable:
    """The patients of one table, or of several that one mapping describes, one below the other.

    Args:
        paths: CSV files as `hnseg.io.tables` reads them.
        mapping: which column is which variable (`hnseg.survival.clinical.read_mapping`).

    Raises:
        ValueError: a file that is no table; a column that the mapping names and the table lacks; a patient twice; a
            cell that is no value of its variable, or a category that the row's TNM edition has not. The message names
            file, line, column and patient.
    """
    records: list[ClinicalRecord] = []
    variables: dict[str, None] = {}
    for place in rows_of(paths, mapping):
        columns = {
            name: column.in_table(f"{place.path} (mapping {mapping.name}, {name})", place.row)
            for name, column in mapping.variables.items()
        }
        present = [name for name, column in mapping.variables.items() if columns[name] or column.constant]
        variables |= dict.fromkeys(present)
        values = {name: place.value(mapping.variables[name], VARIABLES[name], columns[name]) for name in present}
        records.append(_record(place, values))
    return ClinicalTable(tuple(records), tuple(name for name in VARIABLES if name in variables))


@dataclass(frozen=True)
class Row:
    """A row and where it stands."""

    path: Path
    line: int
    patient: str
    row: Mapping[str, str]
    mapping: ClinicalMapping

    def value(self, column: Column, variable: Variable, name: str | None) -> Value:
        """What the row says of a variable, None where nothing; ``name``: the column's, None for a constant.

        Raises:
            ValueError: the cell is no value of the variable.
        """
        cell = self.row[name] if name is not None else column.constant
        ours = self.mapping.means(column, cell)
        if ours is None:
            return None
        try:
            return variable.value(ours, column.factor)
        except ValueError as error:
            theirs = f", or of the mapping's {', '.join(map(repr, column.values))}" if column.values else ""
            raise self.wrong(
                f"column {name!r}: {error}{theirs}, found {cell!r}; correct the cell, or list it among "
                "the mapping's values"
            ) from error

    def wrong(self, what: str) -> ValueError:
        """An error that begins with where the row stands."""
        return ValueError(f"{self.path}, line {self.line}, patient {self.patient}: {what}")


def rows_of(paths: Paths, mapping: ClinicalMapping) -> Iterator[Row]:
    """Rows of all files, each patient once.

    Raises:
        ValueError: as :func:`read_clinical`, of what concerns files, columns of patients, and patients.
    """
    seen: dict[str, str] = {}
    for path in map(Path, [paths] if isinstance(paths, str | Path) else paths):
        rows = read_rows(path)
        if not rows:
            raise ValueError(f"{path}: expected at least one row below the header, found none; check the file")
        column = mapping.patient.in_table(f"{path} (mapping {mapping.name}, patient)", rows[0])
        assert column is not None
        for patient, (line, row) in keyed_rows(path, column, (column,)).items():
            if patient in seen:
                raise ValueError(
                    f"{path}, line {line}: patient {patient} was there on {seen[patient]}; keep one row for each"
                )
            seen[patient] = f"line {line} of {path}"
            yield Row(path, line, patient, row, mapping)


def _record(place: Row, values: dict[str, Value]) -> ClinicalRecord:
    mapping = place.mapping
    centre = ""
    if mapping.centre_pattern is not None and (found := mapping.centre_pattern.search(place.patient)):
        centre = found.group(1) or ""
    elif mapping.centre is not None:
        name = mapping.centre.in_table(f"{place.path} (mapping {mapping.name}, centre)", place.row)
        cell = place.row[name] if name is not None else mapping.centre.constant
        centre = mapping.means(mapping.centre, cell) or ""
    record = ClinicalRecord(place.patient, centre, **values)  # type: ignore[arg-type]
    try:
        refuse_other_edition(record.tnm_edition, record.n_stage, record.site)
    except ValueError as error:
        raise place.wrong(f"n_stage: {error}") from error
    return record
