"""Tables of features as every step expects them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_RELATIVE = 1e-10


def numbers_of(features: pd.DataFrame) -> pd.DataFrame:
    """The table as floats; NaN is unknown.

    Raises:
        ValueError: a column that is there twice, that is not numeric, or that holds an infinite value.
    """
    if features.columns.has_duplicates:
        raise ValueError(f"feature {features.columns[features.columns.duplicated()][0]!r} is there twice; keep one")
    for name, kind in features.dtypes.items():
        if kind.kind not in "fiub":
            raise ValueError(f"feature {name!r} holds {kind}, expected numbers; encode it first")
    table = features.astype(np.float64)
    infinite = np.isinf(table.to_numpy())
    if infinite.any():
        row, column = np.argwhere(infinite)[0]
        raise ValueError(
            f"feature {table.columns[column]!r} of patient {table.index[row]} is infinite; leave it empty if unknown"
        )
    return table


def spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(columns,) standard deviation (over n) of what is known of (n, columns); 0 where only rounding varies."""
    sd, size = np.nanstd(values, axis=0), np.nanmax(np.abs(values), axis=0)
    return np.where(sd > _RELATIVE * size, sd, 0.0)
