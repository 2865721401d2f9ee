"""`prepare`: fill the cache that training reads."""

from __future__ import annotations

from hydra.utils import instantiate
from omegaconf import DictConfig

from hnseg.run.resolvers import to_plain
from hnseg.run.validate import validate


def main(config: DictConfig) -> int:
    """0; 1 where studies had to be set aside."""
    plain = to_plain(config)
    validate(plain, plain["trust"])
    cohort = instantiate(plain["data"]["module"], _convert_="all").prepare()
    print(cohort.summary())
    return 1 if cohort.failures else 0
