"""Masks to an RT Structure Set (PS3.3 A.19) on the images they were made from.

What is written refers to its images three times: by frame of reference, by the list of all images, and each contour by
the one image in whose plane it lies. Patient and study are copied from an image file, so that archives and planning
systems file it there: this is the one thing that hnseg writes with a patient's name in it.
"""

from __future__ import annotations

import warnings
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from pydicom import Dataset
from pydicom.config import disable_value_validation
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RTStructureSetStorage, generate_uid

from hnseg import __version__
from hnseg.io.atomic import atomic_path
from hnseg.io.dicom.copied_tags import copied_tags
from hnseg.io.dicom.objects import Masks, RefusedDicomError, Series
from hnseg.io.dicom.rtstruct_regions import SHORT_LETTERS, add_regions, image_references, item
from hnseg.io.dicom.structure_look import structure_colours

TOLERANCE_MM = 0.3
"""Points are left out within this distance: about two in five of them stay on a head-and-neck CT."""

_NAME_LETTERS = 64  # LO (PS3.5 6.2)
_LONGEST_DS = 0xFFFE  # bytes: Explicit VR gives the length of a DS in 16 bits (PS3.5 7.1.2)
_STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"  # retired, and kept for the reference to a study (PS3.3 C.8.8.5.4)


def write_rtstruct(
    path: Path,
    structures: Masks,
    series: Series,
    *,
    label: str = "hnseg",
    tolerance_mm: float = TOLERANCE_MM,
    phantom: bool = False,
) -> None:
    """Write masks as an RT Structure Set; the file is there whole or not at all.

    Filled again by voxel centres, the contours give exactly the masks back (see :mod:`hnseg.geometry.outlines`). The
    same masks, series and settings give the same UIDs. A structure without a voxel is written as a ROI without
    contours, as planning systems export theirs: that it was looked for and not found is worth knowing. Names stay
    whole, though some planning systems show 16 letters of them. Explicit VR Little Endian, unless a contour is too
    long for it (64 KiB of text): then Implicit, which every reader must take.

    Args:
        path: the file to write.
        structures: name to mask on ``series.grid``.
        series: the images; the first file must still be there, patient and study are copied from it.
        label: Structure Set Label, up to 16 letters.
        tolerance_mm: how far the contours may lie beside the outlines of the voxels; see `outlines`.
        phantom: made up: label and descriptions say so. A series that is marked as a phantom makes it one.

    Raises:
        ValueError: no structure, or a name or label that DICOM cannot hold.
        RefusedDicomError: ``no_frame``: the images have no frame of reference; ``unreadable`` or ``changed``: the
            first image is not there any more as it was read.
    """
    _check_texts(label, structures)
    if not series.frame_uid:
        raise RefusedDicomError(
            "no_frame",
            "the images have no Frame of Reference UID (0020,0052), without which no planning system can place "
            "contours on them; save as NIfTI, or export the series again from the scanner or archive",
        )
    phantom = phantom or any(file.phantom for file in series.files)
    with disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote values, and here they are a patient's
        dataset = copied_tags(series, [label, *structures])
        add_regions(dataset, structures, series, tolerance_mm, structure_colours(structures))
        _refer(dataset, series)
        _describe(dataset, label, phantom)
        _identify(dataset, series)
        with atomic_path(path) as unfinished:
            dataset.save_as(unfinished, enforce_file_format=True)  # with a preamble of zeros


def _check_texts(label: str, structures: Masks) -> None:
    if not structures:
        raise ValueError("there is no structure to write; a structure set needs at least one, which may be empty")
    texts = [("label", label, SHORT_LETTERS), *(("structure name", name, _NAME_LETTERS) for name in structures)]
    for kind, text, most in texts:
        if not text.strip() or len(text) > most or "\\" in text or not text.isprintable():
            raise ValueError(
                f"the {kind} {text!r} does not fit into DICOM: use 1 to {most} printable letters without a backslash"
            )


def _refer(dataset: Dataset, series: Series) -> None:
    """Frame of reference, study, series and images that the contours belong to."""
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = series.frame_uid, ""
    images = item(SeriesInstanceUID=series.series_uid, ContourImageSequence=image_references(series.files))
    study = item(
        ReferencedSOPClassUID=_STUDY_CLASS,
        ReferencedSOPInstanceUID=series.study_uid,
        RTReferencedSeriesSequence=[images],
    )
    frame = item(FrameOfReferenceUID=series.frame_uid, RTReferencedStudySequence=[study])
    dataset.ReferencedFrameOfReferenceSequence = [frame]


def _describe(dataset: Dataset, label: str, phantom: bool) -> None:
    """Who made it, what it is called, and that nobody has looked at it."""
    dataset.Manufacturer = dataset.ManufacturerModelName = "hnseg"
    dataset.SoftwareVersions = __version__
    title = f"PHANTOM {label}" if phantom else label
    dataset.StructureSetLabel = title[:SHORT_LETTERS].strip()
    dataset.SeriesDescription = title
    said = f"Outlined by hnseg {__version__} and reviewed by nobody."
    dataset.StructureSetDescription = f"PHANTOM - not a patient. {said}" if phantom else said
    dataset.ApprovalStatus = "UNAPPROVED"


def _identify(dataset: Dataset, series: Series) -> None:
    """UIDs that follow from everything there is so far, then dates and the transfer syntax."""
    everything = sha256(dataset.to_json().encode()).hexdigest()
    dataset.SOPClassUID, dataset.Modality = RTStructureSetStorage, "RTSTRUCT"
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[series.series_uid, everything, "instance"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[series.series_uid, everything, "series"])
    dataset.SeriesNumber, dataset.InstanceNumber, dataset.OperatorsName = 1, 1, ""
    now = datetime.now()
    for keyword in ("InstanceCreation", "Series", "StructureSet"):
        setattr(dataset, f"{keyword}Date", f"{now:%Y%m%d}")
        setattr(dataset, f"{keyword}Time", f"{now:%H%M%S}")
    contours = [c for drawing in dataset.ROIContourSequence for c in drawing.get("ContourSequence", ())]
    longest = max((len("\\".join(map(str, contour.ContourData))) for contour in contours), default=0)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian if longest <= _LONGEST_DS else ImplicitVRLittleEndian
