"""A trained checkpoint gets another post-processing or threshold; everything else in the file stays as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from hnseg.inference.checkpoint import FORMAT
from hnseg.inference.data_only import load_as_data
from hnseg.io import atomic_path
from hnseg.postprocess import Postprocess


def rewrite_postprocess(path: Path, chain: Postprocess) -> None:
    """Let the checkpoint ``path`` carry ``chain`` in place of what it carried; see `_rewrite`."""
    _rewrite(path, "postprocess", chain.to_dict(), absent={})


def rewrite_threshold(path: Path, threshold: float) -> None:
    """Let the checkpoint ``path`` carry ``threshold``, above which a structure is; see `_rewrite`."""
    assert 0 <= threshold <= 1, f"{threshold} would not be read again"
    _rewrite(path, "threshold", float(threshold), absent=None)


def _rewrite(path: Path, key: str, wanted: Any, absent: Any) -> None:
    """Put ``wanted`` under ``key`` of what the checkpoint says of itself; whole or not at all.

    Weights, optimiser and the place within training stay, so that a run can still be resumed from it. A file that
    says so already (``absent`` is what one without the key means) is not touched.

    Raises:
        ValueError: the file is not there, is damaged, or is not a checkpoint of hnseg.
        DiskFullError: no room for the new file; the old one is unchanged.
    """
    content = load_as_data(path)
    entry = content.get("hnseg")
    if not isinstance(entry, dict):
        raise ValueError(f"{path} is not a checkpoint of hnseg: it has no 'hnseg'; give one that hnseg train wrote")
    if entry.get(key, absent) == wanted:
        return
    with atomic_path(path) as temporary:
        torch.save({**content, "hnseg": {**entry, "format": FORMAT, key: wanted}}, temporary)
