"""How the samples of a training batch are blended with each other."""

from hnseg.mixup.beta import BetaMixup
from hnseg.mixup.mixed import Mixed, Mixup, Part
from hnseg.mixup.none import NoMixup
from hnseg.mixup.weighted import WeightedMixup

__all__ = ["BetaMixup", "Mixed", "Mixup", "NoMixup", "Part", "WeightedMixup"]
