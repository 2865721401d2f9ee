import cv2
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from hnseg.augment.three_points import SMALLEST_AREA, draw_affine, noise_sd, sampling_yx, smooth_noise


@pytest.mark.parametrize("size", [(64, 80), (81, 40)])
def test_the_map_is_that_of_opencv_for_three_jittered_points(size):
    middle, third = np.array(size) // 2, min(size) // 3
    corners = np.float32([middle + third, [middle[0] + third, middle[1] - third], middle - third])
    for seed in range(5):
        found = draw_affine(np.random.default_rng(seed), size, 0.1)
        offsets = np.random.default_rng(seed).uniform(-0.1, 0.1, (3, 2)) * min(size)
        forward = cv2.getAffineTransform(corners, np.float32(corners + offsets))
        np.testing.assert_allclose(found, cv2.invertAffineTransform(forward), atol=1e-4)


def test_without_jitter_nothing_moves():
    np.testing.assert_allclose(draw_affine(np.random.default_rng(0), (30, 50), 0.0), np.eye(2, 3), atol=1e-12)


def test_points_that_would_fall_together_are_drawn_again():
    determinants = [
        np.linalg.det(draw_affine(np.random.default_rng(seed), (256, 256), 0.3)[:, :2]) for seed in range(2000)
    ]
    assert min(determinants) > 0  # nothing is mirrored
    assert 2 < max(determinants) <= 1 / SMALLEST_AREA + 1e-9


@pytest.mark.parametrize("sigma_yx", [(3.0, 3.0), (2.0, 9.0), (50.0, 50.0)])
def test_noise_is_smoothed_as_scipy_does_it(sigma_yx):
    noise = 2 * np.random.default_rng(1).random((2, 40, 31), np.float32) - 1
    expected = [gaussian_filter(image, sigma_yx) for image in noise]
    found = smooth_noise(np.random.default_rng(1), (40, 31), sigma_yx)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_noise_has_the_spread_that_is_said():
    inner = [smooth_noise(np.random.default_rng(s), (120, 120), (4.0, 6.0))[:, 30:-30, 30:-30] for s in range(20)]
    assert np.std(inner) == pytest.approx(noise_sd((4.0, 6.0)), rel=0.05)


def test_positions_are_displaced_first_and_then_mapped():
    affine, displacement = np.array([[0.9, 0.2, 1.0], [-0.1, 1.1, 2.0]]), np.zeros((2, 3, 4), np.float32)
    displacement[:, 2, 1] = 0.5, -0.25
    found = sampling_yx(affine, displacement)
    np.testing.assert_allclose(found[:, 2, 1], affine @ [2.5, 0.75, 1], rtol=1e-6)
    np.testing.assert_allclose(found[:, 1, 3], affine @ [1, 3, 1], rtol=1e-6)
