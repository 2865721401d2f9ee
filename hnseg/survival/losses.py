"""Losses of networks that predict when something happens, one row a patient; they know torch alone.

All are means over what they are made of, so that they do not grow with the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor


def cox_loss(log_risk: Tensor, event: Tensor, time_days: Tensor) -> Tensor:
    """Negative Cox partial log-likelihood of a batch per event, ties by Breslow.

    The loss of Katzman et al. 2018 (doi:10.1186/s12874-018-0482-1) without its penalty on the weights, which the
    optimiser's decay takes the place of. Patients at risk are those of the batch.

    Args:
        log_risk: (n,); adding a constant changes nothing.
        event: (n,) 1 where the event was seen, else 0.
        time_days: (n,)

    Returns:
        A scalar; 0 with a gradient of zeros where the batch has no event.
    """
    at_risk = time_days[None, :] >= time_days[:, None]
    log_sum = torch.where(at_risk, log_risk[None, :], -torch.inf).logsumexp(dim=1)
    return (event * (log_sum - log_risk)).sum() / event.sum().clamp(min=1)


def interval_likelihood(logits: Tensor, event: Tensor, survived: Tensor) -> Tensor:
    """Negative log-likelihood of the bin of each event, or of being free of it after the bins that were survived.

    Lee et al. 2018 (AAAI, doi:10.1609/aaai.v32i1.11842), their L1 for a single risk.

    Args:
        logits: (n, bins + 1); the last is of no event within the bins.
        event: (n,) 1 where the event was seen, else 0.
        survived: (n,) int, the bins that a patient is known to be free of the event at the end of; an event lies in the
            bin after them.

    Returns:
        The mean over patients.
    """
    log_mass = logits.log_softmax(dim=1)
    bins = torch.arange(logits.shape[1])
    of_event = log_mass.gather(1, survived[:, None])[:, 0]
    later = torch.where(bins >= survived[:, None], log_mass, -torch.inf).logsumexp(dim=1)
    return -torch.where(event > 0, of_event, later).mean()


def ranking(logits: Tensor, event: Tensor, survived: Tensor, sigma: float) -> Tensor:
    """What it costs to give who had an event no more probability of it by then than those who were still free of it.

    Lee et al. 2018, their L2 with eta(x, y) = exp(-(x - y) / sigma): over all pairs in which patient ``i`` had the
    event and ``j`` outlived its bin, x and y are the probabilities of the event by the end of that bin.

    Departures: the mean over all ordered pairs of the batch, pairs that cannot be compared counting 0, and not the sum;
    ``j`` must have outlived the bin, not only the event's day, because within a bin nothing is told apart.

    Args:
        logits, event, survived: as :func:`interval_likelihood` has them.
        sigma: scale of the exponential.
    """
    by_then = logits.softmax(dim=1).cumsum(dim=1).gather(1, survived[None, :].expand(len(event), -1))
    # by_then[j, i]: probability of j's event by the end of the bin of i's
    advantage = by_then.diagonal()[:, None] - by_then.T
    comparable = (event[:, None] > 0) & (survived[None, :] > survived[:, None])
    return torch.where(comparable, (-advantage / sigma).exp(), 0).mean()


def deephit_loss(logits: Tensor, event: Tensor, survived: Tensor, alpha: float, sigma: float) -> Tensor:
    """``alpha`` of :func:`interval_likelihood` and ``1 - alpha`` of :func:`ranking`.

    Departure: Lee et al. 2018 add the ranking times alpha; to weigh both is pycox's convention, which the published
    alpha of 0.2 belongs to.
    """
    likelihood = interval_likelihood(logits, event, survived)
    return alpha * likelihood + (1 - alpha) * ranking(logits, event, survived, sigma)
