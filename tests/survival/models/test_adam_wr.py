import math

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts

from hnseg.survival.models.adam_wr import adam_wr, eta


def test_cycles_double_and_start_lower_by_hand():
    found = [eta(step, first_cycle=2) for step in (0, 1, 2, 4, 6, 10, 13, 14)]
    late = (1 + math.cos(math.pi * 7 / 8)) / 2
    assert found == pytest.approx([1, 0.5, 0.8, 0.4, 0.64, 0.32, 0.64 * late, 0.512])


def test_without_falling_it_is_torchs_schedule():
    optimiser = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs = CosineAnnealingWarmRestarts(optimiser, T_0=3, T_mult=2)
    for step in range(40):
        assert eta(step, first_cycle=3, falling=1.0) == pytest.approx(optimiser.param_groups[0]["lr"])
        optimiser.step()
        theirs.step()


def test_steps_are_those_of_the_papers_algorithm():
    gradients = np.random.default_rng(0).normal(size=(9, 2))
    weights = torch.nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    made = adam_wr([weights], lr=0.1, decay=0.05, steps_per_epoch=2)
    schedule = made["lr_scheduler"]
    assert schedule["interval"] == "step"
    expected, mean, square = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2)
    for step, gradient in enumerate(gradients):
        mean, square = 0.9 * mean + 0.1 * gradient, 0.99 * square + 0.01 * gradient**2
        direction = mean / (1 - 0.9 ** (step + 1)) / (np.sqrt(square / (1 - 0.99 ** (step + 1))) + 1e-8)
        expected = expected - eta(step, 2) * (0.1 * direction + 0.05 * expected)
        weights.grad = torch.from_numpy(gradient)
        made["optimizer"].step()
        schedule["scheduler"].step()
        assert weights.detach().numpy() == pytest.approx(expected)
