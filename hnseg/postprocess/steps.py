"""What a step of post-processing is: one that refines probabilities, or one that cleans the mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeGuard

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hnseg.labels import LabelSet
from hnseg.types import Clicks


@dataclass(frozen=True, eq=False)
class Scene:
    """What a step may look at beside the network's answer, all on the prepared grid.

    Attributes:
        image: (C, Z, Y, X), not normalised: CT in HU, PET in SUV.
        modalities: what each channel is, ``ct`` or ``pt``.
        spacing_mm: distance between voxel centres, (z, y, x).
    """

    image: Tensor
    modalities: tuple[str, ...]
    spacing_mm: tuple[float, float, float]

    def __post_init__(self) -> None:
        assert self.image.ndim == 4, f"image {tuple(self.image.shape)}, expected (C, Z, Y, X)"
        assert len(self.modalities) == len(self.image), f"{self.modalities} for {len(self.image)} channels"


class RefiningStep(Protocol):
    """Changes probabilities (channels, Z, Y, X), float32, into others of the same shape, with the images in view."""

    def refine(self, probabilities: Tensor, scene: Scene, labels: LabelSet) -> Tensor: ...


class CleaningStep(Protocol):
    """Changes a uint8 label map (Z, Y, X) into another of the same shape."""

    def clean(
        self, mask: NDArray[np.uint8], spacing_mm: tuple[float, float, float], labels: LabelSet
    ) -> NDArray[np.uint8]: ...


class ClickedStep(Protocol):
    """A cleaning step that looks at clicks, in voxels of the mask; None where nobody was asked for any.

    ``slice_axis`` is the array axis along which axial slices follow each other. It says ``needs_clicks = True``.
    """

    needs_clicks: bool

    def clean(
        self,
        mask: NDArray[np.uint8],
        spacing_mm: tuple[float, float, float],
        labels: LabelSet,
        clicks: Clicks | None = None,
        slice_axis: int = 0,
    ) -> NDArray[np.uint8]: ...


def refines(step: object) -> TypeGuard[RefiningStep]:
    """Whether it works on probabilities."""
    return hasattr(step, "refine")


def cleans(step: object) -> TypeGuard[CleaningStep]:
    """Whether it works on the mask."""
    return hasattr(step, "clean")


def needs_clicks(step: object) -> TypeGuard[ClickedStep]:
    """Whether it cleans, and looks at clicks for that."""
    return getattr(step, "needs_clicks", False) is True
