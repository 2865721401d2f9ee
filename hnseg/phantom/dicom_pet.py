"""PET of a phantom patient as DICOM files, in the flavour of its vendor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from hnseg.io.dicom.object_bytes import IMPLICIT_LITTLE, PrivateBlock, decimal_string, object_bytes
from hnseg.phantom.dicom_ct import patient_position
from hnseg.phantom.dicom_scene import Scene
from hnseg.phantom.dicom_study import Modules, PhantomStudy, code, da, grey_pixels, plane, tm
from hnseg.phantom.dicom_vendors import VENDORS

SOP_CLASS = "1.2.840.10008.5.1.4.1.1.128"
SERIES = "pet"
HALF_LIFE_S = 6586.2
PHILIPS_CREATOR = "Philips PET Private Group"
FULL_SCALE = 32767
GREATEST_SLOPE = 4.0
"""Of Philips counts: as int16 they would overflow by this much."""
_BED_MM, _BED_S = 160.0, 150.0
_DUMMY_TIME = "000000"


@dataclass(frozen=True)
class Tracer:
    """What was injected, as tags say it, and what a voxel's activity means then.

    Attributes:
        dose_bq: at the injection.
        injected, scan_start: when.
        weight_kg: of the patient.
        to_injection: activity is decay corrected to the injection (ADMIN), not to the start of the scan (START).
    """

    dose_bq: float
    injected: datetime
    scan_start: datetime
    weight_kg: float
    to_injection: bool

    @property
    def bq_per_ml(self) -> float:
        """Activity of SUV 1, of a tissue of 1 g/ml."""
        waited_s = 0.0 if self.to_injection else (self.scan_start - self.injected).total_seconds()
        return float(self.dose_bq * 2 ** (-waited_s / HALF_LIFE_S) / (self.weight_kg * 1000))


def tracer(scene: Scene, study: PhantomStudy) -> Tracer:
    """About 4 MBq a kg, about an hour before the scan."""
    wait = timedelta(minutes=58, seconds=17 * (study.place % 20))
    dose_bq = round(4.0 * scene.weight_kg) * 1e6
    return Tracer(dose_bq, study.scan_start - wait, study.scan_start, scene.weight_kg, scene.role.has("admin"))


def pet_files(scene: Scene, study: PhantomStudy) -> Iterator[tuple[int, bytes]]:
    """Number of the slice along the normal, and its file: PET Image IOD (PS3.3, A.21), 16 bits.

    The largest value of each slice is stored as `FULL_SCALE`, so that each has a slope of its own. Philips stores
    counts with slopes of 1 to `GREATEST_SLOPE`; the SUV of a count stands in a private element.
    """
    vendor, given = VENDORS[scene.role.vendor], tracer(scene, study)
    philips = vendor.pet_units == "CNTS"
    suv_of_count = _rounded(float(scene.pet_suv.max()) / (FULL_SCALE * GREATEST_SLOPE))
    unit = suv_of_count if philips else 1 / given.bq_per_ml
    private = [_philips_block(suv_of_count, given)] if philips else []
    for index, suv in enumerate(scene.pet_suv):
        stored, slope = _stored(suv / np.float64(unit), least_slope=1.0 if philips else 0.0)
        elements = {
            **study.shared(SOP_CLASS, "PT", SERIES, 3, index),
            **study.frame(study.pet_frame),
            **plane(scene.pet_slices, index),
            **_series(scene, study, given),
            **_slice(scene, study, index),
            "RescaleIntercept": "0",
            "RescaleSlope": decimal_string(slope),
            **grey_pixels(stored.astype(np.int16 if vendor.pet_signed else np.uint16)),
        }
        yield index, object_bytes(elements, private, IMPLICIT_LITTLE)


def _stored(values: NDArray[np.float64], least_slope: float) -> tuple[NDArray[np.float64], float]:
    """Whole numbers of at most `FULL_SCALE`, and the slope that takes them back; as a DS can hold it."""
    slope = _rounded(max(float(values.max()) / FULL_SCALE, least_slope)) or 1.0
    return np.minimum(np.rint(values / slope), FULL_SCALE), slope


def _rounded(value: float) -> float:
    return float(decimal_string(value))


def _philips_block(suv_of_count: float, given: Tracer) -> PrivateBlock:
    factors = {0x00: suv_of_count, 0x09: suv_of_count * given.bq_per_ml}
    return PrivateBlock(0x7053, PHILIPS_CREATOR, {n: ("DS", decimal_string(value)) for n, value in factors.items()})


def _series(scene: Scene, study: PhantomStudy, given: Tracer) -> Modules:
    """What the slices share: PET Series (C.8.9.1) and PET Isotope (C.8.9.2) modules."""
    vendor = VENDORS[scene.role.vendor]
    radionuclide = code("C-111A1", "SRT", "^18^Fluorine")
    injection: Modules = {
        "Radiopharmaceutical": "Fluorodeoxyglucose",
        "RadiopharmaceuticalStartTime": tm(given.injected),
        "RadionuclideTotalDose": decimal_string(given.dose_bq),
        "RadionuclideHalfLife": decimal_string(HALF_LIFE_S),
        "RadionuclidePositronFraction": "0.97",
        "RadionuclideCodeSequence": [radionuclide],
    }
    if scene.role.vendor == "ge":
        injection["RadiopharmaceuticalStartDateTime"] = da(given.injected) + tm(given.injected)
    return {
        "Manufacturer": vendor.manufacturer,
        "ManufacturerModelName": vendor.model,
        "SeriesDescription": "PET AC",
        "SeriesDate": da(study.scan_start),
        "SeriesTime": _DUMMY_TIME if scene.role.vendor == "philips" else tm(study.scan_start),
        "PatientWeight": decimal_string(given.weight_kg),
        "PatientSize": "1.75" if study.male else "1.64",
        "PatientPosition": patient_position(scene) if vendor.position else "",
        "Units": vendor.pet_units,
        "CountsSource": "EMISSION",
        "SeriesType": ["WHOLE BODY", "IMAGE"],
        "DecayCorrection": "ADMIN" if given.to_injection else "START",
        "CorrectedImage": list(vendor.pet_corrections),
        "NumberOfSlices": scene.pet_slices.shape_zyx[0],
        "CollimatorType": "NONE",
        "RandomsCorrectionMethod": "DLYD",
        "RadiopharmaceuticalInformationSequence": [injection],
    }


def _slice(scene: Scene, study: PhantomStudy, index: int) -> Modules:
    """What belongs to one slice: PET Image module (C.8.9.4); later table positions are scanned later."""
    count = scene.pet_slices.shape_zyx[0]
    bed = int(index * scene.pet_slices.spacing_mm[0] // _BED_MM)
    began = study.scan_start + timedelta(seconds=bed * _BED_S)
    decay = np.log(2) / HALF_LIFE_S
    mean_s = float(np.log(decay * _BED_S / -np.expm1(-decay * _BED_S)) / decay)
    return {
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "AcquisitionDate": da(began),
        "AcquisitionTime": tm(began),
        "ActualFrameDuration": round(_BED_S * 1000),
        "FrameReferenceTime": decimal_string(1000 * (bed * _BED_S + mean_s)),
        "DecayFactor": decimal_string(2 ** ((bed * _BED_S + mean_s) / HALF_LIFE_S)),
        "ImageIndex": index + 1,
        "InstanceNumber": count - index if VENDORS[scene.role.vendor].top_first else index + 1,
    }
