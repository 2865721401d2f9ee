"""CT of a phantom patient as DICOM files."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hnseg.io.dicom.object_bytes import EXPLICIT_LITTLE, JPEG_LOSSLESS, decimal_string, jpeg_lossless, object_bytes
from hnseg.phantom.dicom_geometry import TILT_DEG
from hnseg.phantom.dicom_scene import Scene
from hnseg.phantom.dicom_study import Modules, PhantomStudy, da, grey_pixels, plane, tm
from hnseg.phantom.dicom_vendors import VENDORS

SOP_CLASS = "1.2.840.10008.5.1.4.1.1.2"
SERIES = "ct"
FRAME = "ct frame"
INTERCEPT_HU = -1024
_PADDING = -2000  # stored; GE's outside of the round field of view


def ct_files(scene: Scene, study: PhantomStudy) -> Iterator[tuple[int, bytes]]:
    """Number of the slice along the normal, and its file: CT Image IOD (PS3.3, A.3), 16 bits.

    Stored values are HU + 1024, unsigned but for GE.
    """
    for index, image in enumerate(scene.ct_hu):
        stored = (image - INTERCEPT_HU).astype(np.int16 if VENDORS[scene.role.vendor].ct_signed else np.uint16)
        elements = ct_header(scene, study, index) | grey_pixels(stored, _padding(scene))
        if transfer_syntax(scene) == JPEG_LOSSLESS:
            elements["PixelData"] = jpeg_lossless(stored)
        yield index, object_bytes(elements, (), transfer_syntax(scene))


def transfer_syntax(scene: Scene) -> str:
    """UID of how the files are encoded."""
    return JPEG_LOSSLESS if scene.role.has("jpeg_lossless") else EXPLICIT_LITTLE


def ct_header(scene: Scene, study: PhantomStudy, index: int) -> Modules:
    """All but the pixels of slice ``index``."""
    vendor, count = VENDORS[scene.role.vendor], scene.ct_slices.shape_zyx[0]
    return {
        **study.shared(SOP_CLASS, "CT", SERIES, 2, index),
        **study.frame(FRAME),
        **plane(scene.ct_slices, index),
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "Manufacturer": vendor.manufacturer,
        "ManufacturerModelName": vendor.model,
        "SeriesDescription": "CT planning",
        "SeriesDate": da(study.scan_start),
        "SeriesTime": tm(study.scan_start),
        "AcquisitionDate": da(study.scan_start),
        "AcquisitionTime": tm(study.scan_start),
        "AcquisitionNumber": 1,
        "InstanceNumber": count - index if vendor.top_first else index + 1,
        "PatientPosition": patient_position(scene) if vendor.position else "",
        "KVP": "120",
        "GantryDetectorTilt": decimal_string(TILT_DEG if scene.role.has("tilt") else 0),
        "RescaleIntercept": str(INTERCEPT_HU),
        "RescaleSlope": "1",
        "RescaleType": "HU",
        "WindowCenter": "40",
        "WindowWidth": "400",
    }


def patient_position(scene: Scene) -> str:
    """Patient Position (0018,5100): head or feet first, supine or prone."""
    return f"{'FF' if scene.role.has('feet_first') else 'HF'}{'P' if scene.role.has('prone') else 'S'}"


def _padding(scene: Scene) -> int | None:
    return _PADDING if scene.plan.centre.ct_padding_hu is not None else None
