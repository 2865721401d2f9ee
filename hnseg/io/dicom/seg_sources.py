"""A series as highdicom asks for it, to write a segmentation of it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from pydicom import dcmread
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

from hnseg.io.dicom.objects import FileHeader, Series

_STUDY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate", "StudyTime",
    "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
_LOSSY = ["LossyImageCompression", "LossyImageCompressionRatio", "LossyImageCompressionMethod"]


@contextmanager
def discreet() -> Iterator[None]:
    """Nothing that pydicom and highdicom say reaches a log, because their words quote names and UIDs; and values that
    are not as they should be are taken as they are, so that objects of one study say the same."""
    loggers = [logging.getLogger(name) for name in ("highdicom", "pydicom")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL + 1)
        with disable_value_validation(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def positions_lps_mm(series: Series) -> list[tuple[float, float, float]]:
    """Where the first pixel of each slice lies: as its file says, but on `Series.grid` where the gantry was tilted."""
    if not np.any(series.shift_px):
        return [_own_position(file) for file in series.files]
    places = series.grid.to_lps_mm(np.array([[index, 0, 0] for index in range(len(series.files))]))
    return [(float(x), float(y), float(z)) for x, y, z in places]


def seg_sources(series: Series) -> list[Dataset]:
    """What highdicom looks at in images, one data set a file, in order.

    Patient and study are empty: highdicom refuses whole series for the form of a date, so these come later, from
    `copied_tags`. Of geometry each has its own position; the rest is that of the series, without rounding.

    Raises:
        OSError: the first file is gone.
    """
    lossy = dcmread(series.files[0].path, stop_before_pixels=True, force=True, specific_tags=list(_LOSSY))
    return [_source(file, series, lossy) for file in series.files]


def _source(file: FileHeader, series: Series, lossy: Dataset) -> Dataset:
    assert file.image is not None, "a series is made of images"
    dz, dy, dx = series.grid.spacing_mm
    dataset = Dataset()
    for keyword in _STUDY:
        setattr(dataset, keyword, "")
    for keyword in _LOSSY:
        if keyword in lossy:
            dataset[keyword] = lossy[keyword]
    dataset.SOPClassUID, dataset.SOPInstanceUID = file.sop_class_uid, file.sop_uid
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = series.study_uid, series.series_uid
    dataset.Modality, dataset.FrameOfReferenceUID = file.modality, series.frame_uid
    dataset.Rows, dataset.Columns = file.image.rows, file.image.columns
    dataset.ImagePositionPatient = list(_own_position(file))
    dataset.ImageOrientationPatient = [*series.grid.direction[:, 2].tolist(), *series.grid.direction[:, 1].tolist()]
    dataset.PixelSpacing, dataset.SliceThickness, dataset.SpacingBetweenSlices = [dy, dx], dz, dz
    return dataset


def _own_position(file: FileHeader) -> tuple[float, float, float]:
    assert file.image is not None, "a series is made of images"
    assert file.image.position_lps_mm is not None, "files without position make no series"
    return file.image.position_lps_mm
