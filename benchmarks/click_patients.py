"""The phantom patients that clicks are answered on, the networks that answer, and where a user would click."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

import hnseg.models
from hnseg.clicks import ClickChannels, EdtEncoding, PointEncoding
from hnseg.inference import Checkpoint, ClickSession, InferenceSettings, Predictor
from hnseg.labels import LabelSet
from hnseg.phantom import make_patient
from hnseg.phantom.stack import plan_recurrence, stack_grid, stack_mask, stack_pet
from hnseg.prepare.intensity import Normalization
from hnseg.prepare.recipe import Recipe
from hnseg.types import BoxMm, Click, Grid, Prediction, Volume

LABEL = "GTV"
CASE = "patient"


@dataclass(frozen=True)
class Scan:
    """A patient as a session takes it, and where its tumours can be clicked on."""

    images: Mapping[str, Volume]
    box: BoxMm | None
    recipe: Recipe
    clicks: tuple[Click, ...]


@dataclass(frozen=True)
class Asked:
    """A network with random weights on a scan, with clicks on its structure.

    Attributes:
        name: of the network.
        what: it looks at.
    """

    name: str
    what: str
    net: Mapping[str, Any]
    scan: Scan
    channels: ClickChannels
    normalization: Normalization

    @property
    def flat(self) -> bool:
        return self.normalization.spatial_dims == 2

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """The threshold is where half of the voxels are above it, so that a click can change some."""
        torch.manual_seed(0)
        arguments = dict(self.net)
        network = getattr(hnseg.models, arguments.pop("_target_").rpartition(".")[2])(**arguments)
        made = Checkpoint(
            path=Path("benchmark.ckpt"),
            net=self.net,
            state_dict=network.state_dict(),
            labels=LabelSet((LABEL,)),
            recipe=self.scan.recipe,
            normalization=self.normalization,
            inference=InferenceSettings(None),
            threshold=0.5,
            phantom=True,
            config={},
            version="",
            clicks=self.channels,
        )
        predictor = Predictor([made])
        prepared = predictor.patient_of(self.scan.images, CASE, self.scan.box).prepared(self.scan.recipe).scene.image
        middle = tuple(slice(max(0, n // 2 - 32), n // 2 + 32) for n in prepared.shape[1:])
        return replace(made, threshold=float(predictor.predict_prepared(prepared[:, *middle]).median()))

    def session(self) -> ClickSession:
        """With the answer without clicks."""
        return ClickSession(Predictor([self.checkpoint]), self.scan.images, CASE, self.scan.box)

    def cold(self, *clicks: Click) -> Prediction:
        """What a prediction from the start gives for the same clicks."""
        return Predictor([self.checkpoint]).predict(self.scan.images, CASE, self.scan.box, clicks=clicks)


def turku(coarse: float, pixels: int) -> Asked:
    """The small U-Net, shown slices of the Turku phantom's first patient; each click is on another slice."""
    plan = plan_recurrence(0, 0, CASE, healthy=False)
    grid = stack_grid(plan, coarse)
    tumours = ((z, np.argwhere(plane)) for z, plane in enumerate(stack_mask(plan, grid).array) if plane.any())
    inside = np.array([(z, *pixels_yx[len(pixels_yx) // 2]) for z, pixels_yx in tumours])
    recipe = Recipe(
        ("pt",), (LABEL,), regions=("rainio2024",), box_size_mm=None, allow_empty=True, slice_size_yx=(pixels, pixels)
    )
    return Asked(
        "TurkuUNet, 16 filters",
        f"slice of {pixels}^2; scan of {_by(grid.shape_zyx)}",
        {"_target_": "hnseg.models.TurkuUNet", "in_channels": 2, "out_channels": 1, "filters": 16},
        Scan({"pt": stack_pet(plan, grid)}, None, recipe, _clicks(grid, inside)),
        ClickChannels(PointEncoding(), 1, 0, 1, 2, "centre", None),
        Normalization(("pt",), 2, pt={"kind": "minmax"}),
    )


def pet_ct(filters: int, spacing_mm: float) -> Asked:
    """The SE-Norm U-Net on the box of a HECKTOR patient; clicks lie all over the primary tumour."""
    patient = make_patient(1, 0, "CHUS", (2 * spacing_mm,) * 3)
    inside = np.argwhere(patient.gtvp.array)
    inside = inside[:: 1 + len(inside) // 30]
    recipe = Recipe(("ct", "pt"), (LABEL,), (spacing_mm,) * 3, ("published",))
    return Asked(
        f"SENormUNet, {filters} filters",
        f"volume of {round(144 / spacing_mm)}^3; CT of {_by(patient.ct_grid.shape_zyx)}",
        {"_target_": "hnseg.models.SENormUNet", "in_channels": 4, "out_channels": 1, "filters": filters},
        Scan({"ct": patient.ct, "pt": patient.pet}, patient.box, recipe, _clicks(patient.ct_grid, inside)),
        ClickChannels(EdtEncoding(40.0), 1, 1, 2, 3, "random", 10),
        Normalization(("ct", "pt")),
    )


def _clicks(grid: Grid, voxels: np.ndarray) -> tuple[Click, ...]:
    return tuple(Click((float(x), float(y), float(z)), LABEL) for x, y, z in grid.to_lps_mm(voxels))


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape[::-1]))
