import pytest
import torch

from hnseg.models import SENormUNet
from hnseg.models.senorm_unet import SENormEncoder


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("filters", "parameters"), [(24, 21_751_681), (8, 2_423_937), (4, 608_641)])
def test_parameter_count(filters, parameters):
    assert count(SENormUNet(2, 1, filters)) == parameters


def test_parameter_count_of_every_part_at_24_filters():
    net = SENormUNet(2, 1)
    assert [[count(block) for block in level] for level in net.encoder.levels] == [
        [19_008, 16_800],
        [41_856, 67_008, 67_008],
        [166_656, 267_648, 267_648],
        [665_088, 1_069_824, 1_069_824],
        [2_657_280, 4_277_760, 4_277_760],
    ]
    assert count(net.encoder) == 14_931_168
    levels = (net.decoder4, net.decoder3, net.decoder2, net.decoder1)
    assert [count(level.up) for level in levels] == [1_990_848, 497_760, 124_464, 31_128]
    assert [count(level.merge) for level in levels] == [2_065_152, 516_480, 129_216, 32_352]
    assert [count(level.refine) for level in levels] == [1_069_824, 267_648, 67_008, 16_800]
    assert [count(path) for path in (net.path4, net.path3, net.path2)] == [5_856, 3_552, 2_400]
    assert count(net.head) == 25


def test_encoder_halves_the_size_and_doubles_the_channels():
    encoder = SENormEncoder(2, filters=2, spatial_dims=2)
    features = encoder(torch.randn(1, 2, 32, 48))
    assert [tuple(f.shape[1:]) for f in features] == [(2, 32, 48), (4, 16, 24), (8, 8, 12), (16, 4, 6), (32, 2, 3)]
    assert encoder.channels == (2, 4, 8, 16, 32)


def test_every_upsampling_path_reaches_the_output():
    torch.manual_seed(0)
    net = SENormUNet(2, 1, filters=2).eval()
    image = torch.randn(1, 2, 16, 16, 32)
    before = net(image)
    for path in (net.path4, net.path3, net.path2):
        change = path.register_forward_hook(lambda *args: args[2] + torch.randn_like(args[2]))
        assert (net(image) - before).abs().max() > 1e-4
        change.remove()


def test_skips_are_concatenated_behind_what_is_upsampled():
    net = SENormUNet(2, 1, filters=2)
    skips, merged = [], []
    net.encoder.levels[0].register_forward_hook(lambda *args: skips.append(args[2]))
    net.decoder1.merge.register_forward_pre_hook(lambda *args: merged.append(args[1][0]))
    net(torch.randn(1, 2, 16, 16, 32))
    assert torch.equal(merged[0][:, 2:], skips[0])


def test_the_sizes_of_the_original():
    net = SENormUNet(2, 1, filters=2)
    assert net(torch.zeros(1, 2, 48, 32, 16)).shape == (1, 1, 48, 32, 16)
    for size in ((16, 16, 16), (40, 40, 40)):
        with pytest.raises(ValueError):
            net(torch.zeros(1, 2, *size))
