"""A trained checkpoint gets another post-processing; everything else in the file stays as it was."""

from __future__ import annotations

from pathlib import Path

import torch

from hnseg.inference.checkpoint import FORMAT
from hnseg.inference.data_only import load_as_data
from hnseg.io import atomic_path
from hnseg.postprocess import Postprocess


def rewrite_postprocess(path: Path, chain: Postprocess) -> None:
    """Let the checkpoint ``path`` carry ``chain`` in place of what it carried; whole or not at all.

    Weights, optimiser and the place within training stay, so that a run can still be resumed from it. A file that
    carries the chain already is not touched.

    Raises:
        ValueError: the file is not there, is damaged, or is not a checkpoint of hnseg.
        DiskFullError: no room for the new file; the old one is unchanged.
    """
    content = load_as_data(path)
    entry = content.get("hnseg")
    if not isinstance(entry, dict):
        raise ValueError(f"{path} is not a checkpoint of hnseg: it has no 'hnseg'; give one that hnseg train wrote")
    wanted = chain.to_dict()
    if entry.get("postprocess", {}) == wanted:
        return
    with atomic_path(path) as temporary:
        torch.save({**content, "hnseg": {**entry, "format": FORMAT, "postprocess": wanted}}, temporary)
