"""From probabilities to the final mask: the one road that prediction and the test stage of training share."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from hnseg.clicks import on_grid
from hnseg.inference.patient_grid import to_patient_grid
from hnseg.labels import LabelSet
from hnseg.postprocess import Postprocess, Scene
from hnseg.types import Click, Grid, Volume


def outline(
    probabilities: Tensor,
    scene: Scene,
    grid: Grid,
    image_grid: Grid,
    labels: LabelSet,
    threshold: float = 0.5,
    postprocess: Postprocess | None = None,
    clicks: Sequence[Click] | None = None,
) -> Volume:
    """Refine on the prepared grid, go back to the patient's grid, clean there.

    What refines looks at the images, which are at hand on the prepared grid; what cleans counts and measures voxels of
    the mask that the user gets, so that a volume in mm3 is one of that mask.

    Args:
        probabilities: (channels, Z, Y, X) on ``grid``, the network's own; they are not changed.
        scene: the prepared images, on the device of ``probabilities``.
        grid: of the prepared images.
        image_grid: of the patient's own image.
        labels: what the channels stand for.
        threshold: with sigmoid, a structure is where its refined probability is above this (strictly).
        postprocess: the chain; None and an empty one leave the network's answer as it is.
        clicks: on the patient, for a chain that looks at them; None: nobody was asked for any.

    Returns:
        uint8 label map on ``image_grid``.

    Raises:
        ValueError: a step cannot work with these images or structures.
    """
    if not postprocess:
        return to_patient_grid(probabilities, grid, image_grid, labels, threshold)
    refined = postprocess.refine(probabilities, scene, labels)
    placed = None if clicks is None else on_grid(clicks, image_grid, labels.names)
    return postprocess.clean(to_patient_grid(refined, grid, image_grid, labels, threshold), labels, placed)
