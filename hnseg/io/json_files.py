"""JSON of results, in which some scores are infinite and some are not defined."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hnseg.io.atomic import atomic_path


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write ``content``, whole or not at all; JSON has no numbers for infinity ("inf" is written) and nan (null)."""
    text = json.dumps(_plain(content), indent=2, allow_nan=False) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return None if math.isnan(value) else "inf" if math.isinf(value) else float(value)
    return value
