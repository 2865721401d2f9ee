import inspect

import pytest
import torch

import hnseg.models
from hnseg.models.layers import find_layer

NETWORKS = [getattr(hnseg.models, name) for name in hnseg.models.__all__ if name != "PetThreshold"]


def output_of(net, name, image):
    """What a layer gives, and whether the network's answer is made of nothing else but it and its head."""
    seen = []
    _, module = find_layer(net, name)
    handle = module.register_forward_hook(lambda *given: seen.append(given[2]))
    with torch.no_grad():
        answer = net(image)
    handle.remove()
    (maps,) = seen
    return maps, answer


def build(network, **kwargs):
    torch.manual_seed(0)
    return network(in_channels=2, out_channels=3, filters=4, spatial_dims=2, **kwargs).eval()


@pytest.mark.parametrize("network", NETWORKS)
def test_the_bottleneck_is_the_smallest_and_the_decoder_what_the_head_reads(network):
    net = build(network)
    size = (2 * net.divisor, 4 * net.divisor)
    image = torch.randn(1, 2, *size)
    deep, _ = output_of(net, "bottleneck", image)
    last, answer = output_of(net, "decoder", image)
    assert deep.shape[2:] == (2, 4)
    levels, _, number = find_layer(net, "bottleneck")[0].rpartition(".")
    assert int(number) == len(net.get_submodule(levels)) - 1
    if network.__name__ == "ResUNet":  # its last stage gives the logits themselves
        assert last.shape[2:] == (size[0] // 2, size[1] // 2)
    else:
        assert last.shape[2:] == size
        with torch.no_grad():
            assert torch.equal(net.head(last), answer)


@pytest.mark.parametrize("network", NETWORKS)
def test_the_named_layers_follow_every_option(network):
    options = inspect.signature(network).parameters
    variants = [{"checkpointing": True}]
    variants += [{"levels": 3}] if "levels" in options else []
    variants += [{"blocks_per_stage": (1,) * n} for n in (2, 3)] if "stages" in options else []
    variants += [{"deep_supervision": True}] if "deep_supervision" in options else []
    if "poolings" in options:
        variants += [{"block": "plain", "poolings": n} for n in (1, 4)] + [{"block": "res", "merge": "sum"}]
    for variant in variants:
        net = build(network, **variant)
        image = torch.randn(1, 2, 2 * net.divisor, 4 * net.divisor)
        for name in ("bottleneck", "decoder"):
            output_of(net, name, image)


@pytest.mark.parametrize(("sources", "maps"), [(5, 120), (6, 144)])
def test_the_last_decoder_stage_of_the_paper_has_its_144_maps(sources, maps):
    with torch.device("meta"):
        net = hnseg.models.UNet3Plus(2, 1, sources=sources)
    path, stage = find_layer(net, "decoder")
    assert path == "stages.3"
    assert stage.merge.conv.out_channels == net.head.in_channels == maps


def test_any_module_can_be_named_by_its_path():
    net = build(hnseg.models.UNet)
    assert find_layer(net, "down.1.0.conv") == ("down.1.0.conv", net.down[1][0].conv)


def test_what_is_not_there_is_answered_with_what_is():
    with pytest.raises(
        ValueError, match=r"layer=end: UNet has .* bottleneck \(down\.3\), decoder \(up\.2\), pool, .*head"
    ):
        find_layer(build(hnseg.models.UNet), "end")
    with pytest.raises(ValueError, match="no such layer"):
        find_layer(build(hnseg.models.UNet), "")
    hot = hnseg.models.PetThreshold(2, 1, 1, 1, ("pt",), (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="PetThreshold has no such layer; it has no layers at all"):
        find_layer(hot, "decoder")


def test_a_network_of_somebody_else_may_have_modules_called_layers():
    class Theirs(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.ModuleList([torch.nn.Identity()])

    assert find_layer(Theirs(), "layers.0")[0] == "layers.0"
    with pytest.raises(ValueError, match=r"it has layers, layers\.0"):
        find_layer(Theirs(), "bottleneck")
