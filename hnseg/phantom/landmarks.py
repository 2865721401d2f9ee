"""The five landmarks of PDDCA's training patients, as the file that 3D Slicer writes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hnseg.io.atomic import atomic_path
from hnseg.phantom.nifti import DESCRIPTION
from hnseg.phantom.shapes import Point
from hnseg.phantom.space import Pose

LANDMARKS: Mapping[str, Point] = {
    "chin": (0.0, -119.0, -71.0),
    "mand_r": (-53.0, -26.0, -4.0),
    "mand_l": (53.0, -26.0, -4.0),
    "odont_proc": (0.0, -12.0, -34.0),
    "occ_bone": (0.0, 77.0, -21.0),
}
"""LPS mm in the standard anatomy: front of the mandible, tops of its condyles, tip of the dens, back of the skull."""

_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])
_HEADER = (
    "# Markups fiducial file version = 4.3",
    "# CoordinateSystem = 0",
    "# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID",
)
_COLUMNS = "vtkMRMLMarkupsFiducialNode_{number},{x:.3f},{y:.3f},{z:.3f},0,0,0,1,1,1,0,{name},{about},"


def write_landmarks(pose: Pose, path: Path) -> None:
    """Write where one patient's landmarks lie in the scanner: ``.fcsv``, RAS mm (coordinate system 0), whole or not."""
    lines = list(_HEADER)
    for number, (name, point) in enumerate(LANDMARKS.items()):
        x, y, z = pose.to_scanner(np.asarray(point)) * _LPS_TO_RAS
        lines.append(_COLUMNS.format(number=number, x=x, y=y, z=z, name=name, about=DESCRIPTION.replace(",", ";")))
    with atomic_path(path) as part:
        part.write_text("\n".join(lines) + "\n", encoding="ascii")
