"""Shared arithmetic of grids, boxes and masks; no files."""

from hnseg.geometry.boxes import box_contains, box_grid, image_box, overlap_fraction
from hnseg.geometry.components import component_volumes_mm3, label_components, largest_component
from hnseg.geometry.crop import bounding_slices, crop_or_pad, tight_crop
from hnseg.geometry.resample import resample
from hnseg.geometry.sitk import from_sitk, to_sitk

__all__ = [
    "bounding_slices",
    "box_contains",
    "box_grid",
    "component_volumes_mm3",
    "crop_or_pad",
    "from_sitk",
    "image_box",
    "label_components",
    "largest_component",
    "overlap_fraction",
    "resample",
    "tight_crop",
    "to_sitk",
]
