"""Segmentations as pydicom data sets, made and unpacked by hand: nothing of highdicom or hnseg's own reader."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, RLELossless, generate_uid

from hnseg.io.dicom.objects import Series
from hnseg.types import Grid
from tests.io.dicom.making import FRAME_UID, PATIENT, ds, override, write, write_series

BINARY_CLASS, LABELMAP_CLASS = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7"
AXIAL = np.array([[0.0, 0, 1], [0, 1, 0], [1, 0, 0]])


def make_series(folder: Path, grid: Grid, **options: Any) -> Series:
    """Empty CT slices on a grid, as files, and the series that they are."""
    headers = write_series(folder, np.zeros(grid.shape_zyx), grid, **options)
    return Series("ct", headers, grid, np.zeros((len(headers), 2)))


def seg_dataset(
    frames: np.ndarray,
    numbers: Sequence[int],
    grid: Grid,
    slices: Sequence[int],
    *,
    kind: str = "BINARY",
    labels: Sequence[str] = ("one", "two", "three"),
    bits: int = 1,
    most: int = 255,
    measures: Mapping[str, Any] | None = None,
    positions: np.ndarray | None = None,
) -> Dataset:
    """Frame ``i`` (rows, columns) shows segment ``numbers[i]`` in slice ``slices[i]`` of ``grid``.

    Slice Thickness and Spacing Between Slices are those of the grid unless ``measures`` says otherwise (None: absent).
    """
    dataset = Dataset()
    dataset.SOPClassUID = LABELMAP_CLASS if kind == "LABELMAP" else BINARY_CLASS
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID = generate_uid(), generate_uid()
    dataset.StudyInstanceUID, dataset.FrameOfReferenceUID = generate_uid(), FRAME_UID
    dataset.Modality, dataset.PatientName, dataset.PatientID = "SEG", PATIENT.name, PATIENT.patient_id
    dataset.SegmentationType, dataset.NumberOfFrames = kind, len(frames)
    if kind == "FRACTIONAL":
        dataset.SegmentationFractionalType, dataset.MaximumFractionalValue = "PROBABILITY", most
    if kind == "LABELMAP":
        dataset.PixelPaddingValue = 0
    dataset.Rows, dataset.Columns = frames.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
    dataset.SegmentSequence = [segment_item(number, label) for number, label in enumerate(labels, 1)]
    dataset.SharedFunctionalGroupsSequence = [shared_groups(grid, measures or {})]
    where = grid.to_lps_mm(np.array([[i, 0, 0] for i in slices])) if positions is None else positions
    dataset.PerFrameFunctionalGroupsSequence = [
        frame_groups(position, None if kind == "LABELMAP" else number)
        for position, number in zip(where, numbers, strict=True)
    ]
    dataset.PixelData = packed(frames, bits)
    dataset["PixelData"].VR = "OB" if bits <= 8 else "OW"
    return dataset


def segment_item(number: int, label: str, code: tuple[str, str] = ("85756007", "Tissue"), side: str = "") -> Dataset:
    item = Dataset()
    item.SegmentNumber, item.SegmentLabel, item.SegmentAlgorithmType = number, label, "MANUAL"
    item.SegmentedPropertyCategoryCodeSequence = [code_item("85756007", "Tissue")]
    item.SegmentedPropertyTypeCodeSequence = [code_item(*code)]
    if side:
        modifier = code_item({"Left": "7771000", "Right": "24028007"}[side], side)
        item.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [modifier]
    return item


def code_item(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def shared_groups(grid: Grid, measures: Mapping[str, Any]) -> Dataset:
    group, orientation, pixels = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = [ds(v) for v in (*grid.direction[:, 2], *grid.direction[:, 1])]
    pixels.PixelSpacing = [ds(v) for v in grid.spacing_mm[1:]]
    pixels.SliceThickness = pixels.SpacingBetweenSlices = ds(grid.spacing_mm[0])
    override(pixels, measures)
    group.PlaneOrientationSequence, group.PixelMeasuresSequence = [orientation], [pixels]
    return group


def frame_groups(position: np.ndarray, number: int | None) -> Dataset:
    group, place = Dataset(), Dataset()
    place.ImagePositionPatient = [ds(v) for v in position]
    group.PlanePositionSequence = [place]
    if number is not None:
        identification = Dataset()
        identification.ReferencedSegmentNumber = number
        group.SegmentIdentificationSequence = [identification]
    return group


def packed(frames: np.ndarray, bits: int) -> bytes:
    """Little endian, bit-packed across frames for 1 bit (PS3.5 section 8.1.1), padded to an even length."""
    if bits == 1:
        data = np.packbits(frames.astype(bool).ravel(), bitorder="little").tobytes()
    else:
        data = frames.astype(f"<u{bits // 8}").tobytes()
    return data + b"\0" * (len(data) % 2)


def save(dataset: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian) -> Path:
    if syntax == RLELossless:
        # not GDCM's encoder, which aborts on frames of an odd number of bytes
        write(dataset, path)
        dataset.compress(syntax, encoding_plugin="pydicom", generate_instance_uid=False)
        dataset.save_as(path, enforce_file_format=True)
    elif syntax == DeflatedExplicitVRLittleEndian:  # the whole data set, which is no compression of pixels
        write(dataset, path)
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.save_as(path, enforce_file_format=True)
    else:
        write(dataset, path, syntax)
    return path


def marked_lps_mm(path: Path) -> dict[str, np.ndarray]:
    """A second reader of BINARY segmentations: segment label to the positions (n, 3) of its voxels, LPS mm, sorted."""
    dataset = pydicom.dcmread(path)
    rows, columns, count = dataset.Rows, dataset.Columns, int(dataset.NumberOfFrames)
    bits = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")[: count * rows * columns]
    shared = dataset.SharedFunctionalGroupsSequence[0]
    along, down = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float).reshape(2, 3)
    between_rows, between_columns = (float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing)
    points: dict[int, list[np.ndarray]] = {int(item.SegmentNumber): [] for item in dataset.SegmentSequence}
    for frame, group in zip(bits.reshape(count, rows, columns), dataset.PerFrameFunctionalGroupsSequence, strict=True):
        held = group if "SegmentIdentificationSequence" in group else shared
        number = int(held.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        corner = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
        row, column = np.nonzero(frame)
        points[number].append(corner + np.outer(row * between_rows, down) + np.outer(column * between_columns, along))
    names = {int(item.SegmentNumber): str(item.SegmentLabel) for item in dataset.SegmentSequence}
    return {names[number]: in_order(np.concatenate([np.zeros((0, 3)), *found])) for number, found in points.items()}


def in_order(points: np.ndarray) -> np.ndarray:
    """Points in an order that rounding does not change."""
    return points[np.lexsort(np.round(points, 3).T)]
