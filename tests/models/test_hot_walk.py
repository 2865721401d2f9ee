import numpy as np
import pytest
from scipy import ndimage

from hnseg.models.hot_region import hot_region
from hnseg.models.hot_walk import STIFFNESS, component_at, walked


def naive(pet, seeds, spacing):
    """The same walk by one dense linear system: neighbours share a face."""
    data = pet / pet.max()
    places, size = np.arange(pet.size).reshape(pet.shape), pet.size
    laplacian = np.zeros((size, size))
    for axis, step in enumerate(spacing):
        low, high = (np.take(places, range(part, pet.shape[axis] - 1 + part), axis).ravel() for part in (0, 1))
        steps = (data.ravel()[high] - data.ravel()[low]) / step
        weights = np.exp(-STIFFNESS * steps**2 / (10 * data.std()))
        laplacian[low, high] = laplacian[high, low] = -weights
    laplacian -= np.diag(laplacian.sum(axis=1))
    free, fixed = np.flatnonzero(seeds.ravel() == 0), np.flatnonzero(seeds.ravel())
    wall = laplacian[np.ix_(free, fixed)] @ (seeds.ravel()[fixed] == 1)
    chance = (seeds.ravel() == 1).astype(float)
    chance[free] = np.linalg.solve(laplacian[np.ix_(free, free)], -wall)
    return (chance > 0.5).reshape(pet.shape)


@pytest.mark.parametrize("seed", range(6))
def test_equals_one_dense_system(seed):
    spatial_dims = 2 + seed % 2
    rng, size = np.random.default_rng(seed), (9, 11) if spatial_dims == 2 else (5, 8, 7)
    spacing = (4.0, 2.0, 3.0)[-spatial_dims:]
    far_mm = np.linalg.norm((np.indices(size).T - np.array(size) // 2) * spacing, axis=-1).T
    pet = (8 * np.exp(-(far_mm**2) / 80) + 2 * rng.random(size)).astype(np.float32)
    pet[tuple(n // 2 for n in size)] = 11
    peak, allowed = tuple(n // 2 for n in size), rng.random(size) > 0.05
    allowed[peak] = True
    between = component_at(allowed & (pet >= 0.2 * pet.max()), peak)
    inside = component_at(between & (pet >= 0.6 * pet.max()), peak)
    expected = naive(pet, np.where(inside, 1, np.where(between, 0, 2)), np.array(spacing) / min(spacing))
    found = walked(pet, allowed, peak, spacing)
    assert np.array_equal(found, expected)
    assert inside.sum() < found.sum() < between.sum()


@pytest.mark.parametrize(("shape", "spacing"), [((61, 61), (1.0, 1.0)), ((23, 33, 33), (3.0, 2.0, 2.0))])
def test_a_blurred_ball_is_found(shape, spacing):
    middle = np.array(shape) // 2
    far_mm = np.linalg.norm((np.indices(shape).T - middle) * spacing, axis=-1).T
    ball, rng = far_mm <= 14, np.random.default_rng(0)
    pet = ndimage.gaussian_filter(1 + 8.0 * ball, 6 / 2.355 / np.array(spacing)) + rng.normal(0, 0.3, shape)
    region = hot_region(pet, middle[None], spacing, method="random_walker")
    assert 2 * (region & ball).sum() / (region.sum() + ball.sum()) > 0.93


def test_a_negative_click_cuts_what_has_leaked():
    pet = np.ones((21, 41))
    pet[8:13, 5:36] = 9
    tumour, brain = np.array([[10, 10]]), np.array([[10, 30]])
    leaked = hot_region(pet, tumour, (1.0, 1.0), method="random_walker")
    cut = hot_region(pet, tumour, (1.0, 1.0), method="random_walker", negatives=brain)
    assert leaked[10, 5:36].all()
    assert cut[10, 5:20].all()
    assert not cut[:, 21:].any()


def test_where_everything_is_hot_or_nothing_is_in_doubt_nobody_walks():
    allowed = np.ones((5, 6), bool)
    assert walked(np.full((5, 6), 3, np.float32), allowed, (2, 2), (1.0, 1.0)).all()
    sharp = np.zeros((5, 6), np.float32)
    sharp[1:3, 2:4] = 7
    assert np.array_equal(walked(sharp, allowed, (1, 2), (1.0, 1.0)), sharp > 0)


def test_what_does_not_hang_together_with_the_peak_is_not_its():
    pet = np.full((9, 21), 0.1, np.float32)
    pet[3:6, 3:6] = pet[3:6, 14:17] = 8
    pet[2:7, 2] = pet[2:7, 13] = 3
    found = walked(pet, np.ones(pet.shape, bool), (4, 4), (1.0, 1.0))
    assert found[3:6, 3:6].all()
    assert not found[:, 8:].any()
