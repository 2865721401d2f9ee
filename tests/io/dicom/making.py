"""CT and PET series as DICOM files of a given array and grid, and the headers that reading them should give.

`write_series` writes files and returns their headers in the order of array axis 0, made here and not by hnseg's reader.
`make_headers` does without files. Whatever a test wants otherwise it says in `tags` (all files) or `file_tags` (one
mapping a file), by pydicom keyword; None leaves the tag out. Tags of the injection go to `injection`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import DSfloat

from hnseg.io.dicom.objects import FileHeader, ImageTags, PatientTags, PetTags
from hnseg.types import Grid

SOP_CLASSES = {"ct": "1.2.840.10008.5.1.4.1.1.2", "pt": "1.2.840.10008.5.1.4.1.1.128"}
STUDY_UID = generate_uid(entropy_srcs=["hnseg test study"])
FRAME_UID = generate_uid(entropy_srcs=["hnseg test frame of reference"])
SERIES_UIDS = {modality: generate_uid(entropy_srcs=["hnseg test series", modality]) for modality in SOP_CLASSES}
PATIENT = PatientTags("SECRET-4711", "Secretname^Jane", "19510203", "F")


def write_series(
    folder: Path,
    array: np.ndarray,
    grid: Grid,
    modality: str = "ct",
    *,
    slopes: float | Sequence[float] = 1.0,
    intercepts: float | Sequence[float] | None = None,
    stored: str = "int16",
    series_uid: str = "",
    study_uid: str = STUDY_UID,
    frame_uid: str = FRAME_UID,
    patient: PatientTags = PATIENT,
    tags: Mapping[str, Any] | None = None,
    file_tags: Sequence[Mapping[str, Any]] | None = None,
    injection: Mapping[str, Any] | None = None,
    syntax: str = ExplicitVRLittleEndian,
    names: Sequence[str] | None = None,
) -> tuple[FileHeader, ...]:
    """Write ``array`` (HU, or activity in the Units of the tags) into ``folder``, file by file along array axis 0.

    Stored values are (array - intercept) / slope, rounded; the intercept is -1024 for CT and 0 for PET unless said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    series_uid = series_uid or SERIES_UIDS[modality]
    count = len(array)
    slope = np.broadcast_to(np.asarray(slopes, float), count)
    intercept = np.broadcast_to(
        np.asarray(intercepts if intercepts is not None else {"ct": -1024, "pt": 0}[modality], float), count
    )
    headers = []
    for i in range(count):
        dataset = image_dataset(grid, i, modality, series_uid, study_uid, frame_uid, patient, injection)
        dataset.RescaleSlope, dataset.RescaleIntercept = ds(slope[i]), ds(intercept[i])
        put_pixels(dataset, np.rint((array[i] - intercept[i]) / float(dataset.RescaleSlope)), np.dtype(stored))
        override(dataset, {**(tags or {}), **(file_tags[i] if file_tags else {})})
        path = folder / (names[i] if names else f"{modality}{i:04d}")
        write(dataset, path, syntax)
        headers.append(header_of(dataset, path))
    return tuple(headers)


def make_headers(
    grid: Grid,
    modality: str = "ct",
    *,
    series_uid: str = "",
    study_uid: str = STUDY_UID,
    frame_uid: str = FRAME_UID,
    patient: PatientTags = PATIENT,
    tags: Mapping[str, Any] | None = None,
    file_tags: Sequence[Mapping[str, Any]] | None = None,
    injection: Mapping[str, Any] | None = None,
) -> tuple[FileHeader, ...]:
    """The headers of a series on ``grid`` that was never written, along array axis 0."""
    headers = []
    for i in range(grid.shape_zyx[0]):
        dataset = image_dataset(
            grid, i, modality, series_uid or SERIES_UIDS[modality], study_uid, frame_uid, patient, injection
        )
        override(dataset, {**(tags or {}), **(file_tags[i] if file_tags else {})})
        headers.append(header_of(dataset, Path(f"never-written-{i:04d}")))
    return tuple(headers)


def image_dataset(
    grid: Grid,
    index: int,
    modality: str,
    series_uid: str,
    study_uid: str,
    frame_uid: str,
    patient: PatientTags = PATIENT,
    injection: Mapping[str, Any] | None = None,
) -> Dataset:
    """Everything but pixels and transfer syntax of file ``index`` of a series."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = (
        SOP_CLASSES[modality],
        generate_uid(entropy_srcs=[series_uid, str(index)]),
    )
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study_uid, series_uid
    dataset.FrameOfReferenceUID = frame_uid
    dataset.Modality = modality.upper()
    dataset.PatientID, dataset.PatientName = patient.patient_id, patient.name
    dataset.PatientBirthDate, dataset.PatientSex = patient.birth_date, patient.sex
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = "20190708"
    dataset.StudyTime = dataset.SeriesTime = dataset.AcquisitionTime = "103000"
    dataset.StudyID, dataset.AccessionNumber, dataset.ReferringPhysicianName = "1", "", ""
    dataset.Manufacturer, dataset.PatientPosition = "hnseg tests", "HFS"
    dataset.SeriesNumber, dataset.AcquisitionNumber, dataset.InstanceNumber = 1, 1, index + 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"] if modality == "ct" else ["ORIGINAL", "PRIMARY"]
    dataset.ImagePositionPatient = [ds(v) for v in grid.to_lps_mm(np.array([index, 0, 0]))]
    dataset.ImageOrientationPatient = [ds(v) for v in (*grid.direction[:, 2], *grid.direction[:, 1])]
    dataset.PixelSpacing = [ds(v) for v in grid.spacing_mm[1:]]
    dataset.SliceThickness = ds(grid.spacing_mm[0])
    dataset.Rows, dataset.Columns = grid.shape_zyx[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 1
    dataset.RescaleSlope, dataset.RescaleIntercept = ds(1), ds(-1024 if modality == "ct" else 0)
    if modality == "pt":
        put_pet(dataset, injection or {})
    return dataset


def put_pet(dataset: Dataset, injection: Mapping[str, Any]) -> None:
    """70 kg, 350 MBq of FDG injected an hour before the scan, decay corrected to its start, in Bq/ml."""
    dataset.Units, dataset.DecayCorrection = "BQML", "START"
    dataset.CorrectedImage = ["NORM", "DTIM", "ATTN", "SCAT", "DECY"]
    dataset.SeriesType = ["WHOLE BODY", "IMAGE"]
    dataset.PatientWeight, dataset.PatientSize = ds(70), ds(1.75)
    dataset.FrameReferenceTime, dataset.ActualFrameDuration = ds(0), 120000
    item = Dataset()
    item.Radiopharmaceutical = "FDG"
    item.RadionuclideTotalDose, item.RadionuclideHalfLife = ds(350e6), ds(6586.2)
    item.RadiopharmaceuticalStartTime = "093000"
    override(item, injection)
    dataset.RadiopharmaceuticalInformationSequence = [item]


def ds(value: float) -> DSfloat:
    """A number as a decimal string of at most 16 characters."""
    return DSfloat(float(value), auto_format=True)


def override(dataset: Dataset, tags: Mapping[str, Any]) -> None:
    for keyword, value in tags.items():
        if value is not None:
            setattr(dataset, keyword, value)
        elif keyword in dataset:
            delattr(dataset, keyword)


def put_pixels(dataset: Dataset, values: np.ndarray, stored: np.dtype) -> None:
    limits = np.iinfo(stored)
    assert values.min() >= limits.min, f"{values.min()} does not fit {stored}"
    assert values.max() <= limits.max, f"{values.max()} does not fit {stored}"
    dataset.BitsAllocated = dataset.BitsStored = stored.itemsize * 8
    dataset.HighBit, dataset.PixelRepresentation = stored.itemsize * 8 - 1, int(stored.kind == "i")
    dataset.PixelData = values.astype(stored.newbyteorder("<")).tobytes()
    dataset["PixelData"].VR = "OW" if stored.itemsize > 1 else "OB"


def write(dataset: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian) -> None:
    """Write any data set as a DICOM file; a compressed ``syntax`` compresses its pixels first."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if syntax in ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1"):
        dataset.file_meta.TransferSyntaxUID = syntax
    else:
        dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(path, enforce_file_format=True)


def header_of(dataset: Dataset, path: Path) -> FileHeader:
    """The header of a data set with pixels as hnseg keeps it, for CT and PET; plain, and without its reader's care."""
    modality = str(dataset.get("Modality", ""))
    meta = getattr(dataset, "file_meta", None)
    return FileHeader(
        path,
        modality,
        str(dataset.get("SOPClassUID", "")),
        str(dataset.get("SOPInstanceUID", "")),
        str(dataset.get("SeriesInstanceUID", "")),
        str(dataset.get("StudyInstanceUID", "")),
        str(dataset.get("FrameOfReferenceUID", "")),
        str(meta.TransferSyntaxUID) if meta is not None else ExplicitVRLittleEndian,
        PatientTags(*(str(dataset.get(k, "")) for k in ("PatientID", "PatientName", "PatientBirthDate", "PatientSex"))),
        image_tags(dataset) if "Rows" in dataset else None,
        pet_tags(dataset) if modality == "PT" else None,
        phantom=dataset.get("QualityControlImage", "") == "YES",
    )


def image_tags(dataset: Dataset) -> ImageTags:
    return ImageTags(
        int(dataset.Rows),
        int(dataset.Columns),
        int(dataset.get("NumberOfFrames") or 1),
        int(dataset.get("BitsAllocated", 16)),
        int(dataset.get("SamplesPerPixel", 1)),
        numbers(dataset, "ImagePositionPatient"),
        numbers(dataset, "ImageOrientationPatient"),
        numbers(dataset, "PixelSpacing"),
        number(dataset, "SliceThickness"),
        number(dataset, "SpacingBetweenSlices"),
        number(dataset, "GantryDetectorTilt"),
        number(dataset, "RescaleSlope"),
        number(dataset, "RescaleIntercept"),
        str(dataset.get("RescaleType", "")),
        tuple(str(v).upper() for v in dataset.get("ImageType", ())),
        whole(dataset, "AcquisitionNumber"),
        whole(dataset, "InstanceNumber"),
    )


def pet_tags(dataset: Dataset) -> PetTags:
    items = dataset.get("RadiopharmaceuticalInformationSequence") or [Dataset()]
    texts = ("SeriesDate", "SeriesTime", "AcquisitionDate", "AcquisitionTime", "TimezoneOffsetFromUTC")
    return PetTags(
        str(dataset.get("Units", "")),
        str(dataset.get("SUVType", "")),
        str(dataset.get("DecayCorrection", "")),
        tuple(str(v) for v in dataset.get("CorrectedImage", ())),
        str(dataset.get("Manufacturer", "")),
        number(dataset, "PatientWeight"),
        number(items[0], "RadionuclideTotalDose"),
        number(items[0], "RadionuclideHalfLife"),
        str(items[0].get("RadiopharmaceuticalStartTime", "") or ""),
        str(items[0].get("RadiopharmaceuticalStartDateTime", "") or ""),
        *(str(dataset.get(keyword, "") or "") for keyword in texts),
        number(dataset, "FrameReferenceTime"),
        number(dataset, "ActualFrameDuration"),
    )


def number(dataset: Dataset, keyword: str) -> float | None:
    value = dataset.get(keyword)
    return None if value is None or value == "" else float(value)


def whole(dataset: Dataset, keyword: str) -> int | None:
    value = dataset.get(keyword)
    return None if value is None or value == "" else int(value)


def numbers(dataset: Dataset, keyword: str) -> Any:
    value = dataset.get(keyword)
    return None if not value else tuple(float(v) for v in value)
