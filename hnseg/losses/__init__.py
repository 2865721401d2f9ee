"""Losses of one signature: ``loss(logits, target, counts)``, see ``docs/architecture.md``."""

from hnseg.losses.bce import BCE
from hnseg.losses.boundary import Boundary
from hnseg.losses.class_entropy import ClassCrossEntropy, ClassFocal
from hnseg.losses.class_tversky import ClassTversky, FocalDice
from hnseg.losses.combo import Combo
from hnseg.losses.cross_entropy import CrossEntropy, WeightedCrossEntropy
from hnseg.losses.deep_supervision import DeepSupervision
from hnseg.losses.dice import Dice
from hnseg.losses.exp_log import ExpLog
from hnseg.losses.focal import Focal
from hnseg.losses.generalised_dice import GeneralisedDice
from hnseg.losses.keras_bce import KerasBCE
from hnseg.losses.logcosh_dice import LogCoshDice
from hnseg.losses.lovasz import Lovasz
from hnseg.losses.ramp import Ramp
from hnseg.losses.tversky import FocalTversky, Tversky
from hnseg.losses.weighted_sum import WeightedSum

__all__ = [
    "BCE",
    "Boundary",
    "ClassCrossEntropy",
    "ClassFocal",
    "ClassTversky",
    "Combo",
    "CrossEntropy",
    "DeepSupervision",
    "Dice",
    "ExpLog",
    "Focal",
    "FocalDice",
    "FocalTversky",
    "GeneralisedDice",
    "KerasBCE",
    "LogCoshDice",
    "Lovasz",
    "Ramp",
    "Tversky",
    "WeightedCrossEntropy",
    "WeightedSum",
]
