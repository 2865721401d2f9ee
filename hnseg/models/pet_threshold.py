"""A method without weights that answers clicks on a PET: the baseline of everything that was trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from hnseg.models.blocks import check_spatial_dims
from hnseg.models.hot_region import Method, check_settings, hot_regions
from hnseg.types import Clicks

SURE = 10.0
"""Logit of an outlined voxel, and below 0 of any other: there are no doubts."""


class PetThreshold(nn.Module):
    """The hot region round each click, by :func:`hnseg.models.hot_region.hot_region`, in the place of a network.

    What clinics do today: a share of SUVmax (41 %: Boellaard et al. 2015, doi:10.1007/s00259-014-2961-x), a fixed SUV,
    or a random walk. Nothing is learned.

    Forward: image (B, modalities + click_channels, *s), the PET in SUV (normalization=raw) right before the clicks, to
    logits (B, out_channels, *s) of ±10, float32. Raises ValueError for another number of channels or axes.

    Args:
        in_channels: modalities and clicks.
        out_channels: one a structure, and one for the background before them with softmax.
        click_channels: one a structure and at most one more, for negative clicks; a click is where a channel is 1, as
            clicks=point has it.
        structures: how many.
        modalities: of the image; the PET (``pt``) is the last.
        spacing_mm: of the image's axes; a 2-D one takes the last two. Where patients differ (``data=turku``) it is the
            data set's nominal one, so that the two lengths in mm are nominal, too.
        method, share, pet_suv, reach_mm, snap_mm: as of `hot_region`, ``pet_suv`` being the fixed SUV.
        spatial_dims: 2 or 3.
        filters: none, whatever is said; every network can be asked for its width.
    """

    divisor: ClassVar[int] = 1
    click_encodings: ClassVar[tuple[str, ...]] = ("PointEncoding", "GaussianEncoding", "EdtEncoding")
    """Those that are 1 in one voxel a click; a disk would be as many clicks as it has voxels."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        click_channels: int,
        structures: int,
        modalities: Sequence[str],
        spacing_mm: Sequence[float],
        method: Method = "share",
        share: float = 0.41,
        pet_suv: float = 2.5,
        reach_mm: float = 30.0,
        snap_mm: float = 5.0,
        spatial_dims: int = 3,
        filters: int | None = None,  # noqa: ARG002
    ) -> None:
        super().__init__()
        check_spatial_dims(spatial_dims)
        check_settings(method, share, pet_suv, reach_mm, snap_mm)
        if list(modalities)[-1:] != ["pt"]:
            raise ValueError(
                f"PetThreshold outlines what is hot in a PET, but the images are {list(modalities)}; give it data "
                "whose last modality is pt"
            )
        if click_channels not in (structures, structures + 1):
            raise ValueError(
                f"PetThreshold outlines what is clicked on, but it gets {click_channels} click channels for "
                f"{structures} structures; add clicks=point"
            )
        if in_channels != len(modalities) + click_channels or out_channels not in (structures, structures + 1):
            raise ValueError(
                f"PetThreshold gets {in_channels} channels of {list(modalities)} and {click_channels} for clicks, to "
                f"give {out_channels} for {structures} structures; it takes a channel a modality, and gives a channel "
                "a structure and at most one for the background"
            )
        self.in_channels, self.out_channels, self.click_channels = in_channels, out_channels, click_channels
        self.structures, self.spatial_dims = structures, spatial_dims
        self.spacing_mm = tuple(float(step) for step in spacing_mm)[-spatial_dims:]
        self._how = {
            "method": method,
            "share": share,
            "fixed_suv": pet_suv,
            "reach_mm": reach_mm,
            "snap_mm": snap_mm,
        }

    def forward(self, image: Tensor) -> Tensor:
        if image.shape[1] != self.in_channels or image.ndim != 2 + self.spatial_dims:
            raise ValueError(
                f"PetThreshold with {self.in_channels} channels and spatial_dims={self.spatial_dims} got an image of "
                f"shape {tuple(image.shape)}"
            )
        channels = image.detach().float().cpu().numpy()
        pet_suv, clicks = channels[:, -self.click_channels - 1], channels[:, -self.click_channels :]
        labels = [hot_regions(one, self._clicks(made), **self._how) for one, made in zip(pet_suv, clicks, strict=True)]
        label = torch.from_numpy(np.stack(labels)).to(image.device)
        first = self.structures + 1 - self.out_channels
        answer = torch.stack([label == value for value in range(first, self.structures + 1)], dim=1)
        return torch.where(answer, SURE, -SURE).float()

    def _clicks(self, channels: np.ndarray) -> Clicks:
        """The clicks that channels (click_channels, *s) show; behind those of structures come negative ones."""
        index = np.argwhere(channels >= 1)
        values = (index[:, 0] + 1) % (self.structures + 1)
        return Clicks(index[:, 1:].astype(float), values.astype(np.uint8), self.spacing_mm)
