"""Deep features of a cohort: a table a network, and never a table of two."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from rich.progress import track

from hnseg.inference import Checkpoint, load_checkpoint
from hnseg.inference.feature_maps import LayerMeans
from hnseg.inference.options import Hardware
from hnseg.prepare import Case, Failure
from hnseg.survival.objects import Fold
from hnseg.survival.segmentation import Segmentation, refuse_other_folds

Means = Callable[[], NDArray[np.float64]]


@dataclass(frozen=True)
class Network:
    """Which network, and which of its layers, deep features come from.

    Attributes:
        path: where its checkpoint lay, for the reader: relative to the folder above the segmentation's.
        layer: path of the module.
        sha256: of its weights and of everything else in the checkpoint that decides features; post-processing,
            threshold and the training's own state do not.
    """

    path: str
    layer: str
    sha256: str

    @classmethod
    def of(cls, checkpoint: Checkpoint, layer: str, below: Path | None = None) -> Network:
        """The network of a checkpoint.

        Args:
            checkpoint: as it was read.
            layer: path of the module.
            below: the folder that the path is relative to; None: as it was given.
        """
        path = checkpoint.path if below is None else checkpoint.path.relative_to(below)
        return cls(path.as_posix(), layer, _sha256(checkpoint))

    def refuse_another(self, checkpoint: Checkpoint) -> None:
        """Stop where a checkpoint would give other features than this network gave.

        Raises:
            ValueError: so it is.
        """
        if (found := _sha256(checkpoint)) != self.sha256:
            raise ValueError(
                f"the model was fitted on deep features of the network {self.path} (sha256 {self.sha256[:12]}), and "
                f"{checkpoint.path} is another one ({found[:12]}); features of different networks are different "
                "features: give the network that the model was fitted with"
            )

    def to_plain(self) -> dict[str, Any]:
        """JSON types."""
        return asdict(self)

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Network:
        """What `to_plain` wrote.

        Raises:
            ValueError: it is not such a thing.
        """
        names = {one.name for one in fields(cls)}
        texts = [plain.get(name) for name in ("path", "layer", "sha256")]
        good = all(isinstance(text, str) for text in texts)
        if set(plain) != names or not good or len(plain["sha256"]) != hashlib.sha256().digest_size * 2:
            raise ValueError(f"the network of deep features needs {sorted(names)}; got {sorted(map(str, plain))}")
        return cls(**plain)


@dataclass(frozen=True, eq=False)
class DeepTable:
    """Deep features of patients, all of one network.

    Attributes:
        network: which.
        table: a row a patient, columns ``deep_000`` and on, one a map of the layer.
        failures: patients without features, and why.
    """

    network: Network
    table: pd.DataFrame
    failures: tuple[Failure, ...]


def deep_table(
    checkpoint: Checkpoint,
    cases: Sequence[Case],
    layer: str = "decoder",
    progress: bool = True,
    below: Path | None = None,
    **hardware: Unpack[Hardware],
) -> DeepTable:
    """The average of each map of a layer, for each patient: 144 of them in the published pipeline.

    Bourigault et al. 2022, doi:10.1007/978-3-030-98253-9_18, section 2.1, and the authors' notebook; see
    :class:`hnseg.inference.feature_maps.LayerMeans`. Only images enter, no mask and no outcome.

    Args:
        checkpoint: the network.
        cases: patients prepared with the network's recipe; their names become the index.
        layer: ``bottleneck``, ``decoder``, or the path of a module.
        progress: whether to draw a bar.
        below: see `Network.of`.
        hardware: see `Hardware`.

    Raises:
        ValueError: the network has no such layer, or no patient at all has features.
    """
    means = LayerMeans(checkpoint, layer, **hardware)
    return _table(means, {case.case_id: partial(means.of_case, case) for case in cases}, progress, below)


def deep_by_fold(
    segmentation: Segmentation,
    folds: Sequence[Fold],
    cases: Sequence[Case],
    layer: str = "decoder",
    progress: bool = True,
    trust: Sequence[str] = (),
    **hardware: Unpack[Hardware],
) -> dict[str, DeepTable]:
    """Fold name to the deep features of all patients, those of each fold from the network that saw none of its test.

    Args:
        segmentation: a cross-validation over the same folds.
        folds: outer folds of the survival cohort.
        cases, layer, progress, hardware: as of `deep_table`.
        trust: packages outside hnseg whose networks may be built.

    Raises:
        ValueError: the folds are not those of the segmentation, two of them have the same weights, or as `deep_table`.
    """
    refuse_other_folds(segmentation, folds)
    tables: dict[str, DeepTable] = {}
    for fold in folds:
        checkpoint = load_checkpoint(segmentation.network_for(fold).checkpoint, trust)
        here = Network.of(checkpoint, layer)
        if twins := [name for name, table in tables.items() if table.network.sha256 == here.sha256]:
            raise ValueError(
                f"{segmentation.folder}: the folds {twins[0]} and {fold.name} have the same weights, so that one of "
                "them was trained on patients whom it is to leave out; train the folds again"
            )
        tables[fold.name] = deep_table(checkpoint, cases, layer, progress, segmentation.folder.parent, **hardware)
    return tables


def _table(means: LayerMeans, work: Mapping[str, Means], progress: bool, below: Path | None = None) -> DeepTable:
    rows: dict[str, NDArray[np.float64]] = {}
    failures: list[Failure] = []
    for patient in track(work, description="deep features", disable=not progress):
        try:
            rows[patient] = work[patient]()
        except (ValueError, OSError) as error:
            failures.append(Failure(patient, str(error)))
    if not rows:
        raise ValueError(f"no patient has deep features; {failures[0] if failures else 'there are no patients'}")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=_names(rows.values()))
    return DeepTable(Network.of(means.checkpoint, means.path, below), table, tuple(failures))


def _names(rows: Iterable[NDArray[np.float64]]) -> list[str]:
    return [f"deep_{number:03d}" for number in range(len(next(iter(rows))))]


def _sha256(checkpoint: Checkpoint) -> str:
    """Of the weights by name, and of what the checkpoint says about applying them."""
    applied = {
        "net": checkpoint.net,
        "recipe": checkpoint.recipe.to_dict(),
        "normalization": checkpoint.normalization.to_dict(),
        "inference": checkpoint.inference.to_dict(),
        "clicks": checkpoint.clicks.to_dict(),
    }
    digest = hashlib.sha256(json.dumps(applied, sort_keys=True, default=str).encode())
    for name, weight in sorted(checkpoint.state_dict.items()):
        digest.update(f"{name} {weight.dtype} {tuple(weight.shape)}".encode())
        digest.update(weight.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
