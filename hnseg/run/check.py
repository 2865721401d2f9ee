"""`check`: a report on a data set before any work is done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from hydra.utils import get_class, instantiate
from omegaconf import DictConfig

from hnseg.models.memory import training_bytes
from hnseg.prepare import Recipe, check_studies, format_findings
from hnseg.run.cost import case_sizes_mm
from hnseg.run.resolvers import to_plain
from hnseg.run.validate import validate
from hnseg.types import Study


def main(config: DictConfig) -> int:
    """0; 1 where there are errors."""
    plain = to_plain(config)
    validate(plain, plain["trust"])
    data = instantiate(plain["data"]["module"], _convert_="all")
    found = data.find_studies()
    findings = check_studies(found, data.recipe, workers=data.prepare_workers)
    print(format_findings(findings))
    size = plain["view"]["size_zyx"] or _largest_zyx(found.studies, data.recipe, plain["view"]["multiple_of"])
    print(_memory(plain, size))
    return 1 if any(finding.level == "error" for finding in findings) else 0


def _largest_zyx(studies: Sequence[Study], recipe: Recipe, multiple_of: int) -> list[int]:
    """Voxels of the largest case that keeps its size: those of the whole image, of which a region keeps less."""
    sizes = np.divide(case_sizes_mm(studies, recipe), recipe.spacing_mm)
    largest = sizes[np.prod(sizes, axis=1).argmax()]
    return [int(n) for n in np.ceil(largest / multiple_of) * multiple_of]


def _memory(plain: Mapping[str, Any], size_zyx: Sequence[int]) -> str:
    """What a training step will take on each device."""
    net = dict(plain["model"]["net"])
    build, view = get_class(net.pop("_target_")), plain["view"]
    if not any(True for _ in build(**net).parameters()):
        return f"{build.__name__} is not trained"
    share = max(1, plain["batch_size"] // _devices(plain["trainer"]["devices"]))
    size = size_zyx[-view["spatial_dims"] :]
    autocast = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(str(plain["trainer"]["precision"]))
    gib = training_bytes(lambda: build(**net), (share, net["in_channels"], *size), autocast) / 2**30
    shape = " x ".join(map(str, size))
    # measured on a CPU: a step took 1.0 to 2.2 times the estimate; what the loss holds comes on top
    return f"training {build.__name__} on {share} x {shape} will take at least {gib:.1f} GiB a device, up to twice that"


def _devices(devices: Any) -> int:
    return len(devices) if isinstance(devices, list) else int(devices) if str(devices).isdigit() else 1
