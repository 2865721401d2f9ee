"""`check`: a report on a data set before any work is done with it."""

from __future__ import annotations

from typing import Any

import torch
from hydra.utils import get_class, instantiate
from omegaconf import DictConfig

from hnseg.models.memory import training_bytes
from hnseg.prepare import check_studies, format_findings
from hnseg.run.resolvers import to_plain
from hnseg.run.validate import validate


def main(config: DictConfig) -> int:
    """0; 1 where there are errors."""
    plain = to_plain(config)
    validate(plain, plain["trust"])
    data = instantiate(plain["data"]["module"], _convert_="all")
    findings = check_studies(data.find_studies(), data.recipe, workers=data.prepare_workers)
    print(format_findings(findings))
    print(_memory(plain))
    return 1 if any(finding.level == "error" for finding in findings) else 0


def _memory(plain: dict) -> str:  # type: ignore[type-arg]
    """What a training step will take on each device."""
    net = dict(plain["model"]["net"])
    build, view = get_class(net.pop("_target_")), plain["view"]
    share = max(1, plain["batch_size"] // _devices(plain["trainer"]["devices"]))
    size = view["size_zyx"][-view["spatial_dims"] :]
    autocast = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(str(plain["trainer"]["precision"]))
    gib = training_bytes(lambda: build(**net), (share, view["channels"], *size), autocast) / 2**30
    shape = " x ".join(map(str, size))
    # docs/benchmarks.md: on a CPU a step took 2.2 times the estimate, and 4.5 times with checkpointing
    return f"training {build.__name__} on {share} x {shape} will take at least {gib:.1f} GiB a device, likely twice"


def _devices(devices: Any) -> int:
    return len(devices) if isinstance(devices, list) else int(devices) if str(devices).isdigit() else 1
