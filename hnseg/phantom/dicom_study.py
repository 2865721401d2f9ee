"""What all DICOM files of a phantom patient share: identity, UIDs, dates, and the modules that repeat them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from hnseg.io.dicom.object_bytes import decimal_string, hashed_uid
from hnseg.types import Grid

PATIENT_NAME = "Phantom^hnseg"
FIRST_DAY = date(2020, 2, 29)
BIRTH_DATE = "19500301"
_MORNING = time(9, 14, 32)
_AFTER_MIDNIGHT = time(0, 21, 7)

Modules = dict[str, Any]


@dataclass(frozen=True)
class PhantomStudy:
    """One patient's examination.

    Attributes:
        key: what UIDs and ids are hashed from, with the names of the objects.
        place: number of the patient, counted from 0; decides the day.
        male: sex.
        weight_kg: body weight.
        own_pet_frame: whether the PET has another frame of reference than the CT.
        at_night: whether the scan began after midnight and the injection before.
    """

    key: str
    place: int
    male: bool
    weight_kg: float
    own_pet_frame: bool = False
    at_night: bool = False

    def uid(self, *words: object) -> str:
        """The UID of the object that the words name."""
        return hashed_uid("hnseg phantom", self.key, *words)

    @property
    def patient_id(self) -> str:
        return f"PH{self.uid('patient')[-8:]}"

    @property
    def pet_frame(self) -> str:
        """Word for the frame of reference of the PET."""
        return "pet frame" if self.own_pet_frame else "ct frame"

    @property
    def scan_start(self) -> datetime:
        """When the PET began; the CT was a little earlier, and nothing depends on when."""
        return datetime.combine(FIRST_DAY + timedelta(self.place), _AFTER_MIDNIGHT if self.at_night else _MORNING)

    def shared(self, sop_class_uid: str, modality: str, series: str, number: int, name: object) -> Modules:
        """Patient, study and series modules (PS3.3, C.7.1 to C.7.3) and the SOP Common module (C.12.1).

        Args:
            sop_class_uid, modality: of the object.
            series: word for the series.
            number: Series Number.
            name: word for the object within its series.
        """
        return {
            "SpecificCharacterSet": "ISO_IR 192",
            "SOPClassUID": sop_class_uid,
            "SOPInstanceUID": self.uid(series, name),
            "PatientName": PATIENT_NAME,
            "PatientID": self.patient_id,
            "PatientBirthDate": BIRTH_DATE,
            "PatientSex": "M" if self.male else "F",
            "QualityControlImage": "YES",
            "StudyInstanceUID": self.uid("study"),
            "StudyDate": da(self.scan_start),
            "StudyTime": tm(self.scan_start - timedelta(minutes=9)),
            "ReferringPhysicianName": "",
            "StudyID": str(self.place + 1),
            "AccessionNumber": "",
            "StudyDescription": "PET/CT head and neck",
            "SeriesInstanceUID": self.uid(series),
            "SeriesNumber": number,
            "Modality": modality,
        }

    def frame(self, word: str) -> Modules:
        """Frame of Reference module (C.7.4.1)."""
        return {"FrameOfReferenceUID": self.uid(word), "PositionReferenceIndicator": ""}


def plane(grid: Grid, index: int) -> Modules:
    """Image Plane module (C.7.6.2) of slice ``index`` along array axis 0, with Rows and Columns."""
    position = grid.to_lps_mm([index, 0, 0])  # type: ignore[arg-type]
    turned = [*grid.direction[:, 2], *grid.direction[:, 1]]
    return {
        "ImagePositionPatient": [decimal_string(v) for v in position],
        "ImageOrientationPatient": [decimal_string(round(float(v), 10)) for v in turned],
        "PixelSpacing": [decimal_string(v) for v in grid.spacing_mm[1:]],
        "SliceThickness": decimal_string(grid.spacing_mm[0]),
        "SliceLocation": decimal_string(position[2]),
        "Rows": grid.shape_zyx[1],
        "Columns": grid.shape_zyx[2],
    }


def grey_pixels(stored: Any, padding: int | None = None) -> Modules:
    """Image Pixel module (C.7.6.3) of a 16-bit image (Y, X), signed or not."""
    extra = {} if padding is None else {"PixelPaddingValue": padding}
    return {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": int(stored.dtype.kind == "i"),
        **extra,
        "PixelData": stored.astype(stored.dtype.newbyteorder("<")).tobytes(),
    }


def code(value: str, scheme: str, meaning: str) -> Mapping[str, str]:
    """An item of a code sequence (PS3.3, 8.8)."""
    return {"CodeValue": value, "CodingSchemeDesignator": scheme, "CodeMeaning": meaning}


def da(moment: datetime) -> str:
    """As a DA."""
    return moment.strftime("%Y%m%d")


def tm(moment: datetime) -> str:
    """As a TM, to the microsecond."""
    return moment.strftime("%H%M%S.%f")
