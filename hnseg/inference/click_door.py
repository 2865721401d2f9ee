"""Clicks at the door: what cannot be meant, or would be passed over in silence, is an error that says where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np

from hnseg.clicks import ClickChannels, NoClicks
from hnseg.inference.body_distance import BodyDistance
from hnseg.io.clicks import FileClick
from hnseg.postprocess import Postprocess
from hnseg.types import Click, Grid, Volume

MARGIN_MM = 8.0
"""A click may be so far from the body: 4 mm of a hand's, and 4 mm of the voxels that the body is known in."""
ROUNDING_VOXELS = 1e-6


class ClickDoor:
    """What a patient's clicks have to be to be of use.

    Args:
        case_id: the patient, for messages.
        images: modality to volume, where the body is looked for.
        grid: of the image that the mask is made for.
        names: structures that can be clicked.
    """

    def __init__(self, case_id: str, images: Mapping[str, Volume], grid: Grid, names: Sequence[str]) -> None:
        self.case_id, self.images, self.grid, self.names = case_id, images, grid, tuple(names)

    def refuse_wrong(self, clicks: Sequence[Click]) -> None:
        """Clicks on nothing that is known, outside the image, or outside the body.

        Raises:
            ValueError: the first of them, where it fell (LPS and voxel), and by how much it is outside.
        """
        for number, click in enumerate(clicks, start=1):
            where = self._describe(click, number)
            if click.structure is not None and click.structure not in self.names:
                raise ValueError(f"{where} is on {click.structure!r}, expected one of {list(self.names)}")
            if not np.isfinite(click.lps_mm).all():
                raise ValueError(f"{where} has no place, expected three numbers")
            outside_mm = beyond_mm(click, self.grid)
            if outside_mm > 0:
                raise ValueError(
                    f"{where} lies {outside_mm:.1f} mm outside the image of {' x '.join(map(str, self._shape_xyz))} "
                    "voxels; check its frame (LPS, RAS or voxel) and its patient"
                )
            air_mm = self._body(click.lps_mm)
            if air_mm > MARGIN_MM:
                raise ValueError(
                    f"{where} lies in the air, {air_mm:.0f} mm outside the body; check its frame (LPS, RAS or voxel) "
                    "and its patient"
                )

    def refuse_unseen(self, clicks: Sequence[Click], region: Grid) -> None:
        """Clicks outside the part of the image that networks look at.

        Raises:
            ValueError: the first of them.
        """
        for number, click in enumerate(clicks, start=1):
            outside_mm = beyond_mm(click, region)
            if outside_mm > 0:
                spans = zip("xyz", *region.extent_mm.tolist(), strict=True)
                searched = ", ".join(f"{axis} {low:.1f} to {high:.1f}" for axis, low, high in spans)
                raise ValueError(
                    f"{self._describe(click, number)} lies in the image, but {outside_mm:.1f} mm outside the region "
                    f"that the network searches ({searched} mm in LPS); give a search box round it, or leave it out"
                )

    @cached_property
    def _body(self) -> BodyDistance:
        return BodyDistance(self.images)

    @property
    def _shape_xyz(self) -> tuple[int, ...]:
        return self.grid.shape_zyx[::-1]

    def _describe(self, click: Click, number: int) -> str:
        index_zyx = self.grid.to_index_zyx(np.array(click.lps_mm))
        voxel = ", ".join(f"{value:.1f}" for value in index_zyx[::-1])
        place = ", ".join(f"{value:.1f}" for value in click.lps_mm)
        kind = "negative" if click.structure is None else "positive"
        return f"{self.case_id}: {kind} click {number}, at LPS ({place}) mm, voxel ({voxel}) in x, y, z,"


def beyond_mm(click: Click, grid: Grid) -> float:
    """How far a click is from the nearest edge of a grid's voxels; 0 inside, edges included."""
    index_zyx = grid.to_index_zyx(np.array(click.lps_mm))
    middle = (np.asarray(grid.shape_zyx) - 1) / 2
    beyond = np.abs(index_zyx - middle) - np.asarray(grid.shape_zyx) / 2 - ROUNDING_VOXELS
    return float(np.linalg.norm(np.clip(beyond, 0, None) * grid.spacing_mm))


def refuse_unwanted(
    clicks: Sequence[Click | FileClick], networks: Sequence[ClickChannels | NoClicks], postprocess: Postprocess
) -> None:
    """Clicks that nothing would look at.

    Args:
        clicks: on any patient.
        networks: how each is shown clicks.
        postprocess: what comes behind them.

    Raises:
        ValueError: neither takes clicks, or there are negative ones and a network that takes clicks knows none.
    """
    taking = [network for network in networks if network.channels]
    if clicks and not taking and not postprocess.needs_clicks:
        raise ValueError(
            "clicks were given, but the networks take none and no step of post-processing does; leave them out, choose "
            "postprocess=click_filter, or networks that were trained with clicks (clicks=edt, for example)"
        )
    positive = (click.positive if isinstance(click, FileClick) else click.structure is not None for click in clicks)
    if not all(positive) and not (taking and all(network.negatives for network in taking)):
        raise ValueError(
            "negative clicks were given, but the networks know none, and the click filter looks at positive ones "
            "alone; leave them out, or use networks that were trained with negatives"
        )
