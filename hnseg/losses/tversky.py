"""Tversky losses: Dice with a price of its own for either kind of error."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from hnseg.labels import Activation, counting_mean, where_counting
from hnseg.losses.activation import check_activation, checked, first_channel, power, probabilities
from hnseg.losses.missing import Missing, check_missing, class_mean


class Tversky(nn.Module):
    """One minus the soft Tversky index, ``(TP + s) / (TP + alpha FP + beta FN + s)``.

    Salehi, Erdogmus, Gholipour 2017, arXiv:1706.05721. With alpha = beta = 0.5 it is Dice with plain sums, where
    ``smooth`` weighs twice as much.

    * ``variant="paper"``: an index of each sample and channel; mean over those that count.
    * ``variant="code"`` (the code of Bourigault et al. 2022, doi:10.1007/978-3-030-98253-9_18): one index of all
      counting voxels of the batch together, so that large structures and samples speak for small ones.

    With 0.5, 0.5, ``smooth=5e-6`` and ``background=False`` the first is the Dice loss of Jain and Virtanen 2020,
    ``1 - (2 TP + 1e-5) / (P + G + 1e-5)``.

    Args:
        activation: sigmoid or softmax.
        alpha: price of a false positive.
        beta: price of a false negative.
        smooth: added to both sides of the fraction.
        variant: what one index is taken of.
        background: whether softmax's background is a class like the others.
        missing: the rule of :func:`hnseg.losses.missing.class_mean`; one index of all has no classes to weigh.

    Raises:
        ValueError: ``variant="code"`` with another rule than ``mean``.

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(
        self,
        activation: Activation,
        alpha: float = 0.3,
        beta: float = 0.7,
        smooth: float = 1.0,
        variant: Literal["paper", "code"] = "paper",
        background: bool = True,
        missing: Missing = "mean",
    ) -> None:
        super().__init__()
        check_activation(activation)
        check_missing(missing)
        if variant not in ("paper", "code"):
            raise ValueError(
                f"Tversky variant {variant!r} is not known; use paper (each sample and channel) or code (all together)"
            )
        if variant == "code" and missing != "mean":
            raise ValueError(f"missing={missing} weighs classes, but variant=code takes all as one; use variant=paper")
        self.activation, self.alpha, self.beta, self.smooth = activation, alpha, beta, smooth
        self.variant, self.background, self.missing = variant, background, missing

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        losses, counting = self._losses(logits, target, counts)
        if self.variant == "code":
            return counting_mean(losses, counting)
        return class_mean(losses, counting, self.missing)

    def _losses(self, logits: Tensor, target: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
        """One minus each index, and which count: (B, C) of both, or scalars where all voxels are taken together.

        The errors are divided by the whole, because one minus a fraction near 1 would round.
        """
        logits, g = checked(logits, target, counts)
        kept = slice(first_channel(self.activation, self.background), None)
        p, g, counts = probabilities(logits, self.activation)[:, kept], g[:, kept], counts[:, kept]
        p = where_counting(p, counts)
        sums = [(p * g).flatten(2).sum(dim=2), (p * (1 - g)).flatten(2).sum(dim=2), ((1 - p) * g).flatten(2).sum(dim=2)]
        if self.variant == "code":
            sums, counts = [part.sum() for part in sums], counts.any()
        hits, false_positives, false_negatives = sums
        errors = self.alpha * false_positives + self.beta * false_negatives
        return errors / (hits + errors + self.smooth), counts


class FocalTversky(Tversky):
    """``(1 - T) ** power`` of each Tversky index ``T``; mean over those that count.

    Abraham, Khan 2019, arXiv:1810.07842, where the power is written 1 / gamma with gamma = 4/3: below 1 it steepens
    what is nearly right, above 1 it leaves it alone. Their letters are the other way round: alpha prices false
    negatives there. Departures: the mean over structures instead of their sum, and below 1e-7 a straight line, because
    the slope at 0 would be infinite.

    Args:
        activation, alpha, beta, smooth, variant: of :class:`Tversky`.
        power: the exponent; the optional one of the code named there, with ``variant="code"``.

    Forward: as :class:`Tversky`.
    """

    def __init__(
        self,
        activation: Activation,
        alpha: float = 0.3,
        beta: float = 0.7,
        power: float = 0.75,
        smooth: float = 1.0,
        variant: Literal["paper", "code"] = "paper",
    ) -> None:
        super().__init__(activation, alpha, beta, smooth, variant)
        if power <= 0:
            raise ValueError(f"power is {power}; a loss that falls as the answer gets better needs one above 0")
        self.power = power

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        losses, counting = self._losses(logits, target, counts)
        return counting_mean(power(losses, self.power), counting)
