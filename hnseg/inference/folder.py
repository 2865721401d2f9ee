"""Predictions for many patients: one mask file a patient, one table; bad ones are reported while the others go on."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hnseg.inference.output import Output, StructureFiles
from hnseg.inference.predictor import Predictor
from hnseg.inference.progress import PatientBar, patient_bar
from hnseg.io import read_rows, write_rows
from hnseg.io.clicks import FileClick
from hnseg.io.dicom.objects import Series
from hnseg.io.tables import PREDICTIONS
from hnseg.prepare.findings import Failure, usable_case_id
from hnseg.prepare.images import read_images
from hnseg.types import Prediction, Study


@dataclass(frozen=True)
class FolderResult:
    """What a call of `predict_folder` left.

    Attributes:
        written: mask files of this call.
        kept: mask files of an earlier call that were not made anew.
        failures: patients without a mask, and why.
        table: the CSV with a row a mask.
    """

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    failures: tuple[Failure, ...]
    table: Path


def predict_folder(
    predictor: Predictor,
    studies: Sequence[Study],
    output: Path,
    save_probabilities: bool = False,
    resume: bool = False,
    progress: bool = True,
    structure_files: StructureFiles | None = None,
    clicks: Mapping[str, Sequence[FileClick]] | None = None,
    formats: Sequence[str] = ("nifti",),
    series: Mapping[str, Series] | None = None,
) -> FolderResult:
    """Predict every study and write ``<case_id>.nii.gz`` on that patient's own grid, and ``predictions.csv``.

    A row of the table has the case, the file, the volume of each structure (ml), the structures of which nothing was
    outlined, of several networks the uncertainty of each structure (see `uncertainty`; empty where nothing was
    outlined), the seconds it took, the notes on the region searched, the checkpoints, the post-processing (JSON; empty
    for none), the number of clicks (empty where nobody was asked for any) and the clicks themselves as they were given,
    and whether network or patient are phantoms. It is written after every patient.

    Args:
        predictor: the networks.
        studies: patients; their names must differ.
        output: folder for masks and table; made if it is not there. Masks of these patients in it are replaced.
        save_probabilities: also write ``probabilities/<case_id>_<structure>.nii.gz``, and of several networks the
            standard deviation between them as ``probabilities/<case_id>_<structure>_sd.nii.gz``. Both are the networks'
            own, before any post-processing.
        resume: keep masks that these checkpoints with this post-processing and these clicks already left in ``output``
            instead of replacing them.
        progress: whether to draw a progress bar and to print the notes.
        structure_files: also write ``<case_id>/<structure>.nii.gz`` (or ``.nrrd``), 0 and 1 on the grid of the mask, a
            file for every structure, those of which nothing was outlined included.
        clicks: of each patient by name; a patient who is not in it is predicted as without clicks. ``voxel`` counts in
            the image that the mask is made for, that of the networks' first modality.
        formats: of the masks, see `Output`: ``nifti``, ``rtstruct``, ``seg``.
        series: DICOM series of that first modality by patient, which ``rtstruct`` and ``seg`` are written for.

    Returns:
        Files written and kept, and failures; a patient that fails is set aside and the others go on. Clicks for a
        patient who is not there are a failure, too.

    Raises:
        ValueError: two studies have the same name, or a name cannot be a file's, of a study or, where it would be one,
            of a structure; clicks that neither networks nor post-processing look at.
    """
    _refuse_bad_names(studies)
    clicks = clicks or {}
    predictor.refuse_unwanted([click for of_case in clicks.values() for click in of_case])
    files = Output(output, predictor.labels.names, save_probabilities, structure_files, formats, series)
    output.mkdir(parents=True, exist_ok=True)
    table = output / PREDICTIONS
    rows = _rows_of(table, predictor, clicks, {study.case_id: study.origin for study in studies}) if resume else {}
    strangers = sorted(set(clicks) - {study.case_id for study in studies})
    failures = [Failure(case_id, _no_patient(clicks[case_id])) for case_id in strangers]
    written, kept = [], []
    with patient_bar(len(studies), enabled=progress) as bar:
        for failure in failures:
            bar.say(str(failure))
        for study in studies:
            path = files.mask(study.case_id)
            if study.case_id in rows and files.is_there(study.case_id):
                kept.append(path)
            else:
                try:
                    rows[study.case_id] = _predict_one(predictor, study, files, clicks.get(study.case_id), bar)
                    write_rows(table, [rows[case_id] for case_id in sorted(rows)])
                    written.append(path)
                except Exception as error:  # one patient's trouble, whatever it is, must not cost the others theirs
                    rows.pop(study.case_id, None)
                    failures.append(Failure(study.case_id, _reason(error, path)))
                    bar.say(str(failures[-1]))
            bar.next_patient()
    return FolderResult(tuple(written), tuple(kept), tuple(failures), table)


def _predict_one(
    predictor: Predictor, study: Study, files: Output, clicks: Sequence[FileClick] | None, bar: PatientBar
) -> dict[str, Any]:
    """Read, predict and write one patient; its row of the table."""
    began = time.monotonic()
    images = read_images(study.images, predictor.modalities)
    grid, names = images[predictor.modalities[0]].grid, predictor.labels.names
    placed = None if clicks is None else [click.click(grid, names) for click in clicks]
    prediction = predictor.predict(images, study.case_id, study.box, files.probabilities, bar.windows, placed)
    files.write(prediction, predictor.phantom or study.phantom)
    volumes = volumes_ml(prediction)
    empty = [name for name, volume_ml in volumes.items() if volume_ml == 0]
    said = [*prediction.notes, *([f"nothing outlined: {', '.join(empty)}"] if empty else [])]
    bar.say(f"{study.case_id}: {'; '.join(said)}")
    return {
        "case": study.case_id,
        "file": files.mask(study.case_id).name,
        **{f"{name}_ml": round(volume_ml, 3) for name, volume_ml in volumes.items()},
        "empty": "; ".join(empty),
        **{f"{name}_uncertainty": _rounded(apart) for name, apart in prediction.uncertainty.items()},
        "seconds": round(time.monotonic() - began, 2),
        "notes": "; ".join(prediction.notes),
        **_made_with(predictor, clicks, study.origin),
        "phantom": predictor.phantom or study.phantom,
    }


def volumes_ml(prediction: Prediction) -> dict[str, float]:
    """Volume of each structure of a prediction in millilitres."""
    # slice by slice, because counting makes eight bytes of each voxel
    slices = (
        np.bincount(labels.ravel(), minlength=len(prediction.label_names) + 1) for labels in prediction.mask.array
    )
    counts = sum(slices, np.zeros(len(prediction.label_names) + 1, np.int64))
    voxel_ml = prediction.mask.grid.voxel_volume_mm3 / 1000
    return {name: float(counts[value] * voxel_ml) for value, name in enumerate(prediction.label_names, start=1)}


def _reason(error: Exception, path: Path) -> str:
    """Why there is no mask, and a warning where an older one could be taken for it."""
    reason = str(error) if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
    return f"{reason} ({path} is of an earlier call)" if path.is_file() else reason


def _rounded(uncertainty: float | None) -> float | None:
    return None if uncertainty is None else round(uncertainty, 6)


def _no_patient(clicks: Sequence[FileClick]) -> str:
    return f"there are {len(clicks)} clicks ({clicks[0].place}) but no such patient; correct the name or leave them out"


def _made_with(predictor: Predictor, clicks: Sequence[FileClick] | None, origin: str) -> dict[str, str]:
    """What a mask depends on beside its patient: an earlier one is kept only where this is the same."""
    return {
        **({"origin": origin} if origin else {}),
        "checkpoints": "; ".join(str(path) for path in predictor.paths),
        "postprocess": json.dumps(predictor.postprocess.to_dict()) if predictor.postprocess else "",
        "clicks": "" if clicks is None else str(len(clicks)),
        "clicked": "; ".join(map(str, clicks or ())),
    }


def _rows_of(
    table: Path, predictor: Predictor, clicks: Mapping[str, Sequence[FileClick]], origins: Mapping[str, str]
) -> dict[str, Mapping[str, Any]]:
    """Rows of masks in the table that were made the same way, by case; none where there is no table."""
    if not table.is_file():
        return {}
    kept: dict[str, Mapping[str, Any]] = {}
    for row in read_rows(table, required=("case",)):
        now = _made_with(predictor, clicks.get(row["case"]), origins.get(row["case"], ""))
        if {key: row.get(key, "") for key in now} == now:
            kept[row["case"]] = row
    return kept


def _refuse_bad_names(studies: Sequence[Study]) -> None:
    names = [study.case_id for study in studies]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise ValueError(f"the patients {doubles} come twice and would write the same files; give each its own name")
    unusable = [name for name in names if not usable_case_id(name)]
    if unusable:
        raise ValueError(f"{unusable}: a patient's name may have letters, digits, '.', '_' and '-' only")
