"""From intensities to grey levels, and which voxels of a mask count.

IBSI: fixed bin width starts at the lower bound of the resegmentation range. Here, as in pyradiomics, bins lie at
multiples of the width and the level of the smallest value in the mask is 1; so levels are shifted against the IBSI's
where the lowest bin of its range is empty. A fixed number of bins is the same in both.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hnseg.radiomics.settings import Settings

MOST_SPANNED = 100_000
MOST_PRESENT = 2048
"""Grey levels between the lowest and the highest, and those that occur: co-occurrence matrices are square in them."""


def grey_levels(values: NDArray[np.float64], settings: Settings) -> NDArray[np.int64]:
    """Grey levels from 1 of intensities.

    Args:
        values: (voxels,) in the image's unit, finite.
        settings: ``bin_width`` or ``bin_count``.

    Raises:
        ValueError: there would be far too many levels.
    """
    edges = _edges(float(values.min()), float(values.max()), settings)
    levels = np.searchsorted(edges, values, side="right")
    if (present := len(np.unique(levels))) > MOST_PRESENT:
        raise _too_many(present, settings)
    return levels


def resegmented(values: NDArray[np.float64], settings: Settings) -> NDArray[np.bool_]:
    """(voxels,): which of them count for everything but shape."""
    kept = np.ones(len(values), bool)
    if settings.resegment_range is not None:
        low, high = settings.resegment_range
        kept &= (values >= low) & (values <= high)
    if settings.resegment_sigma is not None and kept.any():
        mean, reach = values[kept].mean(), settings.resegment_sigma * values[kept].std()
        kept &= (values >= mean - reach) & (values <= mean + reach)
    return kept


def _edges(low: float, high: float, settings: Settings) -> NDArray[np.float64]:
    """Lower edges of the bins."""
    if settings.bin_count is not None:
        if settings.bin_count > MOST_SPANNED:
            raise _too_many(settings.bin_count, settings)
        # numpy puts a flat region in the middle of bins from half below to half above it
        return np.histogram_bin_edges(np.array([low, high]), int(settings.bin_count))[:-1]
    assert settings.bin_width is not None
    if (spanned := (high - low) / settings.bin_width) > MOST_SPANNED:
        raise _too_many(math.ceil(spanned), settings)
    return np.arange(low - low % settings.bin_width, high + 2 * settings.bin_width, settings.bin_width)


def _too_many(levels: int, settings: Settings) -> ValueError:
    how = f"bin_width {settings.bin_width:g}" if settings.bin_width else f"bin_count {settings.bin_count}"
    return ValueError(f"{how} makes {levels} grey levels inside the mask; use fewer, some 10 to 100 are usual")
