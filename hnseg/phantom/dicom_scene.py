"""One phantom patient as the DICOM writer needs it: what files hold, and what must come out of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg.geometry.shear import take_out_shear
from hnseg.phantom.dicom_cast import SCANNERS, Role
from hnseg.phantom.dicom_geometry import (
    FEET_FIRST_AXES,
    PRONE_AXES,
    mirror_axes,
    moved_frame,
    own_frame,
    straightened,
    tilted_slices,
)
from hnseg.phantom.grids import ct_grid, pet_grid
from hnseg.phantom.patient import PhantomPatient
from hnseg.phantom.pddca import ORGANS
from hnseg.phantom.plan import PatientPlan, plan_patient
from hnseg.types import Grid, Volume

Spacing = tuple[float, float, float]
_AIR_HU = -1024
_PRV_MM = 3.0
_RING_MM = (6.0, 14.0)


@dataclass(frozen=True)
class Scene:
    """Grids, images and masks of one patient; painted when first asked for.

    Attributes:
        plan: what was drawn.
        role: what the files are like.
        coarse: multiplies voxel sizes.
    """

    plan: PatientPlan
    role: Role
    coarse: float

    @property
    def weight_kg(self) -> float:
        return float(str(self.plan.clinical["weight_kg"]))

    @cached_property
    def ct_slices(self) -> Grid:
        """Where the pixels of the CT files lie; sheared under a tilted gantry."""
        grid = self._placed(ct_grid(self.plan, self._spacing(self.plan.centre.ct_spacing_mm)))
        return tilted_slices(grid) if self.role.has("tilt") else grid

    @cached_property
    def ct_grid(self) -> Grid:
        """Where the voxels of the true CT lie, and those of all masks."""
        return straightened(self.ct_slices)[0] if self.role.has("tilt") else self.ct_slices

    @cached_property
    def pet_slices(self) -> Grid:
        """Where the pixels of the PET files lie, in the PET's frame of reference."""
        return own_frame(self._scanned_pet) if self.role.has("registration") else self._scanned_pet

    @cached_property
    def pet_grid(self) -> Grid:
        """Where the voxels of the PET lie in the CT's frame of reference."""
        return moved_frame(self._scanned_pet)[0] if self.role.has("registration") else self._scanned_pet

    @property
    def pet_to_ct(self) -> NDArray[np.float64]:
        """(4, 4) rigid transform of the PET's frame of reference to the CT's."""
        return moved_frame(self._scanned_pet)[1] if self.role.has("registration") else np.eye(4)

    @cached_property
    def ct_hu(self) -> NDArray[np.int16]:
        """(Z, Y, X) of the files, on `ct_slices`."""
        return np.asarray(self._scanned.ct.array)

    @cached_property
    def pet_suv(self) -> NDArray[np.float32]:
        """(Z, Y, X) float32 body-weight SUV, on `pet_grid`."""
        return np.asarray(self._scanned.pet.array)

    @cached_property
    def true_ct(self) -> Volume:
        """HU on `ct_grid`: int16, or float32 where a shear was taken out."""
        if not self.role.has("tilt"):
            return Volume(self.ct_hu, self.ct_grid)
        return Volume(take_out_shear(self.ct_hu, straightened(self.ct_slices)[1], _AIR_HU), self.ct_grid)

    @cached_property
    def masks(self) -> Mapping[str, NDArray[np.bool_]]:
        """hnseg's name to mask on `ct_grid`: tumours and the nine organs, without those that have no voxel."""
        found = {"GTVt": self._outlined.gtvp.array > 0, "GTVn": self._outlined.gtvn.array > 0}
        found |= {name: self._outlined.organs[name] for name in ORGANS if name in self._outlined.organs}
        return {name: mask for name, mask in found.items() if mask.any()}

    @cached_property
    def helpers(self) -> Mapping[str, NDArray[np.bool_]]:
        """What planners draw for themselves and nobody may take for an organ, on `ct_grid`."""
        spacing_mm = self.ct_grid.spacing_mm
        margin = max(spacing_mm)  # a coarse phantom's margins are no thinner than a voxel
        found = {"BODY": np.asarray(ndimage.binary_fill_holes(self._outlined.organs["Body"]))}
        if "BrainStem" in self.masks:
            away_mm = ndimage.distance_transform_edt(~self.masks["BrainStem"], spacing_mm)
            found["Brainstem_PRV03"] = away_mm <= max(_PRV_MM, margin)
        if "GTVt" in self.masks:
            away_mm = ndimage.distance_transform_edt(~self.masks["GTVt"], spacing_mm)
            inner, outer = (max(mm, n * margin) for n, mm in enumerate(_RING_MM, start=1))
            found["z_ring"] = (away_mm > inner) & (away_mm <= outer)
        return found

    @property
    def _scanned_pet(self) -> Grid:
        return self._placed(pet_grid(self.plan, self._spacing(self.plan.centre.pet_spacing_mm)))

    @cached_property
    def _scanned(self) -> PhantomPatient:
        return PhantomPatient(self.plan, self.ct_slices, self.pet_grid)

    @cached_property
    def _outlined(self) -> PhantomPatient:
        """The patient on the grid of the masks, which are drawn after the gantry's tilt was taken out."""
        return PhantomPatient(self.plan, self.ct_grid, self.pet_grid) if self.role.has("tilt") else self._scanned

    def _spacing(self, spacing_mm: Spacing) -> Spacing:
        z, y, x = (mm * self.coarse for mm in spacing_mm)
        return z, y, x

    def _placed(self, grid: Grid) -> Grid:
        if self.role.has("feet_first"):
            return mirror_axes(grid, FEET_FIRST_AXES)
        return mirror_axes(grid, PRONE_AXES) if self.role.has("prone") else grid


def make_scene(seed: int, place: int, role: Role, case_id: str, coarse: float) -> Scene:
    """The ``place``-th patient of the cohort ``seed``, scanned by the vendor of ``role``.

    Raises:
        ValueError: a negative seed or place.
    """
    return Scene(plan_patient(seed, place, SCANNERS[role.vendor], case_id), role, coarse)
