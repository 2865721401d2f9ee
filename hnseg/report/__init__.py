"""What a run leaves for its reader: the manifest and one self-contained HTML page."""

from hnseg.report.arms_page import write_arms_report
from hnseg.report.cv_page import write_cv_report
from hnseg.report.manifest import collect_versions, git_state, hardware, read_manifest, write_manifest
from hnseg.report.page import write_report
from hnseg.report.survival_page import write_survival_report

__all__ = [
    "collect_versions",
    "git_state",
    "hardware",
    "read_manifest",
    "write_arms_report",
    "write_cv_report",
    "write_manifest",
    "write_report",
    "write_survival_report",
]
