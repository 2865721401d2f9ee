"""Gaussian sums over all pairs of points in many dimensions, in time linear in their number."""

from __future__ import annotations

import math

import torch
from torch import Tensor

CHUNK = 2**18
"""Points embedded at a time: what is held for each of them is then small beside what stays."""


class PermutohedralLattice:
    """Approximates ``out_i = sum_j exp(-|f_i - f_j|^2 / 2) values_j`` up to a constant factor, ``j = i`` included.

    Every point's value is shared among the d + 1 corners of the simplex that it lies in, the corners are blurred with
    (1/4, 1/2, 1/4) along each of the d + 1 directions of the lattice, and every point reads its answer from the same
    corners: Adams, Baek, Davis 2010, "Fast high-dimensional filtering using the permutohedral lattice",
    doi:10.1111/j.1467-8659.2009.01645.x. Instead of a hash table, corners are numbered by sorting whole-number keys, so
    that plain torch does all of it, on any device. The constant factor is left out because whoever filters divides by
    the sum of weights.

    Args:
        features: (d, N) float32, in standard deviations of the kernel; finite.

    Raises:
        ValueError: the points spread over too many standard deviations to number the corners.
    """

    def __init__(self, features: Tensor) -> None:
        self.dimensions, self.points = features.shape
        radix, lowest = _radix(features)
        self._weights = features.new_empty(self.dimensions + 1, self.points)
        keys = torch.empty(self._weights.shape, dtype=torch.int64, device=features.device)
        for start in range(0, self.points, CHUNK):
            some = slice(start, start + CHUNK)
            keys[:, some], self._weights[:, some] = _corners(features[:, some], radix, lowest)
        self._number_corners(keys, radix)

    def _number_corners(self, keys: Tensor, radix: Tensor) -> None:
        """Give equal keys one number, and find every corner's neighbours.

        The k-th corners of all simplices never coincide with the l-th: each kind is sorted by itself, and a step along
        any direction leads from kind k to kind k + 1.
        """
        kinds: list[Tensor] = []
        self._index = torch.empty(keys.shape, dtype=torch.int32, device=keys.device)
        self._corners = 0
        for kind, index in zip(keys, self._index, strict=True):
            corners, inverse = torch.unique(kind, return_inverse=True)
            index.copy_(inverse + self._corners)
            self._corners += len(corners)
            kinds.append(corners)
        self._next = torch.stack([self._ahead(kinds, step) for step in _steps(radix)])

    def _ahead(self, kinds: list[Tensor], step: int) -> Tensor:
        """(corners,) number of the corner one step ahead; the one behind the last where there is none."""
        ahead, start = [], len(kinds[0])
        for k, kind in enumerate(kinds):
            last = k == len(kinds) - 1
            following, start = (kinds[0], 0) if last else (kinds[k + 1], start)
            wanted = kind + step
            place = torch.searchsorted(following, wanted).clamp_(max=len(following) - 1)
            ahead.append(torch.where(following[place] == wanted, place + start, self._corners).int())
            start += len(following)
        return torch.cat(ahead)

    def filter(self, values: Tensor) -> Tensor:
        """(C, N) values to (C, N) sums, float32."""
        assert values.shape[1] == self.points, f"{tuple(values.shape)} for {self.points} points"
        return torch.stack([self._filter(channel) for channel in values])

    def _filter(self, values: Tensor) -> Tensor:
        # one corner more than there are: it stands for all that nobody touched, and stays 0
        corners = values.new_zeros(self._corners + 1)
        for index, weights in zip(self._index, self._weights, strict=True):
            corners.index_add_(0, index, weights * values)
        for ahead in self._next:
            corners = _blur(corners, ahead)
        out = torch.zeros_like(values)
        for index, weights in zip(self._index, self._weights, strict=True):
            out.addcmul_(weights, corners.index_select(0, index))
        return out


def _blur(corners: Tensor, ahead: Tensor) -> Tensor:
    """(1/4, 1/2, 1/4) along one direction, times 2; the corner behind the last is 0 before and after."""
    blurred = corners.clone()
    blurred[:-1] += 0.5 * corners.index_select(0, ahead)
    # what is ahead of i has i behind it, and gets i's half: each corner is ahead of one at most
    blurred.index_add_(0, ahead, corners[:-1], alpha=0.5)
    blurred[-1] = 0
    return blurred


def _embed(features: Tensor) -> Tensor:
    """(d, n) onto the plane in d + 1 dimensions on which a Gaussian of std 1 is what the blur makes; (d + 1, n).

    The sums are written out, because a product of matrices may be computed in TF32, and a corner is then missed.
    """
    d = len(features)
    embedded = features.new_empty(d + 1, *features.shape[1:])
    total = torch.zeros_like(features[0])
    for j in range(d, 0, -1):
        scaled = features[j - 1] * (math.sqrt(2 / 3) * (d + 1) / math.sqrt(j * (j + 1)))
        embedded[j] = total - j * scaled
        total = total + scaled
    embedded[0] = total
    return embedded


def _radix(features: Tensor) -> tuple[Tensor, Tensor]:
    """(d,) weight and lowest value of each lattice coordinate, so that every corner near a point has its key."""
    d = len(features)
    low, high = features.amin(dim=1), features.amax(dim=1)
    # the embedding is linear: its ends are those of each feature by itself, added up
    ends = torch.stack([_embed(torch.diag(low)), _embed(torch.diag(high))])[:, :d]
    # rounding, the simplex and a step to a neighbour each move a coordinate by no more than d + 1
    lowest = (ends.amin(dim=0).sum(dim=1).floor() - 3 * (d + 1)).long()
    sizes = ((ends.amax(dim=0).sum(dim=1).ceil() + 3 * (d + 1)).long() - lowest + 1).tolist()
    if math.prod(sizes) >= 2**62:
        raise ValueError(
            f"points over {[round(float(v)) for v in high - low]} standard deviations are too many for one lattice; "
            f"use larger standard deviations or a smaller volume"
        )
    weights = [math.prod(sizes[:i]) for i in range(d)]
    return torch.tensor(weights, device=features.device), lowest


def _steps(radix: Tensor) -> list[int]:
    """What each of the d + 1 directions adds to a key: 1 to every coordinate, and -(d + 1) to its own."""
    total, d = int(radix.sum()), len(radix)
    return [total - (d + 1) * int(weight) for weight in radix] + [total]


def _corners(features: Tensor, radix: Tensor, lowest: Tensor) -> tuple[Tensor, Tensor]:
    """Keys and weights, both (d + 1, n), of the corners of the simplex around each point."""
    d = len(features)
    embedded = _embed(features)
    nearest = (embedded / (d + 1)).round_()
    rank = _ranks(embedded - nearest * (d + 1))
    # the rounded point may lie off the plane; the coordinates that rounding moved most go back
    rank += nearest.sum(dim=0).to(rank.dtype)
    below, above = rank < 0, rank > d
    nearest = (nearest + below.float() - above.float()) * (d + 1)
    rank += (d + 1) * (below.to(rank.dtype) - above.to(rank.dtype))
    place = rank.long()
    rest = torch.empty_like(embedded).scatter_(0, place, (embedded - nearest) / (d + 1))
    return _keys(nearest, place, radix, lowest), _barycentric(rest)


def _ranks(rest: Tensor) -> Tensor:
    """How many of the coordinates are larger, ties in order: (d + 1, n) int8."""
    ranks = torch.zeros(rest.shape, dtype=torch.int8, device=rest.device)
    for i in range(len(rest)):
        for j in range(i + 1, len(rest)):
            less = rest[i] < rest[j]
            ranks[i] += less
            ranks[j] += ~less
    return ranks


def _barycentric(rest: Tensor) -> Tensor:
    """Weights of corner 0 to d, which add up to 1, from the remainders in falling order."""
    weights = torch.empty_like(rest)
    weights[0] = 1 + rest[-1] - rest[0]
    weights[1:] = (rest[:-1] - rest[1:]).flip(0)
    return weights


def _keys(nearest: Tensor, place: Tensor, radix: Tensor, lowest: Tensor) -> Tensor:
    """Corner k is corner 0 plus k in every coordinate, less d + 1 in the k of highest rank."""
    d = len(radix)
    first = ((nearest[:d].long() - lowest[:, None]) * radix[:, None]).sum(dim=0)
    padded = torch.cat([radix, radix.new_zeros(1)])
    by_rank = torch.empty_like(place).scatter_(0, place, padded[:, None].expand_as(place))
    keys = torch.empty_like(place)
    keys[0] = first
    for k in range(1, d + 1):
        keys[k] = keys[k - 1] + radix.sum() - (d + 1) * by_rank[d + 1 - k]
    return keys
