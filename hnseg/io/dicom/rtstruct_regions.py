"""The three sequences of a structure set that describe its regions (PS3.3 C.8.8.5, C.8.8.6, C.8.8.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset

from hnseg.geometry.outlines import outlines
from hnseg.io.dicom.objects import FileHeader, Masks, Series
from hnseg.io.dicom.structure_look import Rgb, interpreted_type

SHORT_LETTERS = 16
"""Most letters of an SH value (PS3.5 6.2)."""
_DECIMALS = 3


def add_regions(
    dataset: Dataset, structures: Masks, series: Series, tolerance_mm: float, colours: Mapping[str, Rgb]
) -> None:
    """Put all structures into ``dataset``, numbered from 1 in their order; see `write_rtstruct`."""
    rois, drawings, observations = [], [], []
    for number, (name, mask) in enumerate(structures.items(), start=1):
        rois.append(
            item(
                ROINumber=number,
                ReferencedFrameOfReferenceUID=series.frame_uid,
                ROIName=name,
                ROIGenerationAlgorithm="AUTOMATIC",
            )
        )
        drawing = item(ROIDisplayColor=list(colours[name]), ReferencedROINumber=number)
        if contours := _contours(mask, series, tolerance_mm):
            drawing.ContourSequence = contours
        drawings.append(drawing)
        observations.append(
            item(
                ObservationNumber=number,
                ReferencedROINumber=number,
                ROIObservationLabel=name.encode()[:SHORT_LETTERS].decode(errors="ignore").strip(),  # some count bytes
                RTROIInterpretedType=interpreted_type(name),
                ROIInterpreter="",
            )
        )
    dataset.StructureSetROISequence = rois
    dataset.ROIContourSequence = drawings
    dataset.RTROIObservationsSequence = observations


def image_references(files: tuple[FileHeader, ...]) -> list[Dataset]:
    """Items of a Contour Image Sequence (3006,0016)."""
    return [item(ReferencedSOPClassUID=file.sop_class_uid, ReferencedSOPInstanceUID=file.sop_uid) for file in files]


def item(**attributes: Any) -> Dataset:
    """A data set of these attributes."""
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def _contours(mask: NDArray[np.bool_], series: Series, tolerance_mm: float) -> list[Dataset]:
    contours = []
    for number, (index, points_lps_mm) in enumerate(outlines(mask, series.grid, tolerance_mm), start=1):
        file = series.files[index]
        contours.append(
            item(
                ContourImageSequence=image_references((file,)),
                ContourGeometricType="CLOSED_PLANAR",
                NumberOfContourPoints=len(points_lps_mm),
                ContourNumber=number,
                ContourData=_decimal_strings(_onto_plane(points_lps_mm, file, series.grid.spacing_mm[0])),
            )
        )
    return contours


def _onto_plane(points_lps_mm: NDArray[np.float64], file: FileHeader, spacing_mm: float) -> NDArray[np.float64]:
    """The points moved along the normal into the plane of an image, beside which the slice of a grid may lie a little:
    scanners round positions, and a grid is even."""
    image = file.image
    assert image is not None, "an image file without geometry in a series"
    assert image.position_lps_mm is not None, "an image file without geometry in a series"
    assert image.orientation is not None, "an image file without geometry in a series"
    normal = np.cross(image.orientation[:3], image.orientation[3:])
    normal /= np.linalg.norm(normal)
    away_mm = (np.asarray(image.position_lps_mm) - points_lps_mm) @ normal
    assert np.abs(away_mm).max() < spacing_mm / 2, "files and slices of the grid are not in the same order"
    moved_lps_mm: NDArray[np.float64] = points_lps_mm + away_mm[:, None] * normal
    return moved_lps_mm


def _decimal_strings(points_lps_mm: NDArray[np.float64]) -> list[str]:
    """x, y, z of each point after the other; to a micrometre, and so never near the 16 bytes that DS holds."""
    # adding 0 makes 0 of -0
    return [
        f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".") for value in (np.round(points_lps_mm, _DECIMALS) + 0.0).flat
    ]
