"""The Spatial Registration that takes a phantom's PET to its CT."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hnseg.io.dicom.object_bytes import decimal_string, object_bytes
from hnseg.phantom import dicom_ct
from hnseg.phantom.dicom_scene import Scene
from hnseg.phantom.dicom_study import Modules, PhantomStudy, da, tm

SOP_CLASS = "1.2.840.10008.5.1.4.1.1.66.1"
SERIES = "registration"


def registration_file(scene: Scene, study: PhantomStudy) -> bytes:
    """Spatial Registration IOD (PS3.3, A.39.1): its frame of reference is the CT's, to which both matrices lead."""
    return object_bytes(
        {
            **study.shared(SOP_CLASS, "REG", SERIES, 6, 0),
            **study.frame(dicom_ct.FRAME),
            "Manufacturer": "hnseg",
            "ContentDate": da(study.scan_start),
            "ContentTime": tm(study.scan_start),
            "InstanceNumber": 1,
            "ContentLabel": "REGISTRATION",
            "ContentDescription": "PET to CT",
            "ContentCreatorName": "",
            "RegistrationSequence": [
                _item(study.uid(dicom_ct.FRAME), np.eye(4)),
                _item(study.uid(study.pet_frame), scene.pet_to_ct),
            ],
        }
    )


def _item(frame_uid: str, matrix: NDArray[np.float64]) -> Modules:
    """Registration of one frame of reference (C.20.2)."""
    rigid = {
        "FrameOfReferenceTransformationMatrixType": "RIGID",
        "FrameOfReferenceTransformationMatrix": [decimal_string(value) for value in matrix.ravel()],
    }
    return {"FrameOfReferenceUID": frame_uid, "MatrixRegistrationSequence": [{"MatrixSequence": [rigid]}]}
