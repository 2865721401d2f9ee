"""What lies between the images of a hospital export and is none: a localiser, a screen capture, files of no image."""

from __future__ import annotations

import numpy as np

from hnseg.io.dicom.object_bytes import object_bytes
from hnseg.phantom import dicom_ct
from hnseg.phantom.dicom_scene import Scene
from hnseg.phantom.dicom_study import Modules, PhantomStudy, da, grey_pixels, plane, tm
from hnseg.phantom.dicom_vendors import VENDORS
from hnseg.types import Grid

README = "This folder was exported by hnseg's phantom. This file is no DICOM.\n"
_CAPTURE_CLASS = "1.2.840.10008.5.1.4.1.1.7"
_DIRECTORY_CLASS = "1.2.840.10008.1.3.10"
_CAPTURE_PIXELS = 24


def localiser_file(scene: Scene, study: PhantomStudy) -> bytes:
    """A coronal overview: a CT image, of GE in the very series of the slices, else in one of its own."""
    hu = np.asarray(scene.ct_hu.mean(axis=1))[::-1]
    axial = scene.ct_slices
    directions = np.array([[0.0, 0.0, 1.0], [0.0, -1.0, 0.0], [1.0, 0.0, 0.0]])
    grid = Grid((1, *hu.shape), (1.0, axial.spacing_mm[0], axial.spacing_mm[2]), axial.origin_mm, directions)  # type: ignore[arg-type]
    series = dicom_ct.SERIES if scene.role.vendor == "ge" else "localiser"
    stored = np.rint(hu - dicom_ct.INTERCEPT_HU).astype(np.int16)
    return object_bytes(
        {
            **dicom_ct.ct_header(scene, study, 0),
            **study.shared(dicom_ct.SOP_CLASS, "CT", series, 2 if scene.role.vendor == "ge" else 1, "localiser"),
            **plane(grid, 0),
            "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"],
            "InstanceNumber": 0,
            **grey_pixels(stored),
        }
    )


def capture_file(scene: Scene, study: PhantomStudy) -> bytes:
    """A picture in colours of the dose report: Secondary Capture IOD (PS3.3, A.8)."""
    ramp = np.linspace(0, 255, _CAPTURE_PIXELS).astype(np.uint8)
    picture = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None], np.uint8(90)), axis=-1)
    pixels: Modules = {
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "RGB",
        "PlanarConfiguration": 0,
        "Rows": _CAPTURE_PIXELS,
        "Columns": _CAPTURE_PIXELS,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
        "PixelData": picture.tobytes(),
    }
    return object_bytes(
        {
            **study.shared(_CAPTURE_CLASS, "OT", "capture", 9, 0),
            "Manufacturer": VENDORS[scene.role.vendor].manufacturer,
            "ConversionType": "WSD",
            "SeriesDescription": "Dose report",
            "ContentDate": da(study.scan_start),
            "ContentTime": tm(study.scan_start),
            "ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"],
            "InstanceNumber": 1,
            **pixels,
        }
    )


def directory_file(uid: str) -> bytes:
    """A DICOMDIR that lists nothing (PS3.3, F.3)."""
    return object_bytes(
        {
            "SOPClassUID": _DIRECTORY_CLASS,
            "SOPInstanceUID": uid,
            "FileSetID": "EXPORT",
            "OffsetOfTheFirstDirectoryRecordOfTheRootDirectoryEntity": 0,
            "OffsetOfTheLastDirectoryRecordOfTheRootDirectoryEntity": 0,
            "FileSetConsistencyFlag": 0,
            "DirectoryRecordSequence": [],
        }
    )
