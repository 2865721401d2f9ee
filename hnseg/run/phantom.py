"""`phantom`: write the built-in phantom in the layout of a data set."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from hnseg.phantom import write_hecktor


def main(config: DictConfig) -> int:
    """0."""
    root = write_hecktor(
        Path(config.output),
        year=config.year,
        patients=config.patients,
        seed=config.seed,
        test_patients=config.test_patients,
        coarse=config.coarse,
        workers=config.workers,
        progress=True,
    )
    print(f"phantom in the layout of HECKTOR {config.year}: {root}")
    return 0
