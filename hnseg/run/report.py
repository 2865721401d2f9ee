"""`report`: write the HTML page of a run again."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from hnseg.report import write_report


def main(config: DictConfig) -> int:
    """0."""
    print(f"report: {write_report(Path(config.run))}")
    return 0
