"""Headers of a series, as highdicom needs them to write an object of the same study."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from highdicom.enum import SpecificCharacterSetValues
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.valuerep import DA, TM

from hnseg.io.dicom.objects import RefusedDicomError, Series

# what objects of one study share (PS3.3 modules Patient, General Study, Patient Study), and what says which image it is
_STUDY = [
    "SpecificCharacterSet", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber",
    "ReferringPhysicianName", "PatientAge",
]  # fmt: skip
_IMAGE = [
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Modality", "FrameOfReferenceUID",
    "PositionReferenceIndicator", "LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod",
    "ImagePositionPatient", "Rows", "Columns",
]  # fmt: skip
_MAY_BE_EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
    "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
_UTF_8 = "ISO_IR 192"


@contextmanager
def discreet() -> Iterator[None]:
    """Nothing that pydicom and highdicom say reaches a log: their words quote names and UIDs."""
    loggers = [logging.getLogger(name) for name in ("highdicom", "pydicom")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def seg_sources(series: Series) -> list[Dataset]:
    """One data set a file, in order: copies in memory, with listed attributes only.

    Attributes that must be there but may be empty (type 2) are empty where a file lacks them or has no valid value.
    Geometry that is the same for all files of a volume is that of ``series``, without their rounding.

    Raises:
        RefusedDicomError: ``changed``: a file is not what it was when the series was read.
    """
    return [_source(file.path, file.sop_uid, series) for file in series.files]


def _source(path: Path, sop_uid: str, series: Series) -> Dataset:
    try:
        dataset = dcmread(path, stop_before_pixels=True, force=True, specific_tags=[*_STUDY, *_IMAGE])
    except OSError:
        dataset = None
    if dataset is None or dataset.get("SOPInstanceUID") != sop_uid:
        raise RefusedDicomError("changed", "an image file of the series is gone or was changed; import it again")
    for keyword in _MAY_BE_EMPTY:
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    _empty_what_is_invalid(dataset)
    orientation = [*series.grid.direction[:, 2], *series.grid.direction[:, 1]]
    dz, dy, dx = series.grid.spacing_mm
    dataset.FrameOfReferenceUID = series.frame_uid
    dataset.ImageOrientationPatient = [float(v) for v in orientation]
    dataset.PixelSpacing, dataset.SliceThickness, dataset.SpacingBetweenSlices = [dy, dx], dz, dz
    return dataset


def _empty_what_is_invalid(dataset: Dataset) -> None:
    """Values that highdicom would refuse for their form must not stop the object."""
    if dataset.PatientSex not in ("M", "F", "O"):
        dataset.PatientSex = ""
    for keyword, form, separator in (("PatientBirthDate", DA, "."), ("StudyDate", DA, "."), ("StudyTime", TM, ":")):
        # 1951.02.03 and 10:30:00 are how dates and times were written before DICOM, PS3.5 section 6.2
        text = str(dataset[keyword].value or "").strip().replace(separator, "")
        try:
            form(text)
        except ValueError:
            text = ""
        dataset[keyword].value = text


def character_set(source: Dataset, labels: Iterable[str]) -> str | None:
    """The character set of the study where it holds the labels too and is a valid one, else UTF-8.

    PS3.3 section C.12.1.1.2: a set with code extensions (``ISO 2022 ...``) does not stand alone.
    """
    found = source.get("SpecificCharacterSet")
    if not all(label.isascii() for label in labels):
        return _UTF_8
    if found is None or found == "":
        return None
    values = [str(value) for value in found] if isinstance(found, MultiValue) else [str(found)]
    known = {member.value for member in SpecificCharacterSetValues}
    if len(values) == 1 and values[0] in known and not values[0].startswith("ISO 2022"):
        return values[0]
    return _UTF_8
