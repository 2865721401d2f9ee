"""Predictions for many patients: one mask file a patient, one table; bad ones are reported while the others go on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from hnseg.inference.predictor import Predictor
from hnseg.io import read_rows, write_rows, write_volume
from hnseg.prepare.findings import Failure, usable_case_id
from hnseg.prepare.images import read_images
from hnseg.types import Prediction, Study

TABLE = "predictions.csv"
PROBABILITIES = "probabilities"


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
) -> FolderResult:
    """Predict every study and write ``<case_id>.nii.gz`` on that patient's own grid, and ``predictions.csv``.

    A row of the table has the case, the file, the volume of each structure (ml), of several networks the uncertainty of
    each structure (see `uncertainty`; empty where nothing was outlined), the seconds it took, the notes on the region
    searched, the checkpoints, the post-processing (JSON; empty for none), and whether network or patient are phantoms.
    It is written after every patient.

    Args:
        predictor: the networks.
        studies: patients; their names must differ.
        output: folder for masks and table; made if it is not there. Masks of these patients in it are replaced.
        save_probabilities: also write ``probabilities/<case_id>_<structure>.nii.gz``, and of several networks the
            standard deviation between them as ``probabilities/<case_id>_<structure>_sd.nii.gz``. Both are the networks'
            own, before any post-processing.
        resume: keep masks that these checkpoints with this post-processing already left in ``output`` instead of
            replacing them.
        progress: whether to draw a progress bar and to print the notes.

    Returns:
        Files written and kept, and failures; a patient that fails is set aside and the others go on.

    Raises:
        ValueError: two studies have the same name, or a name cannot be a file's.
    """
    _refuse_bad_names(studies)
    output.mkdir(parents=True, exist_ok=True)
    table = output / TABLE
    rows = _rows_of(table, predictor) if resume else {}
    written, kept, failures = [], [], []
    with _bar(len(studies), enabled=progress) as bar:
        for study in studies:
            path = output / f"{study.case_id}.nii.gz"
            if study.case_id in rows and path.is_file():
                kept.append(path)
            else:
                try:
                    rows[study.case_id] = _predict_one(predictor, study, path, save_probabilities, bar)
                    write_rows(table, [rows[case_id] for case_id in sorted(rows)])
                    written.append(path)
                except Exception as error:  # one patient's trouble, whatever it is, must not cost the others theirs
                    rows.pop(study.case_id, None)
                    failures.append(Failure(study.case_id, _reason(error, path)))
                    bar.say(str(failures[-1]))
            bar.next_patient()
    return FolderResult(tuple(written), tuple(kept), tuple(failures), table)


def _predict_one(predictor: Predictor, study: Study, path: Path, save_probabilities: bool, bar: _Bar) -> dict[str, Any]:
    """Read, predict and write one patient; its row of the table."""
    began = time.monotonic()
    images = read_images(study.images, predictor.recipe.modalities)
    prediction = predictor.predict(images, study.case_id, study.box, save_probabilities, bar.windows)
    bar.say(f"{study.case_id}: {'; '.join(prediction.notes)}")
    maps = {**prediction.probabilities, **{f"{name}_sd": sd for name, sd in prediction.probability_sds.items()}}
    for name, volume in maps.items():
        write_volume(volume, path.parent / PROBABILITIES / f"{study.case_id}_{name}.nii.gz")
    write_volume(prediction.mask, path)
    return {
        "case": study.case_id,
        "file": path.name,
        **{f"{name}_ml": round(volume_ml, 3) for name, volume_ml in volumes_ml(prediction).items()},
        **{f"{name}_uncertainty": _rounded(apart) for name, apart in prediction.uncertainty.items()},
        "seconds": round(time.monotonic() - began, 2),
        "notes": "; ".join(prediction.notes),
        **_made_with(predictor),
        "phantom": predictor.phantom or study.phantom,
    }


def volumes_ml(prediction: Prediction) -> dict[str, float]:
    """Volume of each structure of a prediction in millilitres."""
    counts = np.bincount(prediction.mask.array.ravel(), minlength=len(prediction.label_names) + 1)
    voxel_ml = prediction.mask.grid.voxel_volume_mm3 / 1000
    return {name: float(counts[value] * voxel_ml) for value, name in enumerate(prediction.label_names, start=1)}


def _reason(error: Exception, path: Path) -> str:
    """Why there is no mask, and a warning where an older one could be taken for it."""
    reason = str(error) if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
    return f"{reason} ({path} is of an earlier call)" if path.is_file() else reason


def _rounded(uncertainty: float | None) -> float | None:
    return None if uncertainty is None else round(uncertainty, 6)


def _made_with(predictor: Predictor) -> dict[str, str]:
    """What a mask depends on beside its patient: an earlier one is kept only where this is the same."""
    chain = json.dumps(predictor.postprocess.to_dict()) if predictor.postprocess else ""
    return {"checkpoints": "; ".join(str(path) for path in predictor.ensemble.paths), "postprocess": chain}


def _rows_of(table: Path, predictor: Predictor) -> dict[str, Mapping[str, Any]]:
    """Rows of masks in the table that were made the same way, by case; none where there is no table."""
    if not table.is_file():
        return {}
    now = _made_with(predictor)
    rows = read_rows(table, required=("case",))
    return {row["case"]: row for row in rows if {key: row.get(key, "") for key in now} == now}


def _refuse_bad_names(studies: Sequence[Study]) -> None:
    names = [study.case_id for study in studies]
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise ValueError(f"the patients {doubles} come twice and would write the same files; give each its own name")
    unusable = [name for name in names if not usable_case_id(name)]
    if unusable:
        raise ValueError(f"{unusable}: a patient's name may have letters, digits, '.', '_' and '-' only")


class _Bar:
    """Patients done, and windows of the one at work."""

    def __init__(self, progress: Progress, patients: int, enabled: bool) -> None:
        self._progress, self._enabled = progress, enabled
        self._patients = progress.add_task("patients", total=patients)
        self._windows = progress.add_task("windows", total=None, visible=False)

    def windows(self, done: int, total: int) -> None:
        self._progress.update(self._windows, completed=done, total=total, visible=done < total)

    def next_patient(self) -> None:
        self._progress.update(self._windows, visible=False)
        self._progress.advance(self._patients)

    def say(self, line: str) -> None:
        if self._enabled:
            self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def _bar(patients: int, enabled: bool) -> Iterator[_Bar]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=not enabled) as progress:
        yield _Bar(progress, patients, enabled)
