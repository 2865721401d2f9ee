"""What is done to a network's answer: refining probabilities, cleaning masks; see ``docs/architecture.md``."""

from hnseg.postprocess.chain import Postprocess
from hnseg.postprocess.click_filter import ClickFilter, keep_clicked
from hnseg.postprocess.components import DropSmall, FillHoles, KeepLargest
from hnseg.postprocess.crf import Crf
from hnseg.postprocess.steps import Scene

__all__ = ["ClickFilter", "Crf", "DropSmall", "FillHoles", "KeepLargest", "Postprocess", "Scene", "keep_clicked"]
