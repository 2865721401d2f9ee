import pytest
import torch
from torch import nn

from hnseg.models import AnatomyNet, ResUNet, SENormUNet, UNet3Plus
from hnseg.models.memory import training_bytes

FLOAT = 4


def test_one_convolution_by_hand() -> None:
    # 2 -> 3 channels, 3^3: 3 * 2 * 27 + 3 = 165 weights, each with its gradient and Adam's two numbers; at the end live
    # the image, the outputs and their gradient
    found = training_bytes(lambda: nn.Conv3d(2, 3, 3, padding=1), (1, 2, 8, 8, 8))
    assert found == FLOAT * (4 * 165 + (2 + 3 + 3) * 8**3)


def test_what_two_layers_share_counts_once() -> None:
    # The most is held at the ReLU's gradient (4 channels), made of what the second convolution gave (4, its weight's
    # too), while the image (1), what ReLU and convolution share (4), the outputs and their gradient (1 each) live.
    def build() -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 4, 1, bias=False), nn.ReLU(inplace=True), nn.Conv2d(4, 1, 1, bias=False))

    assert training_bytes(build, (2, 1, 6, 5)) == FLOAT * (3 * 8 + 4 + 2 * 30 * (4 + 4 + 1 + 4 + 1 + 1))


def test_what_is_freed_does_not_add_up() -> None:
    # a sum needs nothing for its gradient
    class Chain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            for _ in range(10):
                image = image + 1
            return image + self.scale

    # at a sum the image, what it gets and what it gives; at the end the image, the outputs and their gradient
    assert training_bytes(Chain, (1, 700)) == FLOAT * (4 + 3 * 700)


def test_under_autocast_layers_keep_their_input_and_weights_in_its_precision() -> None:
    found = training_bytes(lambda: nn.Conv3d(2, 3, 3, padding=1), (1, 2, 8, 8, 8), torch.bfloat16)
    image, lowered, outputs = FLOAT * 2 * 8**3, 2 * (162 + 2 * 8**3), 2 * 3 * 8**3
    # the lowered copy of the bias is not kept for the gradient; gradients are lowered, too, when the most is held
    assert found == FLOAT * 3 * 165 + image + lowered + 2 * outputs + 2 * 165


def test_a_loss_adds_what_it_holds() -> None:
    def squares(outputs: torch.Tensor, target: torch.Tensor, counts: torch.Tensor) -> torch.Tensor:
        return ((outputs - target) * counts[:, :, None, None]).square().sum()

    def build() -> nn.Module:
        return nn.Conv2d(1, 2, 1, bias=False)

    voxels = FLOAT * 2 * 60 * 60
    more = training_bytes(build, (1, 1, 60, 60), loss=squares) - training_bytes(build, (1, 1, 60, 60))
    # beside outputs and one gradient: the target, and the two more that the square needs at its gradient
    assert more == pytest.approx(3 * voxels, abs=100)


def test_bf16_halves_what_a_network_keeps() -> None:
    def build() -> nn.Module:
        return UNet3Plus(in_channels=2, out_channels=1, filters=4)

    weights, shape = FLOAT * 4 * sum(p.numel() for p in build().parameters()), (1, 2, 64, 64, 64)
    single, half = training_bytes(build, shape) - weights, training_bytes(build, shape, torch.bfloat16) - weights
    assert half == pytest.approx(single / 2, rel=0.1)  # places of maxima stay 64-bit whole numbers


def test_activations_grow_with_the_image_and_weights_do_not() -> None:
    def build() -> nn.Module:
        return SENormUNet(in_channels=2, out_channels=1, filters=4)

    weights = FLOAT * 3 * sum(p.numel() for p in build().parameters())  # most is held before there are gradients
    one, two, eight = (
        training_bytes(build, shape) - weights for shape in [(1, 2, 32, 32, 32), (2, 2, 32, 32, 32), (1, 2, 64, 64, 64)]
    )
    assert two == pytest.approx(2 * one, rel=1e-6)
    assert eight == pytest.approx(8 * one, rel=0.01)  # the SE gates' vectors do not grow


def test_checkpointing_holds_less() -> None:
    def build(checkpointing: bool) -> nn.Module:
        return SENormUNet(in_channels=2, out_channels=1, filters=4, checkpointing=checkpointing)

    shape = (1, 2, 64, 64, 64)
    assert training_bytes(lambda: build(True), shape) < 0.6 * training_bytes(lambda: build(False), shape)


@pytest.mark.parametrize("network", [AnatomyNet, ResUNet])
def test_what_is_computed_again_is_counted(network: type[nn.Module]) -> None:
    def build() -> nn.Module:
        made: nn.Module = network(1, 3, filters=8, spatial_dims=2, checkpointing=True)
        return made

    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor):
        kept: list[torch.Tensor] = []
        build()(torch.empty(1, 1, 128, 128))
    unique = {tensor.untyped_storage()._cdata: tensor.untyped_storage().nbytes() for tensor in kept}
    assert training_bytes(build, (1, 1, 128, 128)) > 1.2 * sum(unique.values())


def test_nothing_is_allocated() -> None:
    # 24 filters at 512^3 would take 600 GiB
    found = training_bytes(lambda: SENormUNet(in_channels=2, out_channels=1, filters=24), (1, 2, 512, 512, 512))
    assert found > 200 * 2**30
