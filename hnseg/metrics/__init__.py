"""Measures of one prediction against one truth: overlap, surfaces and lesions.

:class:`hnseg.metrics.cases.CaseDice`, which groups by case in training, needs torch: import it from its own file.
"""

from hnseg.metrics.lesions import LesionCounts, aggregated_f1, lesion_counts
from hnseg.metrics.overlap import OverlapCounts, aggregated_dice, dice, overlap_counts, precision, recall, volume_mm3
from hnseg.metrics.surface import HD95Definition, SurfaceDistances, surface_distances

__all__ = [
    "HD95Definition",
    "LesionCounts",
    "OverlapCounts",
    "SurfaceDistances",
    "aggregated_dice",
    "aggregated_f1",
    "dice",
    "lesion_counts",
    "overlap_counts",
    "precision",
    "recall",
    "surface_distances",
    "volume_mm3",
]
