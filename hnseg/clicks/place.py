"""Clicks in the patient, placed on an image of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hnseg.types import Click, Clicks, Grid


def on_grid(clicks: Sequence[Click], grid: Grid, label_names: Sequence[str]) -> Clicks:
    """The clicks in voxels of ``grid``, as fractional indices, in the order given.

    Nothing is moved: a click outside the image stays outside, and whoever asked for it decides what that means.

    Args:
        clicks: LPS positions in mm.
        grid: of the image that they are wanted on.
        label_names: the structures; a click on ``label_names[i]`` gets the value ``i + 1``, a negative one 0.

    Raises:
        ValueError: a click on a structure that is not among ``label_names``.
    """
    if not clicks:
        return Clicks.none(grid.spacing_mm)
    index_zyx = grid.to_index_zyx(np.array([click.lps_mm for click in clicks], float))
    values = np.array([_value(click, label_names) for click in clicks], np.uint8)
    return Clicks(index_zyx, values, grid.spacing_mm)


def _value(click: Click, label_names: Sequence[str]) -> int:
    if click.structure is None:
        return 0
    if click.structure not in label_names:
        raise ValueError(
            f"a click at {click.lps_mm} (LPS, mm) names {click.structure!r}, but there are {list(label_names)}; "
            f"name one of them, or make it a negative click"
        )
    return 1 + list(label_names).index(click.structure)
