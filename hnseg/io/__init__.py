"""Files: images, tables, and writing either so that it is there whole or not at all.

The image formats load when they are first asked for: SimpleITK and nibabel take most of a second, and a process that
reads one DICOM file needs neither.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hnseg.io.atomic import atomic_path
from hnseg.io.errors import DiskFullError, UnreadableImageError
from hnseg.io.json_files import write_json
from hnseg.io.tables import read_boxes, read_cases, read_rows, write_rows

if TYPE_CHECKING:
    from hnseg.io.volume import IMAGE_SUFFIXES, is_image, read_grid, read_volume, write_volume

__all__ = [
    "IMAGE_SUFFIXES",
    "DiskFullError",
    "UnreadableImageError",
    "atomic_path",
    "is_image",
    "read_boxes",
    "read_cases",
    "read_grid",
    "read_rows",
    "read_volume",
    "write_json",
    "write_rows",
    "write_volume",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("hnseg.io.volume"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
