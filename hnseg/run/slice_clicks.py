"""The clicks that slices are scored with: of one patient the same in every arm of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from hnseg.clicks import ClickChannels, NoClicks, PointEncoding
from hnseg.modules.clicking import whole_case_clicks
from hnseg.prepare import Case
from hnseg.types import Clicks

Stage = Literal["val", "test"]


def kept_slices(label: NDArray[np.uint8], least_pixels: int) -> NDArray[np.int64]:
    """Numbers of the slices of a label map (Z, Y, X) with so many pixels of a structure, in order."""
    return np.flatnonzero(np.count_nonzero(label, axis=(1, 2)) >= least_pixels)


def shown_clicks(case: Case, channels: ClickChannels | NoClicks, stage: Stage, seed: int) -> Clicks:
    """What a network is shown with a whole case, as `train` has it; voxels of the prepared grid (z, y, x).

    Args:
        case: annotated.
        channels: the network's.
        stage: ``val``: drawn as in training; ``test``: one in every component, or none; see `whole_case_clicks`.
        seed: of the run.
    """
    image, label = case.crop((0, 0, 0), case.grid.shape_zyx)
    drawn = {
        "case_id": case.case_id,
        "image": torch.from_numpy(image),
        "target": torch.from_numpy(label),
        "spacing_mm": case.grid.spacing_mm,
    }
    return whole_case_clicks(drawn, channels, stage, seed)


def same_size(stacks: Sequence[NDArray[Any]], fill: float = 0) -> list[NDArray[Any]]:
    """Stacks (n, Y, X) of one Y and X: smaller ones end in ``fill``."""
    size = np.max([stack.shape[1:] for stack in stacks], axis=0)
    margins = [((0, 0), *((0, most - own) for most, own in zip(size, s.shape[1:], strict=True))) for s in stacks]
    return [np.pad(s, margin, constant_values=fill) for s, margin in zip(stacks, margins, strict=True)]


def component_clicks(case: Case, simulate: Literal["centre", "random"], seed: int) -> Clicks:
    """One click a component and slice, as Rainio et al. 2024 have them (section 2.2).

    They are those that a network trained with ``simulate`` and ``most: null`` is tested with, so that a filter and a
    network of one seed are given the same ones.
    """
    structures = len(case.label_names)
    channels = ClickChannels(PointEncoding(), structures, 0, structures, spatial_dims=2, simulate=simulate, most=None)
    return shown_clicks(case, channels, "test", seed)


def clicks_among(clicks: Clicks, kept: Sequence[int] | NDArray[np.int64]) -> Clicks:
    """The clicks in the slices ``kept``, in voxels of a stack of those slices alone.

    Args:
        clicks: (n, 3) indices.
        kept: numbers of slices, in order.
    """
    inside = np.isin(clicks.index[:, 0], kept)
    index = clicks.index[inside].copy()
    index[:, 0] = np.searchsorted(kept, index[:, 0])
    return Clicks(index, clicks.values[inside], clicks.spacing_mm)


def clicks_in_slice(clicks: Clicks, z: int) -> NDArray[np.float64]:
    """(n, 2) indices (y, x) of the clicks in one slice."""
    return np.asarray(clicks.index[clicks.index[:, 0] == z, 1:])
