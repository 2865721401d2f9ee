import pytest
import torch

from hnseg.postprocess.lattice import CHUNK, PermutohedralLattice, _corners, _embed, _radix


def points(d, n, spread=2.0, seed=0):
    return spread * torch.rand(d, n, generator=torch.Generator().manual_seed(seed))


def exact(features, values):
    return values.double() @ torch.exp(-0.5 * torch.cdist(features.T.double(), features.T.double()) ** 2)


def smoothed(filtered, values):
    """What is used of a filter: sums over sums of weights, in which a constant factor cancels."""
    return filtered(values) / filtered(torch.ones_like(values[:1]))


@pytest.mark.parametrize("d", [1, 2, 3, 5, 6])
def test_weighted_means_are_those_of_all_pairs(d) -> None:
    features, rng = points(d, 1500), torch.Generator().manual_seed(1)
    values = torch.sin(2 * features[:1]) + 0.5 * torch.rand(2, 1500, generator=rng)
    lattice = PermutohedralLattice(features)
    off = smoothed(lattice.filter, values) - smoothed(lambda v: exact(features, v), values)
    assert off.abs().max() < 0.1  # of values between -1 and 1.5
    assert off.pow(2).mean().sqrt() < 0.04


@pytest.mark.parametrize("d", [1, 2, 5])
def test_every_point_is_the_weighted_mean_of_its_corners(d) -> None:
    features = points(d, 200, 30.0) - 15
    ends = torch.stack([features.amin(dim=1), features.amax(dim=1)])
    outermost = torch.cartesian_prod(*ends.T).view(-1, d).T
    features = torch.cat([features, outermost], dim=1)
    radix, lowest = _radix(features)
    keys, weights = _corners(features, radix, lowest)
    digits = []
    for weight in reversed(radix.tolist()):
        digits.append(keys // weight)
        keys = keys % weight
    corners = torch.stack(digits[::-1]) + lowest[:, None, None]  # (d, d + 1 corners, points)
    torch.testing.assert_close((corners * weights).sum(dim=1), _embed(features)[:d], rtol=0, atol=1e-3)
    torch.testing.assert_close(weights.sum(dim=0), torch.ones(200 + 2**d))
    assert weights.min() >= -1e-5
    kind = torch.arange(d + 1)[None, :, None].expand_as(corners)
    assert torch.equal(corners % (d + 1), kind)
    # and a step to a neighbour, up to d + 1 in every coordinate, stays among the digits
    digit_sizes = radix[1:] // radix[:-1]
    for digit, size in zip((corners - lowest[:, None, None])[:-1], digit_sizes, strict=True):
        assert digit.min() >= d + 1
        assert digit.max() + d + 1 < size


def test_the_lattice_has_no_preferred_direction() -> None:
    """A single point spreads as far along every axis, and as a Gaussian of standard deviation 1 does."""
    for axis in range(5):
        features = torch.zeros(5, 2001)
        features[axis] = torch.linspace(-5, 5, 2001)
        values = torch.zeros(1, 2001)
        values[0, 1000] = 1
        # averaged over shifts, because the answer depends on where in its simplex the point lies
        response = torch.zeros(1, 2001)
        for shift in torch.rand(60, 5, 1, generator=torch.Generator().manual_seed(2)) * 10:
            response += PermutohedralLattice(features + shift).filter(values)
        variance = (response * features[axis] ** 2).sum() / response.sum()
        assert variance.sqrt() == pytest.approx(1.0, abs=0.08)


def test_it_is_linear_and_channels_do_not_mix() -> None:
    lattice = PermutohedralLattice(points(4, 300))
    a, b = torch.rand(2, 300, generator=torch.Generator().manual_seed(3))
    together = lattice.filter(torch.stack([a, b, 2 * a - b]))
    torch.testing.assert_close(together[2], 2 * together[0] - together[1])
    torch.testing.assert_close(together[0], lattice.filter(a[None])[0])


def test_points_far_apart_do_not_hear_each_other() -> None:
    features = torch.tensor([[0.0, 0.3, 50.0], [0.0, 0.1, -40.0], [1.0, 1.2, 1.0]])
    heard = PermutohedralLattice(features).filter(torch.eye(3))
    assert heard[:2, :2].min() > 0
    assert heard[2, 2] > 0
    assert heard[2, :2].abs().max() == 0
    assert heard[:2, 2].abs().max() == 0


def test_more_points_than_a_chunk() -> None:
    features = points(2, CHUNK + 10)
    values = torch.rand(1, CHUNK + 10, generator=torch.Generator().manual_seed(4))
    last = PermutohedralLattice(features.flip(1)).filter(values.flip(1)).flip(1)
    torch.testing.assert_close(PermutohedralLattice(features).filter(values), last, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("features", [torch.zeros(5, 1), torch.full((5, 40), 3.7), torch.zeros(1, 7)])
def test_points_in_one_place(features) -> None:
    values = torch.arange(features.shape[1]).float()[None]
    got = smoothed(PermutohedralLattice(features).filter, values)
    torch.testing.assert_close(got, torch.full_like(got, float(values.mean())))


def test_too_many_standard_deviations_are_refused() -> None:
    with pytest.raises(ValueError, match="larger standard deviations"):
        PermutohedralLattice(torch.stack([torch.zeros(5), torch.full((5,), 1e5)], dim=1))
