"""LightningModules and what goes with a Trainer."""

from hnseg.modules.callbacks import CutLogOnResume, EpochLines, TestRecorder
from hnseg.modules.checkpointing import AtomicCheckpointIO, BestPerStructure, LastCheckpoint, SelfDescription
from hnseg.modules.metrics_csv import MetricsCsv
from hnseg.modules.segmentation import SegmentationModule
from hnseg.modules.stages import Stages

__all__ = [
    "AtomicCheckpointIO",
    "BestPerStructure",
    "CutLogOnResume",
    "EpochLines",
    "LastCheckpoint",
    "MetricsCsv",
    "SegmentationModule",
    "SelfDescription",
    "Stages",
    "TestRecorder",
]
