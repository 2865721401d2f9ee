import pytest
import torch

from hnseg.models import SENormUNet, UNet
from hnseg.models.original_weights import load_original_weights, strip_module_prefix

NORM = [f"{gate}.{conv}" for gate in ("gamma", "beta") for conv in ("conv1", "conv2")]
LAYER = [f"{part}.{kind}" for part in ("conv", *(f"norm.{n}" for n in NORM)) for kind in ("weight", "bias")]


def original_names():
    """Parameter names of the authors' network, in their order: facts of their file format."""
    names = []
    for level, blocks in enumerate((2, 3, 3, 3, 3), start=1):
        for block in range(1, blocks + 1):
            names += [f"block_{level}_{block}_left.conv1.{part}" for part in LAYER]
            if block == 1:
                names += [f"block_{level}_{block}_left.res_conv.{part}" for part in LAYER]
    for level in (4, 3, 2, 1):
        names += [f"upconv_{level}.weight", f"upconv_{level}.bias"]
        names += [f"block_{level}_{block}_right.{part}" for block in (1, 2) for part in LAYER]
        if level > 1:
            names += [f"vision_{level}.conv.{part}" for part in LAYER]
    return [*names, "conv1x1.weight", "conv1x1.bias"]


def original_state(net, prefix="module."):
    """``net``'s weights under the authors' names, with the shapes that those names must have."""
    return {
        prefix + name: tensor.clone() for name, tensor in zip(original_names(), net.state_dict().values(), strict=True)
    }


def image():
    return torch.randn(1, 2, 16, 16, 32)


def test_names_and_shapes_agree_part_by_part():
    state = strip_module_prefix(original_state(SENormUNet(2, 1, filters=4)))
    assert state["block_1_1_left.conv1.conv.weight"].shape == (4, 2, 7, 7, 7)
    assert state["block_3_1_left.res_conv.conv.weight"].shape == (16, 8, 1, 1, 1)
    assert state["block_5_3_left.conv1.norm.beta.conv2.weight"].shape == (64, 32, 1, 1, 1)
    assert state["upconv_4.weight"].shape == (64, 32, 3, 3, 3)
    assert state["block_4_1_right.conv.weight"].shape == (32, 64, 3, 3, 3)
    assert state["vision_3.conv.conv.weight"].shape == (4, 16, 1, 1, 1)
    assert state["conv1x1.weight"].shape == (1, 4, 1, 1, 1)


@pytest.mark.parametrize(
    "wrap", [lambda s: s, lambda s: {"model_state_dict": s, "optimizer_state_dict": {"state": {}}}]
)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_weights_under_the_authors_names_give_the_same_logits(wrap, prefix):
    source, target, x = SENormUNet(2, 1, filters=3), SENormUNet(2, 1, filters=3), image()
    assert not torch.allclose(source(x), target(x))
    load_original_weights(target, wrap(original_state(source, prefix)))
    assert torch.equal(source(x), target(x))


def test_own_names_are_matched_by_name_whatever_the_order():
    source, target, x = UNet(2, 1, filters=3), UNet(2, 1, filters=3), image()
    load_original_weights(target, dict(reversed(source.state_dict().items())))
    assert torch.equal(source(x), target(x))


def test_the_first_shape_that_does_not_fit_is_named_and_nothing_is_loaded():
    target = SENormUNet(2, 1, filters=3)
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    with pytest.raises(ValueError, match=r"block_1_1_left\.conv1\.conv\.weight has shape \(4, 2, 7, 7, 7\)"):
        load_original_weights(target, original_state(SENormUNet(2, 1, filters=4)))
    state = original_state(target)
    state["module.upconv_1.bias"] = torch.zeros(5)
    with pytest.raises(ValueError, match=r"upconv_1\.bias"):
        load_original_weights(target, state)
    assert all(torch.equal(before[name], tensor) for name, tensor in target.state_dict().items())


def test_another_network_and_no_network_are_refused():
    with pytest.raises(ValueError, match=r"hold \d+ tensors"):
        load_original_weights(UNet(2, 1, filters=3), original_state(SENormUNet(2, 1, filters=3)))
    with pytest.raises(ValueError, match="no weights found"):
        load_original_weights(UNet(2, 1, filters=3), {"epoch": 3})
