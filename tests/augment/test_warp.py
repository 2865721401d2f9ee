import numpy as np
import pytest
import torch

from hnseg.augment import Warp
from hnseg.augment.warp import WarpParams, cubic_basis


def sample(size, seed=0):
    generator = torch.Generator().manual_seed(seed)
    image = torch.stack([torch.randn(size, generator=generator) * 500, torch.rand(size, generator=generator) * 10])
    label = torch.randint(0, 2, size, generator=generator).to(torch.uint8) * 7
    return image, label


def blob(size, centre, radius=3.0):
    axes = torch.meshgrid(*[torch.arange(n, dtype=torch.float32) for n in size], indexing="ij")
    distance2 = sum((axis - c) ** 2 for axis, c in zip(axes, centre, strict=True))
    label = (distance2 <= radius**2).to(torch.uint8) * 3
    image = torch.stack([label * 400.0 - 1024.0, label * 2.0])
    return image, label


def centroid(weights):
    index = torch.nonzero(weights).float()
    w = weights[weights != 0].float()
    return ((index * w[:, None]).sum(0) / w.sum()).numpy()


def still(warp, size):
    shape = tuple(basis.shape[1] for basis in warp._bases(size))
    return WarpParams(np.eye(len(size)), np.zeros((len(size), *shape)))


@pytest.mark.parametrize("size", [(9, 12, 15), (16, 20), (8, 1, 9)])
@pytest.mark.parametrize("spacing_mm", [(1, 1, 1), (3, 1, 0.5)])
def test_identity_parameters_change_nothing(size, spacing_mm):
    warp = Warp(spacing_mm=spacing_mm, control_mm=10, displacement_mm=3)
    image, label = sample(size)
    moved, mask = warp.apply(image, label, still(warp, size))
    torch.testing.assert_close(moved, image, atol=0.05, rtol=1e-4)
    assert torch.equal(mask, label)


@pytest.mark.parametrize(("voxels", "spacing_mm", "control_mm"), [(10, 1.0, 4.0), (7, 3.0, 32.0), (1, 1.0, 8.0)])
def test_spline_weights_reproduce_constants_and_lines(voxels, spacing_mm, control_mm):
    basis = cubic_basis(voxels, spacing_mm, control_mm)
    np.testing.assert_allclose(basis.sum(axis=1), 1, atol=1e-6)
    points = (np.arange(basis.shape[1]) - (basis.shape[1] - 1) / 2) * control_mm
    np.testing.assert_allclose(basis @ points, (np.arange(voxels) - (voxels - 1) / 2) * spacing_mm, atol=1e-4)


def test_spline_weights_are_those_of_scipy():
    from scipy.interpolate import BSpline

    basis = cubic_basis(21, 1.0, 5.0)  # knots at -10, -5, 0, 5, 10 from the centre
    knots = np.arange(-3, 8) * 5.0 - 10.0
    reference = BSpline.design_matrix(np.arange(21) - 10.0, knots, 3).toarray()
    np.testing.assert_allclose(basis, reference, atol=1e-6)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (2.0, 1.0, 1.0)])
def test_rotation_and_scale_take_a_blob_where_the_matrix_says(spacing_mm):
    size, centre = (33, 35, 37), np.array([20.0, 10.0, 22.0])
    warp = Warp(spacing_mm=spacing_mm)
    angle = np.deg2rad(25)
    matrix = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    matrix = matrix @ np.diag([1.1, 0.9, 1.2])
    image, label = blob(size, centre)
    moved, mask = warp.apply(image, label, WarpParams(matrix, still(warp, size).displacement_mm))
    middle = (np.array(size) - 1) / 2
    expected = matrix @ ((centre - middle) * spacing_mm) / spacing_mm + middle
    np.testing.assert_allclose(centroid(mask), expected, atol=0.4)
    np.testing.assert_allclose(centroid(moved[1]), expected, atol=0.2)
    np.testing.assert_allclose(centroid(moved[0] + 1024), expected, atol=0.2)


def test_a_constant_displacement_shifts_and_fills_with_air_and_background():
    size = (12, 12, 12)
    warp = Warp(spacing_mm=(2, 1, 1), control_mm=20)
    image, label = sample(size)
    params = still(warp, size)
    params.displacement_mm[0] = 4.0  # two voxels along z
    moved, mask = warp.apply(image, label, params)
    torch.testing.assert_close(moved[:, :-2], image[:, 2:], atol=0.05, rtol=1e-4)
    assert torch.equal(mask[:-2], label[2:])
    assert (moved[0, -1] == -1024).all()
    assert (moved[1, -1] == 0).all()
    assert (mask[-2:] == 0).all()


@pytest.mark.parametrize("size", [(24, 24, 24), (32, 32)])
def test_deformation_is_one_to_one_at_its_largest(size):
    warp = Warp(p_elastic=1, p_rotate=1, p_scale=1, control_mm=8, displacement_mm=3.2)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        params = warp.draw(rng, size)
        params.displacement_mm[...] = 3.2 * rng.choice([-1, 1], params.displacement_mm.shape)
        grid = warp.sampling_grid(size, params).double().numpy()[..., ::-1] * (np.array(size) / 2)
        jacobian = np.stack([np.stack(np.gradient(grid[..., a]), -1) for a in range(len(size))], -2)
        assert np.linalg.det(jacobian).min() > 0


@pytest.mark.parametrize("size", [(16, 18, 20), (32, 30)])
def test_labels_are_never_invented_and_move_with_the_image(size):
    warp = Warp(p_rotate=1, p_scale=1, p_elastic=1, control_mm=12, displacement_mm=4)
    for seed in range(5):
        _, label = blob(size, [n / 2 for n in size], radius=6.0)
        image = torch.stack([label * 100.0 - 1024, label * 1.0])
        moved, mask = warp(image, label, np.random.default_rng(seed))
        assert set(mask.unique().tolist()) <= {0, 3}
        agree = ((moved[1] > 1.5) == (mask == 3)).float().mean()
        assert agree > 0.98
        assert not torch.equal(mask, label)


def test_what_fires_follows_its_probability():
    warp = Warp(p_rotate=0.2, p_scale=0, p_elastic=0, rotation_deg=10)
    drawn = [warp.draw(np.random.default_rng(seed), (16, 16, 16)) for seed in range(500)]
    fired = [params for params in drawn if params is not None]
    assert 70 < len(fired) < 130
    for params in fired:
        np.testing.assert_allclose(params.matrix @ params.matrix.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(params.matrix) == pytest.approx(1)
        assert not params.displacement_mm.any()
    image, label = sample((8, 8, 8))
    assert Warp(p_rotate=0, p_scale=0, p_elastic=0)(image, label, np.random.default_rng(0))[0] is image


def test_scales_stay_between_their_bounds():
    warp = Warp(p_rotate=0, p_scale=1, p_elastic=0, scale=(0.5, 2.0))
    factors = np.array([np.diag(warp.draw(np.random.default_rng(s), (8, 8)).matrix) for s in range(300)])
    assert factors.min() >= 0.5
    assert factors.max() <= 2.0
    assert 0.4 < (factors < 1).mean() < 0.6


def test_displacements_stay_below_their_largest_and_differ_in_amplitude():
    warp = Warp(p_rotate=0, p_scale=0, p_elastic=1, displacement_mm=5)
    drawn = [warp.draw(np.random.default_rng(s), (24, 24, 24)).displacement_mm for s in range(100)]
    amplitudes = np.array([np.abs(d).max() for d in drawn])
    assert amplitudes.max() <= 5
    assert amplitudes.min() < 1
    assert abs(np.mean([d.mean() for d in drawn])) < 0.1


def test_impossible_ranges_are_refused():
    with pytest.raises(ValueError, match=r"folds from 12\.9 mm"):
        Warp(control_mm=32, displacement_mm=13)
    with pytest.raises(ValueError, match="scale"):
        Warp(scale=(1.2, 0.8))
    with pytest.raises(ValueError, match="spacing_mm"):
        Warp(spacing_mm=(1, 1))
