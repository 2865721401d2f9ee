"""The overlap losses of AnatomyNet: Tversky indices of classes, weighed and added up."""

from __future__ import annotations

from torch import Tensor

from hnseg.labels import Activation, where_counting
from hnseg.losses.activation import checked, probabilities
from hnseg.losses.class_weights import ClassWeighted, Weights


class ClassTversky(ClassWeighted):
    """``sum_c f_c - sum_c f_c T_c``, with ``f`` a class's weight where it counts; mean over samples.

    ``T = TP / (TP + alpha FP + beta FN + smooth)`` of each sample and class: Dice at 0.5 and 0.5. Zhu et al. 2018
    (AnatomyNet), arXiv:1808.05238, doi:10.1002/mp.13300, as their code has it. The paper subtracts from the number of
    classes instead of from ``sum f``: other values, the same gradient, and not 0 where nothing is annotated.

    ``smooth`` is below the fraction only. So a structure that is annotated and not there costs its weight whatever the
    answer, and false positives of it are priced by the background's and the other classes' terms alone.

    Args:
        activation: sigmoid or softmax.
        alpha: price of a false positive.
        beta: price of a false negative.
        smooth: see above.
        weights: one a channel, ``annotations`` or None (see :class:`ClassWeighted`).

    Forward: logits (B, C, *s), target (B, C, *s) in [0, 1], counts (B, C) bool, to a scalar in at least float32.
    A channel that does not count adds nothing to value or gradient; where none counts the loss is 0.
    """

    def __init__(
        self,
        activation: Activation,
        alpha: float = 0.5,
        beta: float = 0.5,
        smooth: float = 1e-5,
        weights: Weights = None,
    ) -> None:
        super().__init__(activation, weights)
        self.alpha, self.beta, self.smooth = alpha, beta, smooth

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        logits, g = checked(logits, target, counts)
        p = where_counting(probabilities(logits, self.activation), counts)
        hits = self._hits(p, g).flatten(2).sum(dim=2)
        too_much, too_little = (p * (1 - g)).flatten(2).sum(dim=2), ((1 - p) * g).flatten(2).sum(dim=2)
        rest = self.alpha * too_much + self.beta * too_little + self.smooth
        return self.weighted_sum(rest / (hits + rest), counts)

    def _hits(self, p: Tensor, g: Tensor) -> Tensor:
        return p * g


class FocalDice(ClassTversky):
    """``1.6 (sum_c f_c - sum_c f_c T_c)`` with hits of ``p (1 - p)^2`` instead of ``p``, above and below the fraction.

    One of the losses that Zhu et al. 2018 compare; formula and constants are those of their code. Its least value is
    where p is a half on a structure's voxels, not where it is 1: there hits vanish before errors do. With softmax that
    is still the most probable class where no other reaches a half.

    Args:
        activation, weights: as in :class:`ClassTversky`.
        smooth: below the fraction.

    Forward: as :class:`ClassTversky`.
    """

    SCALE = 1.6

    def __init__(self, activation: Activation, smooth: float = 1e-6, weights: Weights = None) -> None:
        super().__init__(activation, smooth=smooth, weights=weights)

    def forward(self, logits: Tensor, target: Tensor, counts: Tensor) -> Tensor:
        return self.SCALE * super().forward(logits, target, counts)

    def _hits(self, p: Tensor, g: Tensor) -> Tensor:
        return p * (1 - p).square() * g
