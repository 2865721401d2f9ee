"""Files: images, tables, and writing either so that it is there whole or not at all."""

from hnseg.io.atomic import atomic_path
from hnseg.io.errors import DiskFullError, UnreadableImageError
from hnseg.io.json_files import write_json
from hnseg.io.tables import read_boxes, read_cases, read_rows, write_rows
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
