import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform, gaussian_filter, map_coordinates

from hnseg.augment import AffineElastic
from hnseg.augment.anatomynet import AffineElasticParams, sampling_grid

SIZE = (3, 90, 110)


def smooth_sample(size=SIZE):
    """A CT without edges, so that interpolating twice blurs little, and balls as labels."""
    generator = np.random.default_rng(0)
    ct_hu = (gaussian_filter(generator.standard_normal(size), (0, 6, 6)) * 4000).astype(np.float32)
    return torch.from_numpy(ct_hu[None]), torch.from_numpy((ct_hu > 60).astype(np.uint8) * 4)


def still(size):
    return AffineElasticParams(np.eye(2, 3), np.zeros((2, *size[-2:]), np.float32))


def test_nothing_drawn_changes_nothing():
    image, label = smooth_sample()
    out, mask = AffineElastic().apply(image, label, still(SIZE))
    torch.testing.assert_close(out, image, atol=0.05, rtol=1e-4)
    assert torch.equal(mask, label)


def test_it_agrees_with_scipys_interpolation():
    image, label = smooth_sample()
    augment = AffineElastic()
    for seed in range(3):
        params = augment.draw(np.random.default_rng(seed), SIZE)
        out, mask = augment.apply(image, label, params)
        y, x = np.meshgrid(np.arange(90.0), np.arange(110.0), indexing="ij")
        moved = np.stack([y, x]) + params.displacement
        positions = np.tensordot(params.affine[:, :2], moved, axes=1) + params.affine[:, 2:, None]
        inside = ((positions > 0) & (positions < np.array([89, 109])[:, None, None])).all(axis=0)
        assert 0.6 < inside.mean() < 1
        for z in range(3):
            expected = map_coordinates(image[0, z].numpy(), positions, order=1)
            np.testing.assert_allclose(out[0, z].numpy()[inside], expected[inside], atol=0.5)
            nearest = map_coordinates(label[z].numpy(), positions, order=0)
            assert (mask[z].numpy() == nearest)[inside].mean() > 0.999  # ties in float32


def test_one_interpolation_does_what_the_authors_two_do():
    image, label = smooth_sample()
    augment = AffineElastic()
    params = augment.draw(np.random.default_rng(4), SIZE)
    out, mask = augment.apply(image, label, params)
    matrix, offset = params.affine[:, :2], params.affine[:, 2]
    positions = np.stack(np.meshgrid(np.arange(90.0), np.arange(110.0), indexing="ij")) + params.displacement
    for z in range(3):
        ct_once = affine_transform(image[0, z].numpy(), matrix, offset, order=1, cval=-1024)
        ct_twice = map_coordinates(ct_once, positions, order=1, cval=-1024)
        centre = (slice(25, -25), slice(25, -25))
        difference = np.abs(out[0, z].numpy() - ct_twice)[centre]
        assert difference.mean() < 0.01 * float(image.std())  # HU; the second interpolation blurs
        mask_once = affine_transform(label[z].numpy(), matrix, offset, order=0)
        mask_twice = map_coordinates(mask_once, positions, order=0)
        assert (mask[z].numpy() == mask_twice)[centre].mean() > 0.96


def test_outside_is_air_and_background():
    image, label = torch.full((2, 2, 30, 30), 40.0), torch.full((2, 30, 30), 5, dtype=torch.uint8)
    away = AffineElasticParams(np.array([[1.0, 0, 0], [0, 1, 20]]), np.zeros((2, 30, 30), np.float32))
    out, mask = AffineElastic(("ct", "pt")).apply(image, label, away)
    assert (out[0, :, :, 12:] == -1024).all()
    assert (out[1, :, :, 12:] == 0).all()
    assert (mask[:, :, 12:] == 0).all()
    assert (out[:, :, :, :9] == 40).all()


def test_all_slices_move_alike_and_as_a_slice_does_by_itself():
    image, label = smooth_sample()
    image, label = image[:, :1].repeat(1, 4, 1, 1), label[:1].repeat(4, 1, 1)
    out, mask = AffineElastic()(image, label, np.random.default_rng(2))
    alone, flat = AffineElastic()(image[:, 0], label[0], np.random.default_rng(2))
    for z in range(4):
        assert torch.equal(out[:, z], alone)
        assert torch.equal(mask[z], flat)
    assert not torch.equal(alone, image[:, 0])


def test_at_076_mm_the_displacement_is_a_thousand_times_noise_smoothed_by_30_pixels():
    size = (4, 200, 220)
    rng = np.random.default_rng(7)
    params = AffineElastic().draw(rng, size)
    again = np.random.default_rng(7)
    again.uniform(size=(3, 2))
    noise = 2 * again.random((2, 200, 220), np.float32) - 1
    expected = np.stack([1000 * gaussian_filter(image, 30.0) for image in noise])
    np.testing.assert_allclose(params.displacement, expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("spacing_mm", [(3.0, 0.76, 0.76), (1.0, 2.0, 1.0)])
def test_displacement_is_as_large_in_millimetres_on_any_grid(spacing_mm):
    augment = AffineElastic(spacing_mm=spacing_mm)
    size = tuple(int(400 / s) for s in spacing_mm[1:])
    drawn = [augment.draw(np.random.default_rng(seed), size).displacement for seed in range(12)]
    margin = tuple(slice(int(80 / s), -int(80 / s)) for s in spacing_mm[1:])
    for axis, step in enumerate(spacing_mm[1:]):
        inner = [step * field[axis][margin] for field in drawn]
        assert np.sqrt(np.mean(np.square(inner))) == pytest.approx(4.13, rel=0.12)


def test_it_never_folds():
    augment = AffineElastic()
    for seed in range(10):
        grid = sampling_grid(augment.draw(np.random.default_rng(seed), (200, 200))).numpy()
        dy, dx = np.diff(grid, axis=0)[:, :-1], np.diff(grid, axis=1)[:-1]
        assert (dx[..., 0] * dy[..., 1] - dx[..., 1] * dy[..., 0]).min() > 0


@pytest.mark.parametrize("wrong", [{"jitter": 0.4}, {"jitter": -0.1}, {"displacement_mm": 8.0}])
def test_what_folds_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AffineElastic(**wrong)
