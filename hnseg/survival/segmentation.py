"""Masks and networks of a segmentation run, for outcome: who was trained on whom, and what may be used where.

A mask is out of fold when no network that made it saw the patient, in training or in validation. Deep features of an
outer fold come from one network, which saw none of the fold's test patients: features of different networks are
different features, so survival folds equal segmentation folds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hnseg.inference.find import FOLDS
from hnseg.prepare.findings import Failure
from hnseg.survival.failures import listed
from hnseg.survival.objects import Fold
from hnseg.survival.segmentation_files import (
    TrainedFold,
    from_predictions,
    masks_below,
    read_fold,
    read_manifest,
)

Kind = Literal["cv", "run", "masks"]


@dataclass(frozen=True)
class Segmentation:
    """What a finished cross-validation, a training run, or a folder of masks gives.

    Attributes:
        folder: as the user named it.
        kind: ``cv``: a cross-validation; ``run``: one training run; ``masks``: a folder of masks of whatever origin.
        folds: of a cross-validation all, of a run its one, of a folder of masks none.
        masks_folder: holds ``CASE.nii.gz``; those after post-processing where there are such.
        phantom: whether anything says that the patients are made up.
        seen: of a folder of masks that `hnseg predict` wrote: patient to the network that was trained on them, as far
            as its run is still there.
    """

    folder: Path
    kind: Kind
    folds: tuple[TrainedFold, ...]
    masks_folder: Path
    phantom: bool
    seen: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, path: str | Path) -> Segmentation:
        """Read ``runs/cv/NAME``, ``runs/train/NAME``, or a folder of ``CASE.nii.gz``.

        Raises:
            ValueError: it is none of these, is not finished, cannot be read, or is a final fit.
        """
        folder = Path(path).expanduser()
        if not folder.is_dir():
            raise ValueError(f"segmentation={path}: there is no such folder; give runs/cv/NAME or a folder of masks")
        manifest = read_manifest(folder) if (folder / "manifest.json").is_file() else {}
        if manifest.get("task") == "arms":
            arms = sorted(arm.name for arm in (folder / "arms").glob("*") if arm.is_dir())
            raise ValueError(f"{folder} holds several cross-validations; give one of them: arms/{', arms/'.join(arms)}")
        if manifest.get("task") == "cv" or (folder / FOLDS).is_dir():
            return cls._of_cross_validation(folder, manifest)
        if manifest:
            fold = read_fold(folder)
            return cls(folder, "run", (fold,), masks_below(folder), fold.phantom)
        if not any(folder.glob("*.nii.gz")):
            raise ValueError(
                f"{folder} is neither a run (no manifest.json) nor a folder of masks (no CASE.nii.gz); give "
                "segmentation=runs/cv/NAME, or a folder with a mask a patient"
            )
        seen, phantom = from_predictions(folder)
        return cls(folder, "masks", (), folder, phantom, seen)

    @classmethod
    def _of_cross_validation(cls, folder: Path, manifest: Mapping[str, object]) -> Segmentation:
        names = manifest.get("folds")
        if not manifest.get("finished") or not isinstance(names, list) or not names:
            raise ValueError(
                f"{folder} is not finished: not all of its folds are trained; say the command that started it again, "
                "it goes on where it stopped"
            )
        folds = tuple(read_fold(folder / FOLDS / str(name)) for name in names)
        phantom = bool(manifest.get("phantom")) or any(fold.phantom for fold in folds)
        return cls(folder, "cv", folds, masks_below(folder), phantom)

    def masks(self, patients: Iterable[str]) -> tuple[dict[str, Path], list[Failure]]:
        """The out-of-fold mask of each patient, and who has none.

        A patient whom two folds leave out has the mask of the first. Of a folder of masks whose origin is not known
        nobody can say whether they are out of fold.

        Raises:
            ValueError: networks that are asked were trained or validated on some of the patients.
        """
        wanted = list(patients)
        tested = {patient for fold in self.folds for patient in fold.test}
        known = {patient for fold in self.folds for patient in fold.saw} - tested | set(self.seen)
        if leaked := [patient for patient in wanted if patient in known]:
            raise ValueError(
                f"{self.folder}: {len(leaked)} of the patients ({listed(leaked)}) were seen by the network in training "
                "or validation, so that its masks of them are not out of fold; give a cross-validation of all patients "
                "(runs/cv/NAME), or masks that were made without them"
            )
        files = {patient: self.masks_folder / f"{patient}.nii.gz" for patient in wanted}
        there = {patient: path for patient, path in files.items() if path.is_file()}
        lacking = [Failure(p, f"has no mask in {self.masks_folder}") for p in wanted if p not in there]
        return there, lacking

    def network_for(self, fold: Fold) -> TrainedFold:
        """The fold whose network gives the deep features of all patients of an outer fold.

        Args:
            fold: of the survival cohort; patients without an outcome may be missing from it.

        Raises:
            ValueError: this is no cross-validation, none of its folds tests these patients, or the network saw one in
                training or validation.
        """
        self._refuse_without_folds()
        cohort, test = {*fold.train, *fold.test}, set(fold.test)
        same = [trained for trained in self.folds if cohort & set(trained.test) == test]
        if not same or not test:
            raise ValueError(
                f"survival fold {fold.name} tests other patients than any fold of {self.folder}; deep features need "
                "the folds of the segmentation: give the split and the seed that it was trained with, or leave out "
                "the deep features"
            )
        trained = same[0]
        if trained.protocol == "paper":
            raise ValueError(
                f"{self.folder} was trained with split.protocol=paper: each network chose its best epoch on the "
                "patients whom it is tested on, which is a leak into their deep features; train it with "
                "split.protocol=inner, or leave out the deep features"
            )
        if known := sorted(test & trained.saw):
            raise ValueError(
                f"{self.folder}: the network of fold {trained.name} saw {len(known)} test patients of survival fold "
                f"{fold.name} ({listed(known)}) in training or validation"
            )
        return trained

    def _refuse_without_folds(self) -> None:
        if self.kind != "cv":
            what = "one training run" if self.kind == "run" else "a folder of masks"
            raise ValueError(
                f"{self.folder} is {what}, which has no network a fold; deep features need a cross-validation "
                "(segmentation=runs/cv/NAME), or leave them out"
            )


def refuse_other_folds(segmentation: Segmentation, folds: Sequence[Fold]) -> None:
    """Stop where deep features of the segmentation cannot be had for these outer folds; see `network_for`.

    Raises:
        ValueError: so it is.
    """
    for fold in folds:
        segmentation.network_for(fold)
