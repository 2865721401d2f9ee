"""Endpoints of clinical tables: whether the event happened and when, and who has no endpoint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hnseg.prepare.findings import Failure
from hnseg.survival.clinical.mapping import ClinicalMapping
from hnseg.survival.clinical.table import ClinicalTable, Paths, Row, rows_of
from hnseg.survival.clinical.variables import YES_NO, Variable
from hnseg.survival.objects import Outcome

_NUMBER = Variable()
MOST_DAYS = 36525.0


@dataclass(frozen=True, eq=False)
class Endpoint:
    """The outcome of those who have one, and by name why the others have not."""

    outcome: Outcome
    left_out: tuple[Failure, ...]


@dataclass(frozen=True, eq=False)
class Matched:
    """Clinical records and outcomes of the same patients in the same order, and by name who is not among them."""

    table: ClinicalTable
    outcome: Outcome
    left_out: tuple[Failure, ...]


def read_endpoint(paths: Paths, mapping: ClinicalMapping, endpoint: str) -> Endpoint:
    """An endpoint of one table, or of several that one mapping describes.

    A patient of whom event or time is not known (test patients, empty cells) is left out, by name.

    Args:
        paths: CSV files.
        mapping: where its ``endpoints`` are (`hnseg.survival.clinical.read_mapping`).
        endpoint: one of them.

    Raises:
        ValueError: as :func:`hnseg.survival.clinical.read_clinical`; or the mapping has no such endpoint; or an event
            has no time, unless the mapping has such patients left out; or a time that is no number above 0; or nobody
            has the endpoint.
    """
    mapping.endpoint(endpoint)
    patients, events, times, left_out = [], [], [], []
    rows = list(rows_of(paths, mapping))
    for row in rows:
        found = _found(row, mapping, endpoint)
        if isinstance(found, Failure):
            left_out.append(found)
            continue
        patients.append(row.patient)
        events.append(found[0])
        times.append(found[1])
    if not patients:
        raise ValueError(
            f"{rows[0].path}: nobody has the endpoint {endpoint} (mapping {mapping.name}); check the columns"
        )
    return Endpoint(Outcome(tuple(patients), np.array(events, bool), np.array(times, float)), tuple(left_out))


def match(table: ClinicalTable, endpoint: Endpoint) -> Matched:
    """Those who are in both, in the table's order; whoever is in one alone is left out, by name.

    Raises:
        ValueError: nobody is in both.
    """
    known, recorded = set(endpoint.outcome.patients), set(table.patients)
    both = [patient for patient in table.patients if patient in known]
    if not both:
        raise ValueError(
            f"no patient of the endpoints (such as {endpoint.outcome.patients[0]}) is in the clinical table (such as "
            f"{next(iter(table.patients), 'nobody')}); check that both files name patients alike"
        )
    said = {failure.case_id for failure in endpoint.left_out}
    left_out = [
        *endpoint.left_out,
        *(
            Failure(p, "is in the clinical table and not among the endpoints")
            for p in table.patients
            if p not in known | said
        ),
        *(
            Failure(p, "has an endpoint and no row in the clinical table")
            for p in endpoint.outcome.patients
            if p not in recorded
        ),
    ]
    return Matched(table.of(both), endpoint.outcome.of(both), tuple(left_out))


def _found(row: Row, mapping: ClinicalMapping, endpoint: str) -> tuple[bool, float] | Failure:
    columns = mapping.endpoint(endpoint)
    place = f"{row.path} (mapping {mapping.name}, {endpoint})"
    event_column, happened_column, censored_column = (
        column.in_table(place, row.row) for column in (columns.event, columns.event_time, columns.censored_time)
    )
    event = row.value(columns.event, YES_NO, event_column)
    if event is None:
        return Failure(row.patient, f"{row.path}, line {row.line}: no {endpoint} in column {event_column!r}")
    column, name = (columns.event_time, happened_column) if event else (columns.censored_time, censored_column)
    days = row.value(column, _NUMBER, name)
    if days is None and event and not columns.leave_out_events_without_time:
        raise row.wrong(f"{endpoint} happened, and column {name!r} does not say when; fill the cell in")
    if days is None:
        return Failure(row.patient, f"{row.path}, line {row.line}: no time of {endpoint} in column {name!r}")
    assert isinstance(days, float)
    if not 0 < days <= MOST_DAYS:
        raise row.wrong(
            f"column {name!r}: expected a time above 0, found {days:g} days; correct the cell"
            if days <= 0
            else f"column {name!r}: expected a time of up to 100 years, found {days:g} days; correct cell or unit"
        )
    return bool(event), days
