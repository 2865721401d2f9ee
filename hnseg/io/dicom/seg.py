"""DICOM segmentations (SEG) in and out: `read_seg`, `write_seg`, and the task of the child process that reads."""

from __future__ import annotations

from hnseg.io.dicom.seg_read import read_seg, seg_task
from hnseg.io.dicom.seg_write import write_seg

__all__ = ["read_seg", "seg_task", "write_seg"]
