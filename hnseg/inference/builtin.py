"""Methods without weights, chosen by name where others name a checkpoint; so a fresh clone can outline a patient."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import hnseg
from hnseg.clicks import ClickChannels, PointEncoding
from hnseg.inference.checkpoint import Checkpoint, load_checkpoint
from hnseg.inference.find import Spec, find_checkpoints
from hnseg.inference.settings import InferenceSettings
from hnseg.labels import LabelSet
from hnseg.prepare.intensity import Normalization
from hnseg.prepare.recipe import Recipe

BUILTIN = ("pet_threshold",)
SPACING_MM = 2.0
"""Voxels of a PET are 2 to 5 mm wide."""


def load_checkpoints(spec: Spec, trust: Sequence[str] = ()) -> list[Checkpoint]:
    """What a user wrote after ``checkpoint=``: names of `BUILTIN`, and whatever `find_checkpoints` takes.

    A run folder of such a name is written ``./pet_threshold``.

    Raises:
        ValueError: nothing was found for one of them, or it is no checkpoint of hnseg.
    """
    named = [spec] if isinstance(spec, str | Path) else list(spec)
    built = [builtin(str(name)) for name in dict.fromkeys(named) if str(name) in BUILTIN]
    others: list[str | Path] = [place for place in named if str(place) not in BUILTIN]
    if built and not others:
        return built
    return built + [load_checkpoint(path, trust) for path in find_checkpoints(others)]


def builtin(name: str) -> Checkpoint:
    """The checkpoint of a method without weights.

    ``pet_threshold``: of PET alone, the whole image at 2 mm; the hot region round each click, cut off by negative ones,
    and nothing without a click. See `hnseg.models.PetThreshold` for the rule and its source.
    """
    assert name in BUILTIN, name
    labels, spacing_mm = LabelSet(("GTV",)), (SPACING_MM, SPACING_MM, SPACING_MM)
    clicks = ClickChannels(
        PointEncoding(), structures=1, negatives=1, channels=2, spatial_dims=3, simulate="robot", most=1
    )
    return Checkpoint(
        path=Path(name),
        net={
            "_target_": "hnseg.models.PetThreshold",
            "in_channels": 1 + clicks.channels,
            "out_channels": labels.channels,
            "click_channels": clicks.channels,
            "structures": clicks.structures,
            "modalities": ["pt"],
            "spacing_mm": spacing_mm,
        },
        state_dict={},
        labels=labels,
        recipe=Recipe(
            modalities=("pt",),
            label_names=labels.names,
            spacing_mm=spacing_mm,
            regions=("image",),
            box_size_mm=None,
        ),
        normalization=Normalization(("pt",), pt={"kind": "raw"}),
        inference=InferenceSettings(None, "whole"),
        threshold=0.5,
        phantom=False,
        config={},
        version=hnseg.__version__,
        clicks=clicks,
    )
