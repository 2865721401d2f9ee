import torch

from hnseg.models import UNet


def test_parameter_count():
    assert sum(p.numel() for p in UNet(2, 1).parameters()) == 3_611_665


def test_instance_normalisation_is_the_affine_one_of_torch():
    net = UNet(2, 1, filters=2)
    block = net.down[0][0]
    reference = torch.nn.InstanceNorm3d(2, affine=True)
    torch.nn.init.normal_(block.norm.weight)
    reference.load_state_dict(block.norm.state_dict())
    x = torch.randn(2, 2, 4, 5, 6)
    torch.testing.assert_close(block.norm(x), reference(x), atol=1e-6, rtol=1e-5)


def test_convolutions_of_the_blocks_have_no_bias():
    net = UNet(2, 1, filters=2)
    biased = [name for name, _ in net.named_parameters() if name.endswith("conv.bias")]
    assert biased == []
