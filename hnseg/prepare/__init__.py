"""Raw studies into prepared cases: layouts, recipe, regions, images, cache, check.

`hnseg.prepare.intensity` (normalisation, needs torch) is imported by its own name, so that the processes that
prepare do not load torch.
"""

from hnseg.prepare.box import choose_box
from hnseg.prepare.brain import NoBrainFoundError, brain_box
from hnseg.prepare.cache import Cohort, estimate_bytes, prepare_cohort
from hnseg.prepare.case import Case, write_case
from hnseg.prepare.check import check_studies, format_findings
from hnseg.prepare.findings import Failure, Finding, Findings
from hnseg.prepare.images import prepare_images, read_images, stack
from hnseg.prepare.recipe import Recipe, RegionNotFoundError
from hnseg.prepare.study import PreparedStudy, prepare_study

__all__ = [
    "Case",
    "Cohort",
    "Failure",
    "Finding",
    "Findings",
    "NoBrainFoundError",
    "PreparedStudy",
    "Recipe",
    "RegionNotFoundError",
    "brain_box",
    "check_studies",
    "choose_box",
    "estimate_bytes",
    "format_findings",
    "prepare_cohort",
    "prepare_images",
    "prepare_study",
    "read_images",
    "stack",
    "write_case",
]
