"""CT of a painted anatomy: couch, noise that grows at the shoulders, streaks from fillings, field of view."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from hnseg.phantom.centres import Centre
from hnseg.phantom.shapes import Field
from hnseg.phantom.space import Space
from hnseg.types import Volume

COUCH_TOP_MM = 116.0  # below the brain stem, where head rest and shoulders lie
_RAYS = 720  # angles of a streak pattern


def finish_ct(
    ct_hu: Field,
    space: Space,
    random: np.random.Generator,
    centre: Centre,
    couch_y_mm: float,
    fillings_lps_mm: np.ndarray,
) -> Volume:
    """Turn true CT numbers into a scan.

    Args:
        ct_hu: (Z, Y, X) noiseless HU; changed in place.
        space: of the CT grid.
        random: generator of this patient's CT.
        centre: how it scans.
        couch_y_mm: LPS y of the couch's surface.
        fillings_lps_mm: (N, 3) positions of metal, x, y, z.

    Returns:
        int16 HU within [-1024, 3071], or the centre's padding value outside a round field of view.
    """
    width_mm = (ct_hu > -500).any(axis=1).sum(axis=1) * space.grid.spacing_mm[2]
    _add_couch(ct_hu, space, centre, couch_y_mm)
    _add_streaks(ct_hu, space, random, fillings_lps_mm)
    _add_noise(ct_hu, random, centre.ct_noise_hu, width_mm)
    np.clip(np.rint(ct_hu, out=ct_hu), -1024, 3071, out=ct_hu)
    scan = ct_hu.astype(np.int16)
    if centre.ct_padding_hu is not None:
        _, rows, columns = scan.shape
        y, x = np.ogrid[:rows, :columns]
        outside = (2 * (y + 0.5) / rows - 1) ** 2 + (2 * (x + 0.5) / columns - 1) ** 2 > 1
        scan[:, outside] = centre.ct_padding_hu
    return Volume(scan, space.grid)


def _add_couch(ct_hu: Field, space: Space, centre: Centre, couch_y_mm: float) -> None:
    """A carbon shell around foam, curved or flat, wherever the patient is not."""
    x, y, _ = space.scanner_mm
    middle = np.float32(space.grid.extent_mm[:, 0].mean())
    sag = (x - middle) ** 2 / np.float32(1100) if centre.couch == "curved" else np.float32(0) * x
    depth = y - (np.float32(couch_y_mm + 30) - np.minimum(sag, 30) if centre.couch == "curved" else couch_y_mm)
    thick, half_width = (22.0, 205.0) if centre.couch == "flat" else (14.0, 190.0)
    inside = (depth > 0) & (depth < thick) & (np.abs(x - middle) < half_width)
    shell = inside & ((depth < 2.5) | (depth > thick - 2.5))
    air = ct_hu < -900
    np.copyto(ct_hu, np.float32(-930), where=inside & air)
    np.copyto(ct_hu, np.float32(-180), where=shell & air)


def _add_streaks(ct_hu: Field, space: Space, random: np.random.Generator, fillings_lps_mm: np.ndarray) -> None:
    """Bright and dark rays from each piece of metal, in its own axial slices, fading with distance."""
    x, y, _ = space.scanner_mm
    for position in fillings_lps_mm:
        rays = ndimage.gaussian_filter1d(random.standard_normal(_RAYS), 4.0, mode="wrap")
        rays = (rays / rays.std() * random.uniform(90, 220)).astype(np.float32)
        index = space.grid.to_index_zyx(position)[0]
        for k in range(max(0, int(np.ceil(index - 1.5))), min(ct_hu.shape[0], int(np.floor(index + 1.5)) + 1)):
            dx, dy = (
                np.broadcast_to(v, ct_hu.shape)[k] - np.float32(p) for v, p in zip((x, y), position, strict=False)
            )
            angle = ((np.arctan2(dy, dx) / (2 * np.pi) + 0.5) * (_RAYS - 1)).astype(np.int32)
            away = np.hypot(dx, dy)
            tissue = ct_hu[k] > -900
            ct_hu[k] += np.where(tissue, 1.0, 0.15) * rays[angle] * np.exp(-away / 45) * np.minimum(away / 6, 1)


def _add_noise(ct_hu: Field, random: np.random.Generator, noise_hu: float, width_mm: NDArray[np.float64]) -> None:
    """Noise with the grain of a soft reconstruction kernel.

    The wider a slice (``width_mm`` of the patient in each), the more noise; shoulders streak from side to side.
    """
    noise = random.standard_normal(ct_hu.shape, dtype=np.float32)
    noise = ndimage.uniform_filter1d(noise, 2, axis=1)
    noise = ndimage.uniform_filter1d(noise, 2, axis=2) * np.float32(2.0)
    strength = noise_hu * (0.6 + np.clip(width_mm / 180, 0.5, 2.2) ** 2 * 0.4)
    wide = np.flatnonzero(width_mm > 240)
    if len(wide):
        noise[wide] = 0.5 * noise[wide] + 1.2 * ndimage.uniform_filter1d(noise[wide], 9, axis=2)
    ct_hu += noise * strength.astype(np.float32)[:, None, None]
