"""`phantom`: write the built-in phantom in the layout of a data set."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from omegaconf import DictConfig

from hnseg.phantom import write_dicom, write_hecktor, write_pddca, write_turku


def main(config: DictConfig) -> int:
    """0.

    Raises:
        ValueError: no such layout, or an outcome where there is none.
    """
    writers: dict[str, Callable[..., Path]] = {
        "hecktor": partial(write_hecktor, year=config.year),
        "pddca": write_pddca,
        "turku": write_turku,
        "dicom": write_dicom,
    }
    if config.layout not in writers:
        raise ValueError(f"layout={config.layout} is none of {', '.join(writers)}")
    null = config.outcome in (None, "null")  # YAML takes an unquoted null for None
    if null and config.layout != "hecktor":
        raise ValueError(f"outcome=null: patients of layout={config.layout} have no outcome; leave it at hazard")
    settings = {"outcome": config.outcome} if config.layout == "hecktor" else {}
    root = writers[config.layout](
        Path(config.output),
        patients=config.patients,
        seed=config.seed,
        test_patients=config.test_patients,
        coarse=config.coarse,
        workers=config.workers,
        progress=True,
        **settings,
    )
    names = {"pddca": "PDDCA", "turku": "the Turku study", "dicom": "three vendors' DICOM exports"}
    print(f"phantom in the layout of {names.get(config.layout, f'HECKTOR {config.year}')}: {root}")
    return 0
