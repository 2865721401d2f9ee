"""From a loss a sample and class to one number, in hnseg's way and in that of Jain and Virtanen"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from hnseg.labels import counting_mean, where_counting

Missing = Literal["mean", "jain2020"]


def check_missing(missing: str) -> None:
    """Raise ValueError unless ``missing`` is a rule that :func:`class_mean` knows."""
    if missing not in ("mean", "jain2020"):
        raise ValueError(f"missing {missing!r} is not known; use mean (over what counts) or jain2020 (see class_mean)")


def class_mean(losses: Tensor, counts: Tensor, missing: Missing = "mean") -> Tensor:
    """One number of the losses (B, C) or (B, C, *s) of samples and classes, of which ``counts`` (B, C) enter.

    * ``mean``: the mean over all that count.
    * ``jain2020``: the mean over *all* samples of ``sum_c w_c L_c`` over the classes that count, with ``w`` one over
      the samples of the batch in which the class counts, divided by its sum; all alike where a class counts in none
      (``exclude_missing`` in the code of Jain and Virtanen 2020). So a class that few samples of a batch have annotated
      counts as much as the others, and a batch in which much is missing costs less.

    0, with gradients of 0, where nothing counts.
    """
    if missing == "mean":
        return counting_mean(losses, counts)
    each = where_counting(losses, counts).reshape(*counts.shape, -1).mean(dim=2)
    return (each * class_shares(counts).to(each)).sum(dim=1).mean()


def class_shares(counts: Tensor) -> Tensor:
    """Weights (C,) of the classes by the rule ``jain2020``, together 1, of flags (B, C)."""
    weights = 1 / counts.sum(dim=0).float()
    weights = torch.where(weights.isinf().any(), torch.ones_like(weights), weights)
    return weights / weights.sum()
