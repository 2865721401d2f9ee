"""What is done to a network's answer: refining probabilities, cleaning masks; see ``docs/architecture.md``."""

from hnseg.postprocess.chain import Postprocess, Scene
from hnseg.postprocess.components import DropSmall, FillHoles, KeepLargest
from hnseg.postprocess.crf import Crf

__all__ = ["Crf", "DropSmall", "FillHoles", "KeepLargest", "Postprocess", "Scene"]
