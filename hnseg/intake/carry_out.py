"""One planned case into files: images, a mask a structure, and ``case.json``, which says that it is whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import hnseg
from hnseg.intake.entry import describe
from hnseg.intake.plan import CasePlan, Skipped
from hnseg.intake.pseudonyms import Pseudonyms
from hnseg.intake.structures import Structure, read_drawings, taken
from hnseg.io import write_json, write_volume
from hnseg.io.dicom.objects import FileHeader, Limits, RefusedDicomError
from hnseg.io.dicom.pixels import read_series
from hnseg.prepare.suv import suv_complaint
from hnseg.types import Volume

CASE = "case.json"
STRUCTURES = "structures"
MODALITIES = ("ct", "pt")


@dataclass(frozen=True)
class Settings:
    """What an import is asked for.

    Attributes:
        aliases: a user's own spellings to structures.
        structures: those to take; none: all that hnseg has a name for.
        limits: of reading a file or a series.
        images_only: whether to leave structure sets and segmentations aside.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    structures: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    images_only: bool = False


@dataclass(frozen=True)
class Carried:
    """What a case came to.

    Attributes:
        entry: for ``import.json``.
        skipped: what turned out to be unusable on the way.
        kept: whether an earlier import had made it already.
    """

    entry: dict[str, Any]
    skipped: tuple[Skipped, ...]
    kept: bool = False


def carry_out(plan: CasePlan, output: Path, settings: Settings, pseudonyms: Pseudonyms) -> Carried:
    """Read a case and write it into ``output/CASE``; a case that is there whole and of the same files is kept.

    Raises:
        RefusedDicomError: its CT, or the PET of a case without CT, cannot be read.
    """
    folder = output / plan.case_id
    fingerprint = _fingerprint(plan, settings, pseudonyms)
    if (done := _done(folder / CASE, fingerprint)) is not None:
        return done
    _clear(folder)
    skipped: list[Skipped] = []
    ct = read_series(plan.ct, settings.limits) if plan.ct else None
    pt = _pet(plan, settings.limits, pseudonyms, skipped)
    if ct is None and pt is None:
        raise RefusedDicomError(skipped[0].reason, skipped[0].message)
    for name, volume in zip(MODALITIES, (ct, pt), strict=True):
        if volume is not None:
            write_volume(volume, folder / f"{name}.nii.gz")
    entry = describe(plan)
    if pt is None:
        entry["pt"] = None
    elif entry["pt"]:
        entry["pt"]["suv_max"] = round(float(pt.array.max()), 3)
        if complaint := suv_complaint(pt, ct):
            entry["pt"]["notes"].append(f"these can hardly be SUV: {complaint}")
    if not settings.images_only:
        structures, refused = _write_structures(plan, folder / STRUCTURES, settings, pseudonyms)
        entry |= structures
        skipped += refused
    carried = Carried(entry, tuple(skipped))
    plain = {"fingerprint": fingerprint, "entry": entry, "skipped": [vars(one) for one in skipped]}
    write_json(folder / CASE, plain)
    return carried


def files_of(entry: dict[str, Any]) -> dict[str, str]:
    """Column of ``cases.csv`` to the file of a case, relative to the table's folder."""
    case_id = entry["case"]
    images = {name: f"{case_id}/{name}.nii.gz" for name in MODALITIES if entry[name]}
    return images | {one["name"]: f"{case_id}/{STRUCTURES}/{one['name']}.nii.gz" for one in entry["structures"]}


def preview(plan: CasePlan, settings: Settings, pseudonyms: Pseudonyms) -> Carried:
    """The entry of a case with the names of its structures; nothing is written and no image is read."""
    drawings = read_drawings(plan, settings.aliases, settings.structures, settings.limits)
    entry = describe(plan)
    entry["structures"] = [
        {"name": name, "original": ", ".join(one.original for one in of[0]), "source": of[0][0].source, "notes": []}
        for name, of in sorted(drawings.known.items())
    ]
    entry["unknown"] = _unknown(drawings.unknown)
    return Carried(entry, tuple(_refused(plan, header, error, pseudonyms) for header, error in drawings.refused))


def _write_structures(
    plan: CasePlan, folder: Path, settings: Settings, pseudonyms: Pseudonyms
) -> tuple[dict[str, Any], list[Skipped]]:
    drawings = read_drawings(plan, settings.aliases, settings.structures, settings.limits)
    skipped = [_refused(plan, header, error, pseudonyms) for header, error in drawings.refused]
    rows = []
    for found in taken(drawings):
        if isinstance(found, Structure):
            write_volume(Volume(found.mask.astype(np.uint8), plan.grid), folder / f"{found.name}.nii.gz")
            ml = float(found.mask.sum()) * plan.grid.voxel_volume_mm3 / 1000
            row = {"name": found.name, "original": found.original, "source": found.source, "ml": round(ml, 3)}
            rows.append({**row, "notes": list(found.notes)})
        else:
            name, reason, message = found
            skipped.append(Skipped(name, "structure", "", 0, reason, message, plan.case_id))
    return {"structures": rows, "unknown": _unknown(drawings.unknown)}, skipped


def _pet(plan: CasePlan, limits: Limits, pseudonyms: Pseudonyms, skipped: list[Skipped]) -> Volume | None:
    """The PET in the frame of the case; None, and told, where it cannot be read."""
    if plan.pt is None:
        return None
    try:
        return Volume(read_series(plan.pt.series, limits).array, plan.pt.grid)
    except RefusedDicomError as error:
        series, token = plan.pt.series, pseudonyms.token(plan.pt.series.series_uid)
        skipped.append(Skipped(token, "series", "PT", len(series.files), error.reason, error.message, plan.case_id))
        return None


def _unknown(drawings: Sequence[Any]) -> list[dict[str, str]]:
    return [{"original": drawing.original, "source": drawing.source} for drawing in drawings]


def _refused(plan: CasePlan, header: FileHeader, error: RefusedDicomError, pseudonyms: Pseudonyms) -> Skipped:
    token = pseudonyms.token(header.sop_uid)
    return Skipped(token, "object", header.modality, 1, error.reason, error.message, plan.case_id)


def _fingerprint(plan: CasePlan, settings: Settings, pseudonyms: Pseudonyms) -> str:
    """What the files of a case depend on, keyed, so that no UID can be told from it."""
    series = [one for one in (plan.ct, plan.pt.series if plan.pt else None) if one]
    headers = [*(header for one in series for header in one.files), *plan.objects]
    files = sorted((header.sop_uid, *_state(header.path)) for header in headers)
    asked = [sorted(settings.aliases.items()), sorted(settings.structures), settings.images_only]
    moves = sorted((frame, move.matrix) for frame, move in plan.moves.items())
    said = [hnseg.__version__, files, asked, moves, plan.centre, plan.part]
    return pseudonyms.token(json.dumps(said))


def _clear(folder: Path) -> None:
    """Take away what an earlier import of other files left, and nothing else."""
    for name in (CASE, *(f"{modality}.nii.gz" for modality in MODALITIES)):
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / STRUCTURES, ignore_errors=True)


def _state(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise RefusedDicomError("changed", "a file of the case is not there any more; import again") from error
    return found.st_size, found.st_mtime_ns


def _done(path: Path, fingerprint: str) -> Carried | None:
    """What an earlier import left, if it was of the same files and asked for the same."""
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if plain["fingerprint"] != fingerprint:
            return None
        entry, skipped = plain["entry"], tuple(Skipped(**one) for one in plain["skipped"])
        files = files_of(entry).values()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Carried(entry, skipped, kept=True) if all((path.parents[1] / file).is_file() for file in files) else None
