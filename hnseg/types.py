"""The nouns of hnseg: their keys, shapes, units and axis order, once and for all.

Conventions used everywhere:

* Arrays are indexed ``(z, y, x)``; a channel axis, where there is one, comes first: ``(C, Z, Y, X)``.
* Whatever belongs to array axes (``shape_zyx``, ``spacing_mm``, ``index_zyx``) is in that same z, y, x order.
* World positions (``origin_mm``, ``*_lps_mm``) are in millimetres in the patient's LPS frame (x to the left,
  y to posterior, z to superior), in x, y, z order, as DICOM and SimpleITK have them.
* CT is in Hounsfield units (``ct_hu``), PET in body-weight SUV (``pet_suv``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

AXIAL_DIRECTION: NDArray[np.float64] = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
"""Direction of an unrotated scan: array axis 0 (z) to superior, axis 1 (y) to posterior, axis 2 (x) to the left."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the voxels of an image lie in the patient.

    Attributes:
        shape_zyx: number of voxels along each array axis.
        spacing_mm: distance between voxel centres along each array axis, (z, y, x).
        origin_mm: LPS position (x, y, z) of the centre of voxel (0, 0, 0).
        direction: (3, 3); column ``a`` is the LPS unit vector along which array axis ``a`` runs.
    """

    shape_zyx: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: NDArray[np.float64] = field(default_factory=lambda: AXIAL_DIRECTION.copy())

    @property
    def affine(self) -> NDArray[np.float64]:
        """(4, 4) matrix that takes a homogeneous (z, y, x, 1) index to a homogeneous LPS position in mm."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.direction * np.asarray(self.spacing_mm)
        matrix[:3, 3] = self.origin_mm
        return matrix

    @property
    def voxel_volume_mm3(self) -> float:
        return float(np.prod(self.spacing_mm))

    @property
    def extent_mm(self) -> NDArray[np.float64]:
        """(2, 3): lowest and highest LPS coordinate (x, y, z) that any voxel, edges included, reaches."""
        corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in self.shape_zyx], indexing="ij")).reshape(3, -1).T
        world = self.to_lps_mm(corners)
        return np.stack([world.min(axis=0), world.max(axis=0)])

    def to_lps_mm(self, index_zyx: NDArray[Any]) -> NDArray[np.float64]:
        """Indices ``(..., 3)`` in z, y, x to LPS positions ``(..., 3)`` in x, y, z."""
        lps_mm: NDArray[np.float64] = np.asarray(index_zyx, float) @ self.affine[:3, :3].T + np.asarray(self.origin_mm)
        return lps_mm

    def to_index_zyx(self, position_lps_mm: NDArray[Any]) -> NDArray[np.float64]:
        """LPS positions ``(..., 3)`` in x, y, z to (fractional) indices ``(..., 3)`` in z, y, x."""
        offset = np.asarray(position_lps_mm, float) - np.asarray(self.origin_mm)
        index_zyx: NDArray[np.float64] = offset @ np.linalg.inv(self.affine[:3, :3]).T
        return index_zyx

    def matches(self, other: Grid, tolerance_mm: float = 0.01) -> bool:
        """Whether both grids have the same shape and no corner voxel is further apart than ``tolerance_mm``."""
        if self.shape_zyx != other.shape_zyx:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape_zyx], indexing="ij")).reshape(3, -1).T
        return bool(np.abs(self.to_lps_mm(corners) - other.to_lps_mm(corners)).max() <= tolerance_mm)

    def crop(self, start_zyx: tuple[int, int, int], shape_zyx: tuple[int, int, int]) -> Grid:
        """The grid of ``array[start : start + shape]``; ``start`` may be negative (padding)."""
        origin = tuple(float(v) for v in self.to_lps_mm(np.asarray(start_zyx)))
        return Grid(shape_zyx, self.spacing_mm, origin, self.direction)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, ready for JSON and for a checkpoint."""
        return {
            "shape_zyx": list(self.shape_zyx),
            "spacing_mm": list(self.spacing_mm),
            "origin_mm": list(self.origin_mm),
            "direction": np.asarray(self.direction).tolist(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Grid:
        return cls(
            tuple(int(n) for n in plain["shape_zyx"]),  # type: ignore[arg-type]
            tuple(float(v) for v in plain["spacing_mm"]),  # type: ignore[arg-type]
            tuple(float(v) for v in plain["origin_mm"]),  # type: ignore[arg-type]
            np.asarray(plain["direction"], float),
        )


@dataclass(frozen=True, eq=False)
class Volume:
    """An image and where it lies: ``array`` has the axes (z, y, x) of ``grid``."""

    array: NDArray[Any]
    grid: Grid

    def __post_init__(self) -> None:
        assert self.array.shape == self.grid.shape_zyx, f"array {self.array.shape} on a grid {self.grid.shape_zyx}"

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        return self.grid.spacing_mm

    @property
    def origin_mm(self) -> tuple[float, float, float]:
        return self.grid.origin_mm

    @property
    def direction(self) -> NDArray[np.float64]:
        return self.grid.direction


@dataclass(frozen=True)
class BoxMm:
    """An axis-aligned box in the patient: LPS corners (x, y, z) in mm, voxel edges included."""

    low_mm: tuple[float, float, float]
    high_mm: tuple[float, float, float]
    source: str = "given"
    """Where it came from, for messages and reports: ``given`` (a CSV), ``brain`` (derived from the PET), ``body`` and
    ``head_neck`` (found on the CT), ``jain2020`` (the authors' voxels), ``image`` (everything)."""


@dataclass(frozen=True)
class Study:
    """One raw patient: files as the user has them, nothing read yet.

    Attributes:
        case_id: the patient's name in every table; ``[A-Za-z0-9._-]+``.
        images: modality (``ct``, ``pt``) to image file, in channel order.
        masks: structure name to (mask file, value in it that means this structure); a structure that is
            not a key is *not annotated*, never *absent*.
        centre: hospital code, empty where unknown.
        box: published bounding box, if any.
        part: ``train``, ``val`` or ``test`` as the data set itself has it; a test study may have no masks.
        phantom: whether the files are hnseg's phantom (travels into every table and figure).
        patient: who it is, where one patient may have several studies; empty: nobody else.
        origin: stands for what the images were made of, where these files do not outlast the work; else empty.
    """

    case_id: str
    images: Mapping[str, Path]
    masks: Mapping[str, tuple[Path, int]] = field(default_factory=dict)
    centre: str = ""
    box: BoxMm | None = None
    part: str = "train"
    phantom: bool = False
    patient: str = ""
    origin: str = ""


@dataclass(frozen=True)
class TrainingCounts:
    """How often each structure occurs among the training patients: what class weights and weighted mixup ask for.

    Attributes:
        structures: the label names.
        patients: how many train.
        annotated: patients in whom somebody looked for each structure.
        complete: patients in whom somebody looked for all of them.
        shown: samples that show each structure: slices for a 2-D view, patients for a 3-D one.
    """

    structures: tuple[str, ...]
    patients: int
    annotated: tuple[int, ...]
    complete: int
    shown: tuple[int, ...]


@dataclass(frozen=True)
class Click:
    """A click in the patient, whatever image it was made on.

    Attributes:
        lps_mm: where, (x, y, z).
        structure: what is there; None: nothing that is looked for (a negative click).
    """

    lps_mm: tuple[float, float, float]
    structure: str | None


@dataclass(frozen=True, eq=False)
class Clicks:
    """Clicks on one image of d axes, in its voxels.

    Attributes:
        index: (n, d) float, voxel indices along the array axes: (z, y, x), or (y, x) of a slice.
        values: (n,) uint8: 0 for a negative click, else the label value of the structure that is there.
        spacing_mm: distance between voxel centres along the d axes.
    """

    index: NDArray[np.float64]
    values: NDArray[np.uint8]
    spacing_mm: tuple[float, ...]

    def __post_init__(self) -> None:
        assert self.index.shape == (len(self.values), len(self.spacing_mm)), f"{self.index.shape}, {self.values.shape}"

    def __len__(self) -> int:
        return len(self.values)

    def __add__(self, others: Clicks) -> Clicks:
        assert self.spacing_mm == others.spacing_mm, f"{self.spacing_mm} and {others.spacing_mm}"
        index, values = np.concatenate([self.index, others.index]), np.concatenate([self.values, others.values])
        return Clicks(index, values, self.spacing_mm)

    @classmethod
    def none(cls, spacing_mm: tuple[float, ...]) -> Clicks:
        """No click on an image of so many axes."""
        return cls(np.zeros((0, len(spacing_mm))), np.zeros(0, np.uint8), spacing_mm)


class Batch(TypedDict, total=False):
    """What a network sees in a step.

    Keys:
        image: (B, C, *spatial) float32: the modalities in HU and SUV, and behind them the click channels, if any.
        target: (B, *spatial) uint8 label map; 0 is background, ``i`` is ``label_names[i - 1]``.
        annotated: (B, len(label_names)) bool; False where nobody looked for that structure.
        case_id: list of B strings.
        index: list of B tuples (epoch, position in the epoch), or for whole cases (0, position).
        spacing_mm: (B, spatial axes) float64.
    """

    image: Any
    target: Any
    annotated: Any
    case_id: list[str]
    index: list[tuple[int, int]]
    spacing_mm: Any


@dataclass(frozen=True, eq=False)
class Prediction:
    """A network's answer for one patient.

    Attributes:
        case_id: the patient.
        mask: uint8 label map on the patient's own image grid (0 background, ``i`` is ``label_names[i - 1]``).
        probabilities: structure name to a float32 volume on the same grid, where asked for; of several networks the
            mean, before any post-processing.
        probability_sds: structure name to the standard deviation between several networks, in the same form; it was
            taken on the prepared grid and then interpolated.
        uncertainty: structure name to the mean of that deviation over the outlined voxels, None where there are none;
            empty for one network alone. See :func:`hnseg.inference.uncertainty.uncertainty`.
        notes: what was found or decided on the way (search region, fallback), for the user to read.
    """

    case_id: str
    mask: Volume
    label_names: tuple[str, ...]
    probabilities: Mapping[str, Volume] = field(default_factory=dict)
    probability_sds: Mapping[str, Volume] = field(default_factory=dict)
    uncertainty: Mapping[str, float | None] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
