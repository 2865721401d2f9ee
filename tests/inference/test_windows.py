import itertools

import pytest
import torch

from hnseg.inference.windows import window_starts, window_weight


@pytest.mark.parametrize("window", [(4, 4, 4), (7, 16, 9), (96, 96, 96), (1, 24, 24)])
@pytest.mark.parametrize("weighting", ["constant", "gaussian"])
def test_weights_equal_monais_with_the_same_least_weight(window, weighting):
    utils = pytest.importorskip("monai.data.utils")
    theirs = utils.compute_importance_map(window, mode=weighting, sigma_scale=0.125)
    torch.testing.assert_close(window_weight(window, weighting), theirs, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("size", "window", "overlap"), [(160, 96, 0.5), (97, 96, 0.5), (31, 8, 0.9), (8, 8, 0.5), (9, 1, 0.5)]
)
def test_windows_cover_everything_evenly(size, window, overlap):
    starts = window_starts(size, window, overlap)
    steps = [b - a for a, b in itertools.pairwise(starts)]
    assert starts[0] == 0
    assert starts[-1] == size - window
    assert max(steps, default=0) <= max(int(window * (1 - overlap)), 1)
    assert max(steps, default=0) - min(steps, default=0) <= 1
