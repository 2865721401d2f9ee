"""Boundary loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from hnseg.labels import Activation
from hnseg.losses.activation import check_activation, checked, first_channel, probabilities
from hnseg.losses.distance import once, signed_distance
from hnseg.losses.missing import Missing, check_missing, class_mean

Variant = Literal["paper", "kervadec2021", "jain2020", "code"]

BYTE = 255
"""What Jain and Virtanen divide by, and one less than the number of values in the type that they keep distances in."""


class Boundary(nn.Module):
    """Mean over all counting voxels of ``p phi``, with ``phi`` the signed distance to the structure's boundary.

    Kervadec et al. 2021, arXiv:1812.07032, doi:10.1016/j.media.2020.101851. Outside phi is positive, inside
    negative, so the loss is below 0 where the answer is right. By itself it can settle on an empty answer, so it goes
    beside a loss of regions, often with a weight that grows (:class:`hnseg.losses.Ramp`).

    * ``variant="paper"``: phi is the distance in mm to the nearest voxel of the other side, as far inside as outside.
    * ``variant="kervadec2021"``: inside it is less by the smallest spacing (the authors' code: by 1), so voxels at the
      border are at 0 and nothing pulls at them.
    * ``variant="jain2020"``: that, divided by 255; with a spacing of 1, in voxels, what Jain and Virtanen 2020 meant.
    * ``variant="code"``: what their code does. It keeps phi in uint8: fractions are lost and -1, -2 become 255, 254,
      so inside it is about +1 and what should be rewarded is penalised. For comparison with their Model M only.

    A structure that a sample lacks, or that fills it, has no boundary there and adds 0. With softmax the background
    channel is left out: its boundary is that of the structures. A soft target is taken as the set where it is over 0.5.

    Args:
        activation: sigmoid or softmax.
        spacing_mm: z, y, x; of slices the last two are used.
        variant: see above.
        missing: the rule of :func:`hnseg.losses.missing.class_mean`.

    Raises:
        ValueError: a spacing that is not above 0, or at the call more axes than spacings.

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(
        self,
        activation: Activation,
        spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
        variant: Variant = "paper",
        missing: Missing = "mean",
    ) -> None:
        super().__init__()
        check_activation(activation)
        check_missing(missing)
        if variant not in ("paper", "kervadec2021", "jain2020", "code"):
            raise ValueError(
                f"boundary variant {variant!r} is not known; use paper (as far inside as outside), kervadec2021, "
                "jain2020, or code (the wrapped distances of Jain and Virtanen)"
            )
        self.activation, self.variant, self.missing = activation, variant, missing
        self.spacing_mm = tuple(float(size) for size in spacing_mm)
        if not self.spacing_mm or min(self.spacing_mm) <= 0:
            raise ValueError(f"spacing_mm is {list(self.spacing_mm)}; give the voxel's size along z, y, x, above 0")

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        logits, _ = checked(logits, target, counts)
        structures = slice(first_channel(self.activation, background=False), None)
        kind = (self.activation, self.spacing_mm, self.variant)
        phi = once(target, kind, lambda: self._distances(target[:, structures] > 0.5))
        p = probabilities(logits, self.activation)[:, structures]
        return class_mean(p * phi, counts[:, structures], self.missing)

    def _distances(self, truth: Tensor) -> Tensor:
        """phi (B, C, *s) of masks (B, C, *s) bool."""
        axes = truth.ndim - 2
        if axes > len(self.spacing_mm):
            raise ValueError(f"spacing_mm has {len(self.spacing_mm)} sizes for {axes} axes; give one for each")
        spacing = self.spacing_mm[-axes:]
        away = signed_distance(truth.flatten(0, 1), spacing).reshape(truth.shape)
        if self.variant == "paper":
            return away
        away = away + (away < 0) * min(spacing)
        if self.variant == "code":
            away = away.trunc().remainder(BYTE + 1)
        return away if self.variant == "kervadec2021" else away / BYTE
