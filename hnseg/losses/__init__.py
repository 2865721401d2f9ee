"""Losses of one signature: ``loss(logits, target, counts)``, see ``docs/architecture.md``."""

from hnseg.losses.deep_supervision import DeepSupervision
from hnseg.losses.dice import Dice
from hnseg.losses.focal import Focal
from hnseg.losses.weighted_sum import WeightedSum

__all__ = ["DeepSupervision", "Dice", "Focal", "WeightedSum"]
