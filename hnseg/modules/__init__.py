"""LightningModules and what goes with a Trainer."""

from hnseg.modules.callbacks import CutLogOnResume, EpochLines, TestRecorder
from hnseg.modules.checkpointing import AtomicCheckpointIO, LastCheckpoint, SelfDescription
from hnseg.modules.metrics_csv import MetricsCsv
from hnseg.modules.segmentation import SegmentationModule

__all__ = [
    "AtomicCheckpointIO",
    "CutLogOnResume",
    "EpochLines",
    "LastCheckpoint",
    "MetricsCsv",
    "SegmentationModule",
    "SelfDescription",
    "TestRecorder",
]
