"""DICOM segmentations out: masks on the grid of a series as a BINARY Segmentation beside it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
from highdicom import (
    AlgorithmIdentificationSequence,
    PixelMeasuresSequence,
    PlaneOrientationSequence,
    PlanePositionSequence,
)
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, Segmentation, SegmentationTypeValues, SegmentDescription
from highdicom.sr import CodedConcept
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

import hnseg
from hnseg.io.atomic import atomic_path
from hnseg.io.dicom.copied_tags import copied_tags
from hnseg.io.dicom.objects import Masks, RefusedDicomError, Series
from hnseg.io.dicom.seg_sources import discreet, positions_lps_mm, seg_sources
from hnseg.io.dicom.segment_codes import Concept, segment_code
from hnseg.io.dicom.structure_look import Rgb, structure_colours

_SERIES_NUMBER = 9500  # far from what scanners count to, so that it stands behind the images in a list of series
_LONGEST_LABEL = 64  # of an LO, PS3.5 section 6.2


def write_seg(path: Path, structures: Masks, series: Series, *, label: str = "hnseg", phantom: bool = False) -> None:
    """Write masks as one BINARY segmentation, a segment a structure, in the frame of reference of their series.

    Structures may overlap. One without a voxel is a segment without frames: looked for, and not there. If all are
    empty, one slice is written, without a mark. Slices that show nothing are left out. UIDs follow from the content:
    the same masks of the same series give the same object.

    After a tilted gantry the planes lie where `series.grid` has them, straightened, and refer to their slices without
    claiming that pixels coincide.

    Args:
        path: of the new file, which appears whole or not at all.
        structures: masks (Z, Y, X) on ``series.grid`` by name. Names that `segment_codes` knows are coded.
        series: the images; patient and study are copied from the first file, which must still be there.
        label: in Series Description and Content Label.
        phantom: say in description, label and Quality Control Image (0028,0300) that this is no patient; as for any
            series whose images say so.

    Raises:
        ValueError: no structure, or a name that Segment Label (0062,0005) cannot hold.
        RefusedDicomError: ``no_frame``: the images say no frame of reference; ``changed`` or ``unreadable``: the first
            image is not there any more as it was read.
        DiskFullError: see `atomic_path`.
    """
    _check(structures, series)
    if not series.frame_uid:
        raise RefusedDicomError(
            "no_frame",
            "the images lack FrameOfReferenceUID (0020,0052), without which a segmentation lies nowhere; save NIfTI",
        )
    phantom = phantom or any(file.phantom for file in series.files)
    slices = _shown_slices(structures, series.grid.shape_zyx[0])
    identity = _identity(structures, series, label, phantom)
    with discreet(), atomic_path(path) as part:
        seg = _segmentation(structures, series, slices, identity, label, phantom)
        seg.save_as(part, enforce_file_format=True)


def _check(structures: Masks, series: Series) -> None:
    if not structures:
        raise ValueError("there is no structure to write as a segmentation; give at least one mask")
    for name, mask in structures.items():
        assert mask.shape == series.grid.shape_zyx, f"{name}: {mask.shape} on {series.grid.shape_zyx}"
        if not 0 < len(name) <= _LONGEST_LABEL or "\\" in name or not name.isprintable():
            raise ValueError(
                f"the structure name {name!r} cannot be a Segment Label (0062,0005): it needs 1 to {_LONGEST_LABEL} "
                f"letters without backslash; rename it"
            )


def _segmentation(
    structures: Masks, series: Series, slices: list[int], identity: str, label: str, phantom: bool
) -> Segmentation:
    shared = copied_tags(series, structures)
    colours = structure_colours(structures)
    seg = Segmentation(
        source_images=seg_sources(series),
        pixel_array=_pixels(structures, slices),
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(n, name, colours[name]) for n, name in enumerate(structures, 1)],
        series_instance_uid=generate_uid(entropy_srcs=[identity, "series"]),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=generate_uid(entropy_srcs=[identity, "instance"]),
        instance_number=1,
        manufacturer="hnseg",
        manufacturer_model_name="hnseg",
        software_versions=hnseg.__version__,
        device_serial_number="0",  # asked for by the Enhanced General Equipment module; a program has none
        content_description=f"{'PHANTOM, no patient: ' * phantom}outlined by hnseg",
        content_label=_code_string(f"{'PHANTOM_' * phantom}{label}"),
        series_description=f"{'PHANTOM ' * phantom}{label}"[:_LONGEST_LABEL],
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **_geometry(series, slices),
    )
    seg.update(shared)
    _complete(seg, identity, phantom)
    return seg


def _complete(seg: Segmentation, identity: str, phantom: bool) -> None:
    """What highdicom 0.28 draws by chance, pads with a digit, or has no argument for."""
    for item in (*seg.DimensionOrganizationSequence, *seg.DimensionIndexSequence):
        item.DimensionOrganizationUID = generate_uid(entropy_srcs=[identity, "dimensions"])
    needed = -(-int(seg.NumberOfFrames) * int(seg.Rows) * int(seg.Columns) // 8)
    seg.PixelData = seg.PixelData[:needed] + b"\0" * (needed % 2)
    if phantom:
        seg.QualityControlImage = "YES"


def _shown_slices(structures: Masks, count: int) -> list[int]:
    """Slices that show any structure; the first one where none does, because a segmentation needs a frame."""
    shown = np.zeros(count, bool)
    for mask in structures.values():
        shown |= mask.any(axis=(1, 2))
    return [int(index) for index in np.flatnonzero(shown)] or [0]


def _pixels(structures: Masks, slices: list[int]) -> NDArray[Any]:
    """(slices, Y, X) of segment numbers, or, where structures overlap, (slices, Y, X, segments) bool.

    The first is smaller by the number of structures, which are thirty on a whole scan.
    """
    shape = next(iter(structures.values())).shape[1:]
    labels = np.zeros((len(slices), *shape), np.uint16)
    for number, mask in enumerate(structures.values(), 1):
        part = mask[slices]
        if labels[part].any():
            return np.moveaxis(np.stack([mask[slices] for mask in structures.values()]), 0, -1)  # a view: planes whole
        labels[part] = number
    return labels


def _geometry(series: Series, slices: list[int]) -> dict[str, Any]:
    dz, dy, dx = series.grid.spacing_mm
    positions = positions_lps_mm(series)
    direction = np.concatenate([series.grid.direction[:, 2], series.grid.direction[:, 1]])
    return {
        "plane_positions": [PlanePositionSequence("PATIENT", image_position=positions[index]) for index in slices],
        "plane_orientation": PlaneOrientationSequence("PATIENT", image_orientation=direction.tolist()),
        "pixel_measures": PixelMeasuresSequence((dy, dx), slice_thickness=dz, spacing_between_slices=dz),
    }


def _description(number: int, name: str, rgb: Rgb) -> SegmentDescription:
    code = segment_code(name)
    description = SegmentDescription(
        segment_number=number,
        segment_label=name,
        segmented_property_category=_coded(code.category),
        segmented_property_type=_coded(code.property_type),
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name="hnseg", family=codes.DCM.ArtificialIntelligence, version=hnseg.__version__
        ),
        anatomic_regions=None if code.region is None else [_coded(code.region)],
        display_color=CIELabColor.from_rgb(*rgb),
    )
    if code.side is not None:
        # highdicom 0.28 has no argument for it; PS3.3 section C.8.20.4 nests it in the type
        coded_type = description.SegmentedPropertyTypeCodeSequence[0]
        coded_type.SegmentedPropertyTypeModifierCodeSequence = [_coded(code.side)]
    return description


def _coded(concept: Concept) -> CodedConcept:
    return CodedConcept(concept.value, concept.scheme, concept.meaning)


def _identity(structures: Masks, series: Series, label: str, phantom: bool) -> str:
    """A digest of everything that the object says, for its UIDs."""
    digest = hashlib.sha256(repr((hnseg.__version__, label, phantom, series.grid.to_dict())).encode())
    for file in series.files:
        digest.update(file.sop_uid.encode() + b"\0")
    for name, mask in structures.items():
        digest.update(name.encode() + b"\0" + np.packbits(mask).tobytes())
    return digest.hexdigest()


def _code_string(text: str) -> str:
    """At most 16 of capital letters, digits and underscores, PS3.5 section 6.2."""
    return re.sub(r"[^A-Z0-9_]", "_", text.upper())[:16]
