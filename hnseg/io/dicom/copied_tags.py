"""What an object that belongs to a series says about patient and study: the series' own words."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError

from hnseg.io.dicom.objects import RefusedDicomError, Series

_EMPTY_IF_UNKNOWN = (  # type 2 of the Patient and General Study modules (PS3.3 C.7.1.1, C.7.2.1)
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
)
_LEFT_OUT_IF_UNKNOWN = ("IssuerOfPatientID", "StudyDescription")
_UTF_8 = "ISO_IR 192"


def copied_tags(series: Series, own_texts: Iterable[str]) -> Dataset:
    """A new data set with patient and study of the first file of ``series``: these attributes alone, as they are.

    Its character set is the file's, or UTF-8 where one of ``own_texts``, which will stand beside them, needs more than
    ASCII. To be called with pydicom's value validation off: values that are not as they should be file the object under
    the same patient all the same, and a warning would quote them.

    Raises:
        RefusedDicomError: ``unreadable``: the file is not there or no DICOM any more; ``changed``: it is another one.
    """
    source = _read(series)
    source.decode()
    dataset = Dataset()
    if all(text.isascii() for text in own_texts):
        if character_set := source.get("SpecificCharacterSet"):
            dataset.SpecificCharacterSet = character_set
    else:
        dataset.SpecificCharacterSet = _UTF_8
    for keyword in _EMPTY_IF_UNKNOWN:
        setattr(dataset, keyword, source.get(keyword, ""))
    for keyword in _LEFT_OUT_IF_UNKNOWN:
        if source.get(keyword):
            setattr(dataset, keyword, source.get(keyword))
    dataset.StudyInstanceUID = series.study_uid
    return dataset


def _read(series: Series) -> Dataset:
    first = series.files[0]
    wanted = ["SOPInstanceUID", "StudyInstanceUID", *_EMPTY_IF_UNKNOWN, *_LEFT_OUT_IF_UNKNOWN]
    try:
        source = dcmread(first.path, stop_before_pixels=True, force=True, specific_tags=list(wanted))
    except (OSError, EOFError, ValueError, InvalidDicomError):
        raise RefusedDicomError(
            "unreadable",
            "the first image of the series cannot be read any more, and patient and study are copied from it; leave "
            "the images where they are until the structures are written",
        ) from None  # the cause names the path
    if (source.get("SOPInstanceUID"), source.get("StudyInstanceUID")) != (first.sop_uid, first.study_uid):
        raise RefusedDicomError(
            "changed",
            "the first image of the series was replaced by another one since it was read; structures made from the "
            "old image are not written for the new one",
        )
    return source
