import math

import pytest
import torch

from hnseg.postprocess.mean_field import mean_field, mean_field_each


def neighbour(values):
    """A kernel of two voxels that hear only each other."""
    return values.flip(3)


def test_two_voxels_by_hand() -> None:
    """p = 0.9 and 0.4; each hears the other with weight 2, so that its log odds grow by 2 (2 q - 1) of the other."""
    got = mean_field_each(torch.tensor([0.9, 0.4]).view(1, 1, 1, 2), [lambda v: 2 * neighbour(v)], 1).flatten()
    first = math.log(9) + 2 * (2 * 0.4 - 1)
    second = math.log(0.4 / 0.6) + 2 * (2 * 0.9 - 1)
    assert got.tolist() == pytest.approx([1 / (1 + math.exp(-first)), 1 / (1 + math.exp(-second))], abs=1e-6)


def test_three_labels_by_hand() -> None:
    p = torch.tensor([[0.5, 0.1], [0.3, 0.2], [0.2, 0.7]]).view(3, 1, 1, 2)
    got = mean_field(p, [neighbour], 1)[..., 0].flatten()
    energies = [0.5 * math.exp(0.1), 0.3 * math.exp(0.2), 0.2 * math.exp(0.7)]
    assert got.tolist() == pytest.approx([e / sum(energies) for e in energies], abs=1e-6)


def test_a_structure_against_its_background_is_two_labels() -> None:
    p = torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    each = mean_field_each(p, [neighbour, lambda v: 3 * v.roll(1, 1)], 4)
    for structure in range(2):
        pair = torch.stack([1 - p[structure], p[structure]])
        torch.testing.assert_close(mean_field(pair, [neighbour, lambda v: 3 * v.roll(1, 1)], 4)[1], each[structure])


def test_labels_may_change_places() -> None:
    p = torch.rand(4, 2, 3, 5, generator=torch.Generator().manual_seed(1)).softmax(dim=0)
    order = [2, 0, 3, 1]
    torch.testing.assert_close(mean_field(p[order], [neighbour], 3), mean_field(p, [neighbour], 3)[order])


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_certain_probabilities_stay_finite_and_can_be_outvoted(value) -> None:
    p = torch.full((1, 1, 1, 2), value)
    assert mean_field_each(p, [], 1).flatten().tolist() == pytest.approx([value] * 2, abs=2e-5)
    p[..., 1] = 1 - value
    got = mean_field_each(p, [lambda v: 30 * neighbour(v)], 1)
    assert (got[..., 0] > 0.5) == (value == 0.0)
