import pytest
import torch

from hnseg.inference.tta import mirrored


@pytest.fixture
def net():
    torch.manual_seed(3)
    return torch.nn.Conv3d(1, 2, 3, padding=1).requires_grad_(False)


@pytest.mark.parametrize("dims", [[2], [3], [4], [2, 4], [2, 3, 4]])
def test_equivariant_to_every_mirroring(net, dims):
    image = torch.randn(2, 1, 6, 5, 7)
    smooth = mirrored(net)
    torch.testing.assert_close(smooth(image.flip(dims)), smooth(image).flip(dims))
    assert not torch.allclose(net(image.flip(dims)), net(image).flip(dims), atol=1e-3)


def test_left_and_right_stay_apart_without_the_x_axis(net):
    image = torch.randn(1, 1, 6, 5, 7)
    smooth = mirrored(net, axes=(0, 1))
    torch.testing.assert_close(smooth(image.flip([2, 3])), smooth(image).flip([2, 3]))
    assert not torch.allclose(smooth(image.flip([4])), smooth(image).flip([4]), atol=1e-3)


def test_mean_of_eight_answers_by_hand():
    ramp = torch.arange(4.0).reshape(1, 1, 1, 1, 4).expand(1, 1, 4, 4, 4)
    assert torch.equal(mirrored(lambda x: x * ramp)(torch.ones(1, 1, 4, 4, 4)), torch.full((1, 1, 4, 4, 4), 1.5))


def test_a_network_that_is_equivariant_already_is_unchanged():
    image = torch.randn(1, 2, 4, 4, 4)
    torch.testing.assert_close(mirrored(torch.sigmoid)(image), image.sigmoid())
