"""What is random about an image: ``augment(image, label, rng)``, parameters drawn first and then applied."""

from hnseg.augment.anatomynet import AffineElastic
from hnseg.augment.degrees import TransformDegree
from hnseg.augment.intensity import Intensity
from hnseg.augment.mirror import Mirror
from hnseg.augment.none import NoAugment
from hnseg.augment.paper import RotateMirror
from hnseg.augment.sample import Augment, SidedAugment
from hnseg.augment.strong import Strong
from hnseg.augment.warp import Warp

__all__ = [
    "AffineElastic",
    "Augment",
    "Intensity",
    "Mirror",
    "NoAugment",
    "RotateMirror",
    "SidedAugment",
    "Strong",
    "TransformDegree",
    "Warp",
]
