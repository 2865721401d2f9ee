"""LightningDataModules, splits and views."""

from hnseg.data.base import CaseDataModule
from hnseg.data.hecktor import HecktorDataModule
from hnseg.data.splits import KFold, LeaveOneCentreOut, Official, Published, Split
from hnseg.data.table import TableDataModule
from hnseg.data.views import PatchView, SliceView, VolumeView

__all__ = [
    "CaseDataModule",
    "HecktorDataModule",
    "KFold",
    "LeaveOneCentreOut",
    "Official",
    "PatchView",
    "Published",
    "SliceView",
    "Split",
    "TableDataModule",
    "VolumeView",
]
