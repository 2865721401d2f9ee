"""Structures of a phantom patient as an RTSTRUCT, with the names and the habits of a hospital."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from hnseg.io.dicom.object_bytes import object_bytes
from hnseg.phantom import dicom_ct
from hnseg.phantom.dicom_outlines import Polygon, mask_outlines
from hnseg.phantom.dicom_scene import Scene
from hnseg.phantom.dicom_study import Modules, PhantomStudy, da, tm
from hnseg.phantom.dicom_vendors import VENDORS

SOP_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
SERIES = "rtstruct"
_STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
_OFF_SLICE = 0.08  # of the distance to the next slice; planning systems round


def rtstruct_file(scene: Scene, study: PhantomStudy) -> bytes:
    """RT Structure Set IOD (PS3.3, A.19) on the CT: what hnseg looks for under hospital names, helpers, an isocentre.

    One contour, the first of the last organ, lies a little beside its slice.
    """
    vendor = VENDORS[scene.role.vendor]
    regions = [(vendor.spellings[name], mask) for name, mask in scene.masks.items()]
    helpers = list(scene.helpers.items())
    regions = [*helpers[:1], *regions, *helpers[1:]]  # the body comes first, as in planning systems
    numbered = list(enumerate(regions, start=1))
    odd = [vendor.spellings[name] for name in scene.masks][-1:]
    isocentre = len(regions) + 1
    return object_bytes(
        {
            **study.shared(SOP_CLASS, "RTSTRUCT", SERIES, 5, 0),
            **study.frame(dicom_ct.FRAME),
            "Manufacturer": vendor.manufacturer,
            "InstanceNumber": 1,
            "StructureSetLabel": "PLAN",
            "StructureSetDate": da(study.scan_start),
            "StructureSetTime": tm(study.scan_start),
            "ReferencedFrameOfReferenceSequence": [_references(scene, study)],
            "StructureSetROISequence": [
                *(_roi(study, number, name) for number, (name, _) in numbered),
                _roi(study, isocentre, "ISO"),
            ],
            "ROIContourSequence": [
                *(_contours(scene, study, number, mask, name in odd) for number, (name, mask) in numbered),
                _isocentre(scene, study, isocentre),
            ],
            "RTROIObservationsSequence": [_observation(number, name) for number, (name, _) in numbered],
            "ApprovalStatus": "UNAPPROVED",
        }
    )


def _references(scene: Scene, study: PhantomStudy) -> Modules:
    images = [_image(study, index) for index in range(scene.ct_slices.shape_zyx[0])]
    series = {"SeriesInstanceUID": study.uid(dicom_ct.SERIES), "ContourImageSequence": images}
    return {
        "FrameOfReferenceUID": study.uid(dicom_ct.FRAME),
        "RTReferencedStudySequence": [
            {
                "ReferencedSOPClassUID": _STUDY_CLASS,
                "ReferencedSOPInstanceUID": study.uid("study"),
                "RTReferencedSeriesSequence": [series],
            }
        ],
    }


def _image(study: PhantomStudy, index: int) -> Modules:
    return {"ReferencedSOPClassUID": dicom_ct.SOP_CLASS, "ReferencedSOPInstanceUID": study.uid(dicom_ct.SERIES, index)}


def _roi(study: PhantomStudy, number: int, name: str) -> Modules:
    return {
        "ROINumber": number,
        "ReferencedFrameOfReferenceUID": study.uid(dicom_ct.FRAME),
        "ROIName": name,
        "ROIGenerationAlgorithm": "MANUAL",
    }


def _contours(scene: Scene, study: PhantomStudy, number: int, mask: NDArray[np.bool_], odd: bool) -> Modules:
    """All contours of a region; ``odd``: the first a little beside its slice."""
    items: list[Modules] = []
    for index, polygon in mask_outlines(mask, scene.ct_grid, VENDORS[scene.role.vendor].keyhole):
        if odd and not items:
            step = scene.ct_grid.direction[:, 0] * scene.ct_grid.spacing_mm[0]
            polygon = polygon + _OFF_SLICE * step
        items.append(
            {
                "ContourImageSequence": [_image(study, index)],
                "ContourGeometricType": "CLOSED_PLANAR",
                "NumberOfContourPoints": len(polygon),
                "ContourData": list(_numbers(polygon)),
            }
        )
    red, green, blue = (number * 67 % 256, number * 131 % 256, 255 - number * 23 % 256)
    return {"ReferencedROINumber": number, "ROIDisplayColor": [red, green, blue], "ContourSequence": items}


def _isocentre(scene: Scene, study: PhantomStudy, number: int) -> Modules:
    middle = np.asarray(scene.ct_grid.shape_zyx) // 2
    point = {
        "ContourImageSequence": [_image(study, int(middle[0]))],
        "ContourGeometricType": "POINT",
        "NumberOfContourPoints": 1,
        "ContourData": list(_numbers(scene.ct_grid.to_lps_mm(middle[None]))),
    }
    return {"ReferencedROINumber": number, "ROIDisplayColor": [0, 255, 0], "ContourSequence": [point]}


def _observation(number: int, name: str) -> Modules:
    kind = "EXTERNAL" if name == "BODY" else "GTV" if name.startswith("GTV") else "ORGAN"
    return {
        "ObservationNumber": number,
        "ReferencedROINumber": number,
        "RTROIInterpretedType": kind,
        "ROIInterpreter": "",
    }


def _numbers(points: Polygon) -> Iterator[str]:
    """To a micrometre, as far as a DS of 16 bytes goes."""
    return (f"{value:.3f}" for value in (np.round(points, 3) + 0.0).ravel())
