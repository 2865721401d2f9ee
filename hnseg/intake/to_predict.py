"""Patients to predict on, straight from a folder of DICOM files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hnseg.intake.carry_out import Settings, files_of
from hnseg.intake.importer import Imported, Tell, import_folder
from hnseg.intake.plan import Unit
from hnseg.intake.pseudonyms import Pseudonyms
from hnseg.io.dicom.objects import Series
from hnseg.io.phantom_marker import is_phantom
from hnseg.prepare.findings import Failure, Findings
from hnseg.types import Study


@dataclass(frozen=True, eq=False)
class DicomPatients:
    """Patients to predict on.

    Attributes:
        findings: studies whose images were imported, and why others were not.
        series: by case the series of the first modality, which masks are written back for.
        record: what the import has to tell.
    """

    findings: Findings
    series: Mapping[str, Series]
    record: Mapping[str, Any]


def dicom_patients(
    dicom: Path,
    folder: Path,
    modalities: Sequence[str],
    pseudonyms: Pseudonyms,
    settings: Settings,
    unit: Unit,
    workers: int,
    tell: Tell | None = None,
) -> DicomPatients:
    """Import a folder of DICOM files into ``folder`` and list its patients for networks of ``modalities``.

    A patient without one of the modalities is a failure; images that no network asks for are imported all the same.
    """
    images = replace(settings, images_only=True)
    imported = import_folder(dicom, folder, pseudonyms, images, unit, workers, tell)
    studies, series, problems = [], {}, _without_case(imported)
    for plan, carried in imported.made:
        files = files_of(carried.entry)
        missing = [name.upper() for name in modalities if name not in files]
        if missing:
            problems.append(
                Failure(plan.case_id, f"no {' and no '.join(missing)} that could be used, which the network needs")
            )
            continue
        paths = {name: folder / files[name] for name in modalities}
        phantom = plan.phantom or is_phantom(dicom)
        first = plan.ct if modalities[0] == "ct" else plan.pt.series if plan.pt else None
        assert first is not None, "its file was written"
        series[plan.case_id] = first
        studies.append(
            Study(
                plan.case_id,
                paths,
                centre=plan.centre,
                part="test",
                phantom=phantom,
                patient=plan.patient,
                origin=pseudonyms.token(first.series_uid),
            )
        )
    return DicomPatients(Findings.of(studies, problems), series, imported.record)


def _without_case(imported: Imported) -> list[Failure]:
    """Why a patient is none of those to predict on; what was left out of a case that was made is no failure."""
    made = {name for plan, _ in imported.made for name in (plan.case_id, plan.patient)}
    images = [one for one in imported.skipped if one.modality in ("CT", "PT") and one.case_id not in made]
    return [Failure(one.case_id, one.message) for one in images]
