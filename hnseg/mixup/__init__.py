"""How the samples of a training batch are blended with each other."""

from hnseg.mixup.mixed import Mixed, Mixup, Part
from hnseg.mixup.none import NoMixup

__all__ = ["Mixed", "Mixup", "NoMixup", "Part"]
