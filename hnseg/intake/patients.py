"""The files of a scan, patient by patient, into plans of cases."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from hnseg.intake.match import Group, Match, by_study, groups, match
from hnseg.intake.plan import CasePlan, Plan, Skipped, Unit
from hnseg.intake.pseudonyms import Pseudonyms
from hnseg.io.dicom.objects import FileHeader, Limits, RefusedDicomError, Registration, Series
from hnseg.io.dicom.registration import read_registrations
from hnseg.io.dicom.scan import Scan
from hnseg.io.dicom.stack import stack

IMAGES = ("CT", "PT")
STRUCTURES = ("RTSTRUCT", "SEG")
REGISTRATIONS = ("REG",)
EXAMINATION_LETTERS = 5
"""Behind a patient's name where several examinations become cases: 5 bits each."""


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
        patients[header.patient.patient_id.strip() or header.study_uid].append(header)
    cases: list[CasePlan] = []
    skipped = [
        Skipped(pseudonyms.token(str(path)), "file", "", 1, error.reason, error.message) for path, error in scan.skipped
    ]
    names: set[str] = set()
    for headers in patients.values():
        patient = _Patient(headers, pseudonyms, limits or Limits())
        try:
            cases += patient.cases(unit, names)
        except Exception as error:  # one patient's trouble, whatever it is, must not cost the others theirs
            patient.give_up(error)
        skipped += patient.skipped
    cases, left = _patients_alone(cases, pseudonyms)
    skipped += left
    return Plan(
        tuple(sorted(cases, key=lambda case: case.case_id)),
        tuple(sorted(skipped, key=lambda one: (one.case_id, one.kind, one.reason, one.token))),
        len(scan.headers) + len(scan.skipped),
    )


def _patients_alone(cases: list[CasePlan], pseudonyms: Pseudonyms) -> tuple[list[CasePlan], list[Skipped]]:
    """The cases without those of phantoms, where there are patients as well: one mark would be on all of them."""
    real = [case for case in cases if not case.phantom]
    if not real:
        return cases, []
    message = "its files say that it is a phantom (0028,0300), and there are patients beside it; import it alone"
    left = [
        Skipped(
            pseudonyms.token(case.anchor.series_uid), "series", case.anchor.modality.upper(), len(case.anchor.files),
            "phantom", message, case.case_id,
        )
        for case in cases
        if case.phantom
    ]  # fmt: skip
    return real, left


@dataclass
class _Patient:
    """The files of one patient on their way into cases."""

    headers: Sequence[FileHeader]
    pseudonyms: Pseudonyms
    limits: Limits
    skipped: list[Skipped] = field(default_factory=list)
    _refused: set[str] = field(default_factory=set)

    def cases(self, unit: Unit, taken: set[str]) -> list[CasePlan]:
        """The patient's cases; what is left out is in ``skipped`` afterwards.

        Args:
            unit: what becomes a case.
            taken: names of other patients' cases, in small letters; those of this one are added.
        """
        first = self.headers[0]
        try:
            name = self.pseudonyms.case(first.patient.patient_id, first.study_uid)
        except RefusedDicomError as error:
            self._skip(self.headers, "file", error)
            return []
        registrations = self._registrations()
        found = groups(self._series(), self._objects(), registrations, self._leave)
        chosen = self._chosen(found, unit)
        plans = []
        for group in chosen:
            matched = match(group, registrations, self._leave)
            if matched is not None:
                plans.append(self._plan(name, matched, group if len(chosen) > 1 else None))
        self.skipped = [replace(one, case_id=name) for one in self.skipped]
        return self._with_own_names(plans, taken)

    def give_up(self, error: Exception) -> None:
        """Tell that nothing comes of this patient, without what the error says, which may name somebody."""
        message = f"{type(error).__name__} while the files were put together; please report it"
        self._skip(self.headers, "file", RefusedDicomError("failed", message))

    def _plan(self, patient: str, matched: Match, one_of_several: Group | None) -> CasePlan:
        patient_id = self.headers[0].patient.patient_id
        ending = f"-{self._letters(one_of_several)}" if one_of_several else ""
        images = [*(matched.ct.files if matched.ct else ()), *(matched.pt.series.files if matched.pt else ())]
        notes = tuple(self._doubts())
        if any(item.references and not self._drawn_here(item) for item in matched.objects):
            notes += ("structures of this case were drawn on images that were refused, or are not here",)
        return CasePlan(
            f"{patient}{ending}",
            patient,
            tuple(dict.fromkeys(header.patient for header in self.headers)),
            matched.ct,
            matched.pt,
            matched.objects,
            matched.moves,
            matched.grids,
            centre=self.pseudonyms.centre(patient_id),
            part=self.pseudonyms.part(patient_id),
            notes=notes,
            phantom=any(header.phantom for header in images),
        )

    def _drawn_here(self, item: FileHeader) -> bool:
        """Whether an image that an object was drawn on is here and makes a volume."""
        known = {header.series_uid for header in self.headers if header.modality in IMAGES} - self._refused
        return bool(known & set(item.references))

    def _with_own_names(self, plans: list[CasePlan], taken: set[str]) -> list[CasePlan]:
        """The plans whose name no other patient has: a user's own names may end like those of examinations."""
        kept = []
        for plan in plans:
            if (folded := plan.case_id.casefold()) in taken:
                error = RefusedDicomError(
                    "same_name",
                    "another patient's case has the same name; give one of the two another name in the mapping",
                )
                self._skip(plan.anchor.files, "series", error, plan.case_id)
                continue
            taken.add(folded)
            kept.append(plan)
        return kept

    def _chosen(self, found: Sequence[Group], unit: Unit) -> Sequence[Group]:
        """The groups that become cases: each examination, or of a patient the group that offers most."""
        if unit == "study":
            return [part for group in found for part in by_study(group)]
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

    def _letters(self, group: Group) -> str:
        """What tells an examination from others of the patient, whichever come later."""
        frame = min(one.frame_uid or one.series_uid for one in group.ct or group.pt)
        return self.pseudonyms.token(f"{group.study_uid} {frame}").removeprefix("f-")[:EXAMINATION_LETTERS]

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
                self._refused.add(headers[0].series_uid)
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
        if not self.headers[0].patient.patient_id.strip():
            yield "the files have no PatientID (0010,0020): another examination of this person would be somebody else"
        for what in ("birth_date", "sex"):
            told = Counter(getattr(header.patient, what) for header in self.headers)
            if len({value for value in told if value}) > 1:
                yield f"the files of this patient differ in {what.replace('_', ' ')}; make sure that it is one person"

    def _leave(self, item: Series | FileHeader, reason: str, message: str) -> None:
        headers = item.files if isinstance(item, Series) else (item,)
        self._skip(headers, "series" if isinstance(item, Series) else "object", RefusedDicomError(reason, message))

    def _skip(self, headers: Sequence[FileHeader], kind: str, error: RefusedDicomError, case_id: str = "") -> None:
        first = headers[0]
        # of an object the instance, of a series its own UID: what the table of links tells apart
        token = self.pseudonyms.token(first.sop_uid if kind == "object" else first.series_uid)
        modality = first.modality if len({header.modality for header in headers}) == 1 else ""
        skipped = Skipped(token, kind, modality, len(headers), error.reason, error.message, case_id)  # type: ignore[arg-type]
        self.skipped.append(skipped)
