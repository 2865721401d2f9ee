import pytest
import torch

from hnseg.postprocess import kernels
from hnseg.postprocess.kernels import bilateral_kernel, normalized, position_kernel, window_kernel

SHAPE = (3, 5, 4)
STEP = (0.6, 0.2, 0.35)


def values(channels=2, shape=SHAPE):
    return torch.rand(channels, *shape, generator=torch.Generator().manual_seed(0))


def intensity(shape=SHAPE):
    return torch.randn(2, *shape, generator=torch.Generator().manual_seed(1))


def looped(given, step, half, images=None):
    """Voxel by voxel."""
    out = torch.zeros_like(given)
    voxels = list(torch.cartesian_prod(*(torch.arange(size) for size in given.shape[1:])))
    for i in voxels:
        for j in voxels:
            if half is not None and (i - j).abs().max() > half:
                continue
            squared = float(((i - j) * torch.tensor(step)).pow(2).sum())
            if images is not None:
                squared += float((images[:, *i] - images[:, *j]).pow(2).sum())
            out[:, *i] += torch.exp(torch.tensor(-squared / 2)) * given[:, *j]
    return out


@pytest.mark.parametrize("half", [None, 2])
def test_position_kernel(half) -> None:
    got = position_kernel(SHAPE, STEP, half, values())(values())
    torch.testing.assert_close(got, looped(values(), STEP, half), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kept", [0, 10 * 60, kernels.KEPT])
@pytest.mark.parametrize("half", [1, 2])
def test_window_kernel(half, kept, monkeypatch) -> None:
    monkeypatch.setattr(kernels, "KEPT", kept)
    kernel = window_kernel(intensity(), STEP, half)
    for given in (values(), values().flip(1)):  # the second meets what the first left
        torch.testing.assert_close(kernel(given), looped(given, STEP, half, intensity()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 7, 6), (5, 1, 1), (1, 1, 1), (2, 3, 1)])
def test_axes_shorter_than_the_window(shape) -> None:
    given, images = values(1, shape), intensity(shape)
    torch.testing.assert_close(window_kernel(images, STEP, 3)(given), looped(given, STEP, 3, images))
    torch.testing.assert_close(position_kernel(shape, STEP, 3, given)(given), looped(given, STEP, 3))


def test_a_window_as_wide_as_the_image_is_the_full_kernel() -> None:
    """The lattice against all pairs, through the sums that it is used with."""
    shape = (7, 8, 9)
    given, images = values(2, shape), intensity(shape) / 2
    full = normalized(bilateral_kernel(images, STEP, (0, 0, 0)), "symmetric", 1.0, given)(given)
    wide = normalized(window_kernel(images, STEP, 9), "symmetric", 1.0, given)(given)
    assert (full - wide).abs().max() < 0.05
    assert (full - wide).pow(2).mean().sqrt() < 0.02
    assert full.std() > 0.05


def test_a_part_of_an_image_meets_the_lattice_of_the_whole() -> None:
    """Corners that both touch are the same ones: far from what was cut away, nothing changes at all."""
    images = intensity((40, 4, 4)).clamp(-0.1, 0.1)
    given = torch.zeros(1, 40, 4, 4)
    given[:, 25:30] = values(1, (5, 4, 4))
    whole = bilateral_kernel(images, (0.5, 0.5, 0.5), (0, 0, 0))(given)[:, 15:40]
    part = bilateral_kernel(images[:, 15:40].contiguous(), (0.5, 0.5, 0.5), (15, 0, 0))(given[:, 15:40])
    shifted = bilateral_kernel(images[:, 15:40].contiguous(), (0.5, 0.5, 0.5), (0, 0, 0))(given[:, 15:40])
    torch.testing.assert_close(part, whole, rtol=1e-4, atol=1e-5)
    assert (shifted - whole).abs().max() > 1e-3


def test_normalizations() -> None:
    given = values()
    kernel = position_kernel(SHAPE, STEP, None, given)
    sums = kernel(torch.ones_like(given[:1]))
    raw = looped(given, STEP, None)
    after = normalized(kernel, "after", 2.0, given)
    torch.testing.assert_close(after(given), 2 * raw / sums)
    torch.testing.assert_close(after(torch.ones_like(given)), torch.full_like(given, 2.0))
    torch.testing.assert_close(normalized(kernel, "before", 1.0, given)(given), looped(given / sums, STEP, None))
    symmetric = looped(given / sums.sqrt(), STEP, None) / sums.sqrt()
    torch.testing.assert_close(normalized(kernel, "symmetric", 1.0, given)(given), symmetric)
