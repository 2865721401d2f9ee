"""Clinical tables of any hospital, described by a mapping file: typed records, endpoints, and features for models."""

from hnseg.survival.clinical.encode import encode, feature_names
from hnseg.survival.clinical.endpoints import Endpoint, Matched, match, read_endpoint
from hnseg.survival.clinical.hecktor_files import hecktor_tables
from hnseg.survival.clinical.mapping import ClinicalMapping
from hnseg.survival.clinical.mapping_file import read_mapping, shipped_mappings
from hnseg.survival.clinical.table import ClinicalRecord, ClinicalTable, read_clinical

__all__ = [
    "ClinicalMapping",
    "ClinicalRecord",
    "ClinicalTable",
    "Endpoint",
    "Matched",
    "encode",
    "feature_names",
    "hecktor_tables",
    "match",
    "read_clinical",
    "read_endpoint",
    "read_mapping",
    "shipped_mappings",
]
