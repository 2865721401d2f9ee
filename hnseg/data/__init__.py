"""LightningDataModules, splits and views."""

from hnseg.data.base import CaseDataModule
from hnseg.data.hecktor import HecktorDataModule
from hnseg.data.listed import Listed
from hnseg.data.organs import OrganDataModule
from hnseg.data.rainio2024 import Rainio2024
from hnseg.data.splits import Split
from hnseg.data.splitters import CentresAndRandom, KFold, LeaveOneCentreOut, Official, Published
from hnseg.data.table import TableDataModule
from hnseg.data.turku import TurkuDataModule
from hnseg.data.views import EverySliceView, PatchView, SliceView, VolumeView

__all__ = [
    "CaseDataModule",
    "CentresAndRandom",
    "EverySliceView",
    "HecktorDataModule",
    "KFold",
    "LeaveOneCentreOut",
    "Listed",
    "Official",
    "OrganDataModule",
    "PatchView",
    "Published",
    "Rainio2024",
    "SliceView",
    "Split",
    "TableDataModule",
    "TurkuDataModule",
    "VolumeView",
]
