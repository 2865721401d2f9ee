"""The two deformations that hnseg takes from albumentations. Import this file late: it takes two seconds."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.augment.three_points import draw_affine, sampling_yx, smooth_noise

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # read at its import; else it asks the internet for its version
import albumentations as A
import cv2

# A slice is too small to share among threads, and a loader process that is forked after OpenCV has started its threads
# would wait for them for ever. Nothing else in hnseg uses OpenCV.
cv2.setNumThreads(0)

GRID_STEPS = 5


class ThreePointElastic(A.ElasticTransform):  # type: ignore[misc]
    """The elastic transform of albumentations 0.5, whose affine part 2.0 has left out.

    Departures: one interpolation; the jitter is a share of the shorter side, 50 of 256 pixels.
    """

    def __init__(self, jitter: float, alpha: float, sigma: float) -> None:
        super().__init__(alpha=alpha, sigma=sigma, border_mode=cv2.BORDER_REFLECT_101, p=1)
        self.jitter = jitter

    def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        size_yx: tuple[int, int] = params["shape"][:2]
        affine = draw_affine(self.random_generator, size_yx, self.jitter)
        displacement = np.float32(self.alpha) * smooth_noise(self.random_generator, size_yx, (self.sigma, self.sigma))
        map_y, map_x = sampling_yx(affine, displacement)
        return {"map_x": map_x, "map_y": map_y}


def elastic(jitter: float, alpha: float, sigma: float) -> A.DualTransform:
    """The elastic transform, always carried out."""
    return ThreePointElastic(jitter, alpha, sigma)


def grid_distortion(limit: float) -> A.DualTransform:
    """As in albumentations 0.5: steps keep their drawn lengths, so that their sum may be another than the image's."""
    return A.GridDistortion(GRID_STEPS, (-limit, limit), normalized=False, border_mode=cv2.BORDER_REFLECT_101, p=1)


def deform(
    transform: A.DualTransform, image: NDArray[np.float32], label: NDArray[np.uint8], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Image (C, Y, X) and label map (Y, X), deformed alike; a pure function of the arguments.

    A transform has a random state of its own, which is drawn from the system where it is built, copied into each
    loader process and never told of an epoch: hence a seed for every sample. (``Compose`` would give all its parts the
    same one, so that two with ``p=0.5`` always happened together.)
    """
    transform.set_random_seed(seed)
    result = transform(image=np.ascontiguousarray(image.transpose(1, 2, 0)), mask=np.ascontiguousarray(label))
    return np.ascontiguousarray(result["image"].transpose(2, 0, 1)), np.ascontiguousarray(result["mask"])
