"""What is done to a network's answer: refining probabilities, cleaning masks; see ``docs/architecture.md``."""

from hnseg.postprocess.chain import Postprocess, Scene
from hnseg.postprocess.components import DropSmall, FillHoles, KeepLargest

__all__ = ["DropSmall", "FillHoles", "KeepLargest", "Postprocess", "Scene"]
