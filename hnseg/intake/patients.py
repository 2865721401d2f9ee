"""The files of a scan, patient by patient, into plans of cases."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from hnseg.intake.match import Group, groups, match
from hnseg.intake.plan import CasePlan, Plan, Skipped, Unit
from hnseg.intake.pseudonyms import Pseudonyms
from hnseg.io.dicom.objects import FileHeader, Limits, RefusedDicomError, Registration, Series
from hnseg.io.dicom.registration import read_registrations
from hnseg.io.dicom.scan import Scan
from hnseg.io.dicom.stack import stack

IMAGES = ("CT", "PT")
STRUCTURES = ("RTSTRUCT", "SEG")
REGISTRATIONS = ("REG",)


def plan_cases(scan: Scan, pseudonyms: Pseudonyms, unit: Unit = "patient", limits: Limits | None = None) -> Plan:
    """Which cases the files make, and why everything else is left out; registrations are read, nothing else is.

    Args:
        scan: the headers of all files.
        pseudonyms: what patients are called.
        unit: whether a patient or a study becomes one case.
        limits: of reading one object.
    """
    patients: dict[str, list[FileHeader]] = defaultdict(list)
    for header in scan.headers:
        patients[header.patient.patient_id or header.study_uid].append(header)
    cases: list[CasePlan] = []
    skipped = [
        Skipped(pseudonyms.token(str(path)), "file", "", 1, error.reason, error.message) for path, error in scan.skipped
    ]
    for headers in patients.values():
        patient = _Patient(headers, pseudonyms, limits or Limits())
        cases += patient.cases(unit)
        skipped += patient.skipped
    return Plan(
        tuple(sorted(cases, key=lambda case: case.case_id)),
        tuple(sorted(skipped, key=lambda one: (one.case_id, one.kind, one.reason, one.token))),
        len(scan.headers) + len(scan.skipped),
    )


@dataclass
class _Patient:
    """The files of one patient on their way into cases."""

    headers: Sequence[FileHeader]
    pseudonyms: Pseudonyms
    limits: Limits
    skipped: list[Skipped] = field(default_factory=list)

    def cases(self, unit: Unit) -> list[CasePlan]:
        """The patient's cases; what is left out is in ``skipped`` afterwards."""
        tags = self.headers[0].patient
        try:
            name = self.pseudonyms.case(tags.patient_id, self.headers[0].study_uid)
        except RefusedDicomError as error:
            self._skip(self.headers, "file", error)
            return []
        series, objects, registrations = self._series(), self._objects(), self._registrations()
        found = groups(series, objects, registrations, self._leave)
        plans = []
        for group in self._taken(found, unit):
            matched = match(group, registrations, self._leave)
            if matched is None:
                continue
            plan = CasePlan(
                name, name, tags, matched.ct, matched.pt, matched.objects, matched.moves, matched.grids,
                centre=self.pseudonyms.centre(tags.patient_id), part=self.pseudonyms.part(tags.patient_id),
                notes=tuple(self._doubts()), phantom=any(header.phantom for header in self.headers),
            )  # fmt: skip
            plans.append(plan)
        if len(plans) > 1:
            plans = [replace(plan, case_id=f"{name}-{number}") for number, plan in enumerate(plans, start=1)]
        self.skipped = [replace(one, case_id=name) for one in self.skipped]
        return plans

    def _taken(self, found: Sequence[Group], unit: Unit) -> Sequence[Group]:
        """The groups that become cases: all of them, or of a patient the one that offers most."""
        if unit == "study":
            # in the order of their UIDs' pseudonyms: as good as any, and the same the next time
            return sorted(found, key=lambda group: self.pseudonyms.token(group.study_uid + group.frames[0]))
        for group in found[1:]:
            items: list[Series | FileHeader] = [*group.ct, *group.pt, *group.objects]
            for item in items:
                self._leave(
                    item,
                    "other_study",
                    "another examination of this patient was taken, the one with structures or more images; "
                    "cases=study makes a case of each",
                )
        return found[:1]

    def _series(self) -> list[Series]:
        by_uid: dict[str, list[FileHeader]] = defaultdict(list)
        for header in self.headers:
            if header.modality in IMAGES:
                by_uid[header.series_uid].append(header)
        made = []
        for headers in by_uid.values():
            try:
                made.append(stack(headers))
            except RefusedDicomError as error:
                self._skip(headers, "series", error)
        return made

    def _objects(self) -> list[FileHeader]:
        """Structure sets and segmentations, each once; everything that hnseg does not use is left out."""
        wanted: dict[str, FileHeader] = {}
        others: dict[tuple[str, str], list[FileHeader]] = defaultdict(list)
        for header in self.headers:
            if header.modality in STRUCTURES:
                wanted.setdefault(header.sop_uid, header)
            elif header.modality not in (*IMAGES, *REGISTRATIONS):
                others[header.modality, header.series_uid].append(header)
        for (modality, _), headers in others.items():
            self._skip(headers, "series", RefusedDicomError("not_used", f"hnseg has no use for {modality} objects"))
        return list(wanted.values())

    def _registrations(self) -> list[Registration]:
        found: list[Registration] = []
        for header in self.headers:
            if header.modality in REGISTRATIONS:
                try:
                    found += read_registrations(header, self.limits)
                except RefusedDicomError as error:
                    self._skip([header], "object", error)
        return found

    def _doubts(self) -> Iterable[str]:
        """What makes one wonder whether one id is one person."""
        for what in ("birth_date", "sex"):
            told = Counter(getattr(header.patient, what) for header in self.headers)
            if len({value for value in told if value}) > 1:
                yield f"the files of this patient differ in {what.replace('_', ' ')}; make sure that it is one person"

    def _leave(self, item: Series | FileHeader, reason: str, message: str) -> None:
        headers = item.files if isinstance(item, Series) else (item,)
        self._skip(headers, "series" if isinstance(item, Series) else "object", RefusedDicomError(reason, message))

    def _skip(self, headers: Sequence[FileHeader], kind: str, error: RefusedDicomError) -> None:
        first = headers[0]
        # of an object the instance, of a series its own UID: what the table of links tells apart
        token = self.pseudonyms.token(first.sop_uid if kind == "object" else first.series_uid)
        modality = first.modality if len({header.modality for header in headers}) == 1 else ""
        self.skipped.append(Skipped(token, kind, modality, len(headers), error.reason, error.message))  # type: ignore[arg-type]
