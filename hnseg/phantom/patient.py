"""One phantom patient: CT, PET, tumour masks and every organ, painted from the same anatomy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg.phantom.anatomy import ORGANS, structures
from hnseg.phantom.box import organisers_box
from hnseg.phantom.centres import Centre
from hnseg.phantom.ct import COUCH_TOP_MM, finish_ct
from hnseg.phantom.grids import Oddity, ct_grid, pet_grid
from hnseg.phantom.head import tooth_position
from hnseg.phantom.noise import generator
from hnseg.phantom.pet import finish_pet
from hnseg.phantom.plan import PatientPlan, plan_patient
from hnseg.phantom.shapes import Field
from hnseg.phantom.space import Space
from hnseg.phantom.structure import paint
from hnseg.types import BoxMm, Grid, Volume

Spacing = tuple[float, float, float]


@dataclass(frozen=True)
class _Painting:
    """What the CT grid holds: finished scan and whose material each voxel is."""

    ct: Volume
    labels: NDArray[np.uint8]
    names: tuple[str, ...]


@dataclass(frozen=True)
class PhantomPatient:
    """A patient whose images are painted when they are first asked for.

    Attributes:
        plan: what was drawn.
        ct_grid, pet_grid: where the voxels lie.
    """

    plan: PatientPlan
    ct_grid: Grid
    pet_grid: Grid

    @property
    def case_id(self) -> str:
        return self.plan.case_id

    @property
    def centre(self) -> Centre:
        return self.plan.centre

    @property
    def clinical(self) -> dict[str, object]:
        return dict(self.plan.clinical)

    @property
    def ct(self) -> Volume:
        """int16 HU."""
        return self._painting.ct

    @cached_property
    def pet(self) -> Volume:
        """float32 SUV, on its own grid."""
        plan, space = self.plan, Space(self.pet_grid, self.plan.pose)
        suv, _, _ = paint(structures(plan.build, plan.lesions), space, "pet_suv", 0.0)
        return finish_pet(suv, space, generator(plan.seed, plan.index, "pet"), plan.centre)

    @cached_property
    def gtvp(self) -> Volume:
        """Primary tumour, uint8 0/1 on the CT grid."""
        return Volume(_largest(self.material("GTVp")).astype(np.uint8), self.ct_grid)

    @cached_property
    def gtvn(self) -> Volume:
        """All metastatic nodes together, uint8 0/1 on the CT grid."""
        return Volume(self.material("GTVn").astype(np.uint8), self.ct_grid)

    @property
    def organs(self) -> Mapping[str, NDArray[np.bool_]]:
        """Name to bool mask on the CT grid, made when looked up."""
        return _Organs(self)

    @cached_property
    def box(self) -> BoxMm:
        """The box that the challenge's organisers would publish."""
        return organisers_box(self.plan, self.ct_grid)

    def material(self, name: str) -> NDArray[np.bool_]:
        """Voxels of the CT grid whose centre lies in the material ``name``; none where the patient has none."""
        if name not in self._painting.names:
            return np.zeros(self.ct_grid.shape_zyx, bool)
        return np.asarray(self._painting.labels == self._painting.names.index(name) + 1)

    @property
    def material_names(self) -> tuple[str, ...]:
        return self._painting.names

    @cached_property
    def _painting(self) -> _Painting:
        plan, space = self.plan, Space(self.ct_grid, self.plan.pose)
        hu, labels, names = paint(structures(plan.build, plan.lesions), space, "ct_hu", -1000.0)
        scale, y = plan.pose.scale, plan.pose.origin_lps_mm[1]
        ct = finish_ct(
            hu, space, generator(plan.seed, plan.index, "ct"), plan.centre,
            couch_y_mm=y + (COUCH_TOP_MM + plan.build.fat_mm) * scale, fillings_lps_mm=_find_fillings(plan, space),
        )  # fmt: skip
        return _Painting(ct, labels, names)


class _Organs(Mapping[str, NDArray[np.bool_]]):
    """Organ masks by name: materials, and organs made of several."""

    def __init__(self, patient: PhantomPatient) -> None:
        self._patient = patient

    def __getitem__(self, name: str) -> NDArray[np.bool_]:
        if name == "Body":
            return np.asarray(self._patient._painting.labels > 0)
        parts = ORGANS.get(name, (name,))
        known = self._patient.material_names
        if not set(parts) & set(known):
            raise KeyError(name)
        return np.asarray(np.any([self._patient.material(part) for part in parts if part in known], axis=0))

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys(("Body", *ORGANS, *self._patient.material_names))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def make_patient(
    seed: int,
    index: int,
    centre: Centre | str,
    ct_spacing_mm: Spacing | None = None,
    pet_spacing_mm: Spacing | None = None,
    *,
    case_id: str | None = None,
    oddity: Oddity = "none",
) -> PhantomPatient:
    """Patient ``index`` of the cohort ``seed``, as scanned by ``centre``.

    The same arguments give the same bytes. The anatomy does not depend on the spacings, so a coarse patient
    is a coarse picture of the same person.

    Args:
        seed, index: at least 0.
        centre: a `Centre` or the code of one.
        ct_spacing_mm, pet_spacing_mm: (z, y, x); the centre's own where None.
        case_id: name of the patient; centre code and ``index + 1`` where None.
        oddity: an unusual but legal geometry, see `hnseg.phantom.grids`.

    Raises:
        ValueError: unknown centre, negative seed or index, spacing that is not positive.
    """
    plan = plan_patient(seed, index, centre, case_id)
    return PhantomPatient(
        plan,
        ct_grid(plan, ct_spacing_mm or plan.centre.ct_spacing_mm, oddity),
        pet_grid(plan, pet_spacing_mm or plan.centre.pet_spacing_mm, oddity),
    )


def _largest(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The largest connected part: bone in its way can cut a corner off a tumour."""
    parts, count = ndimage.label(mask, np.ones((3, 3, 3)))
    if count < 2:
        return mask
    return np.asarray(parts == 1 + np.argmax(np.bincount(parts.ravel())[1:]))


def _find_fillings(plan: PatientPlan, space: Space) -> Field:
    """(N, 3) LPS mm of the filled teeth that the scan covers: the voxel nearest to each."""
    found = []
    for number in sorted(plan.build.teeth.filled):
        x, y, z = tooth_position(number)
        apart = (space.x - np.float32(x)) ** 2 + (space.y - np.float32(y)) ** 2 + (space.z - np.float32(z)) ** 2
        index = np.unravel_index(np.argmin(apart), apart.shape)
        if apart[index] < (2 * max(space.grid.spacing_mm)) ** 2:
            found.append(space.grid.to_lps_mm(np.asarray(index)))
    return np.asarray(found, np.float32).reshape(-1, 3)
