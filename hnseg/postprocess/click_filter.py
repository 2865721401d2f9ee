"""A cleaning step that needs clicks: of several pieces those stay that somebody clicked on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry.components import label_components
from hnseg.geometry.crop import bounding_slices
from hnseg.labels import LabelSet
from hnseg.postprocess.components import LabelMap, SpacingMm, chosen
from hnseg.types import Clicks


def keep_clicked(mask: NDArray[np.bool_], index: NDArray[Any], tolerance_voxels: int = 0) -> NDArray[np.bool_]:
    """The components of a mask that hold a click, where there are several; a single one stays without.

    Rainio et al. 2024, section 2.4 (their CNNrand and CNNcm). Voxels that share a face, an edge or a corner are one
    component. Several components and no click in any: nothing is left. Clicks are told apart, where the authors' code
    takes neighbouring ones for one; this makes no difference to what is kept.

    Args:
        mask: (*s) of d axes.
        index: (n, d) voxels, rounded to whole ones (halves to the even); what lies outside the mask keeps nothing.
        tolerance_voxels: a click may be so far beside a component along every axis: 1 is the square of 3 x 3 pixels of
            the authors' earlier work.

    Returns:
        (*s), a new array.
    """
    assert mask.ndim == index.shape[1], f"mask of {mask.ndim} axes, index {index.shape}"
    pieces, count = label_components(mask)
    if count < 2:
        return mask.astype(np.bool_)
    kept = np.zeros(count + 1, np.bool_)
    for voxel in np.rint(np.asarray(index, float)).astype(int):
        low, high = np.maximum(voxel - tolerance_voxels, 0), np.maximum(voxel + tolerance_voxels + 1, 0)
        kept[pieces[tuple(map(slice, low, high))]] = True
    kept[0] = False
    return np.asarray(kept[pieces])


@dataclass(frozen=True)
class ClickFilter:
    """Keeps the pieces of each structure that hold a positive click on it, where there are several pieces.

    See :func:`keep_clicked`. Where nobody was asked for clicks (None) the mask stays as it is; somebody who was asked
    and made none has clicked on none of several pieces.

    Args:
        spatial_dims: 3: pieces of the volume; 2: pieces of each axial slice by itself, as the paper has them.
        structures: names of those that it changes; None: all.
        tolerance_voxels: see :func:`keep_clicked`; in 2-D a click counts in its own slice only.

    Raises:
        ValueError: other axes than 2 or 3, or a tolerance that is no whole number of 0 or more.
    """

    spatial_dims: int = 3
    structures: Sequence[str] | None = None
    tolerance_voxels: int = 0

    needs_clicks: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.spatial_dims not in (2, 3):
            raise ValueError(f"spatial_dims is {self.spatial_dims}; give 2 (slice by slice) or 3")
        if self.tolerance_voxels != int(self.tolerance_voxels) or self.tolerance_voxels < 0:
            raise ValueError(f"tolerance_voxels is {self.tolerance_voxels}; give a whole number, 0 or more")

    def clean(
        self,
        mask: LabelMap,
        spacing_mm: SpacingMm,  # noqa: ARG002
        labels: LabelSet,
        clicks: Clicks | None = None,
        slice_axis: int = 0,
    ) -> LabelMap:
        """The mask with what nobody clicked on as background.

        Args:
            mask: (Z, Y, X).
            spacing_mm: of the mask.
            labels: its structures.
            clicks: in voxels of the mask; None: nobody was asked.
            slice_axis: along which axial slices follow each other.
        """
        cleaned = mask.copy()
        order = [slice_axis, *(axis for axis in range(3) if axis != slice_axis)]
        for value, inside in chosen(self.structures, mask, labels, "click_filter"):
            window = bounding_slices(inside)
            if clicks is None or window is None:
                continue
            index = clicks.index[clicks.values == value] - [part.start for part in window]
            kept = self._keep(inside[window].transpose(order), index[:, order]).transpose(np.argsort(order))
            cleaned[window][inside[window] & ~kept] = 0
        return cleaned

    def _keep(self, inside: NDArray[np.bool_], index: NDArray[np.float64]) -> NDArray[np.bool_]:
        if self.spatial_dims == 3:
            return keep_clicked(inside, index, self.tolerance_voxels)
        of_slice = np.rint(index[:, 0])
        planes = [
            keep_clicked(plane, index[of_slice == number, 1:], self.tolerance_voxels)
            for number, plane in enumerate(inside)
        ]
        return np.stack(planes)
