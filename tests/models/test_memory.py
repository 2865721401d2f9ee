import pytest
import torch
from torch import nn

from hnseg.models import SENormUNet, UNet3Plus
from hnseg.models.memory import training_bytes

FLOAT = 4


def test_one_convolution_by_hand() -> None:
    # 2 -> 3 channels, 3^3: 3 * 2 * 27 + 3 = 165 weights, each with its gradient and Adam's two numbers; autograd keeps
    # the input, and the weights themselves, which must not count twice
    found = training_bytes(lambda: nn.Conv3d(2, 3, 3, padding=1), (1, 2, 8, 8, 8))
    assert found == FLOAT * (4 * 165 + 2 * 8**3)


def test_what_two_layers_share_counts_once() -> None:
    # convolution keeps its input; ReLU keeps its output, which is the second convolution's input
    def build() -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 4, 1, bias=False), nn.ReLU(), nn.Conv2d(4, 1, 1, bias=False))

    assert training_bytes(build, (2, 1, 6, 5)) == FLOAT * (4 * 8 + 2 * 30 * (1 + 4))


def test_under_autocast_layers_keep_their_input_and_weights_in_its_precision() -> None:
    found = training_bytes(lambda: nn.Conv3d(2, 3, 3, padding=1), (1, 2, 8, 8, 8), torch.bfloat16)
    assert found == FLOAT * 4 * 165 + 2 * (162 + 2 * 8**3)  # a copy of the 162 weights without the bias


def test_bf16_halves_what_a_network_keeps() -> None:
    def build() -> nn.Module:
        return UNet3Plus(in_channels=2, out_channels=1, filters=4)

    weights, shape = FLOAT * 4 * sum(p.numel() for p in build().parameters()), (1, 2, 64, 64, 64)
    single, half = training_bytes(build, shape) - weights, training_bytes(build, shape, torch.bfloat16) - weights
    assert half == pytest.approx(single / 2, rel=0.1)  # places of maxima stay 64-bit whole numbers


def test_a_sum_keeps_no_activation() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(7))

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image + self.scale  # a sum needs nothing for its gradient

    assert training_bytes(Scaled, (1, 7)) == FLOAT * 4 * 7


def test_activations_grow_with_the_image_and_weights_do_not() -> None:
    def build() -> nn.Module:
        return SENormUNet(in_channels=2, out_channels=1, filters=4)

    weights = FLOAT * 4 * sum(p.numel() for p in build().parameters())
    one, two, eight = (
        training_bytes(build, shape) - weights for shape in [(1, 2, 32, 32, 32), (2, 2, 32, 32, 32), (1, 2, 64, 64, 64)]
    )
    assert two == pytest.approx(2 * one, rel=1e-6)
    assert eight == pytest.approx(8 * one, rel=0.01)  # the SE gates' vectors do not grow


def test_checkpointing_keeps_less_than_half() -> None:
    def build(checkpointing: bool) -> nn.Module:
        return SENormUNet(in_channels=2, out_channels=1, filters=4, checkpointing=checkpointing)

    shape = (1, 2, 64, 64, 64)
    assert training_bytes(lambda: build(True), shape) < training_bytes(lambda: build(False), shape) / 2


def test_nothing_is_allocated() -> None:
    # 24 filters at 512^3 would take 600 GiB
    found = training_bytes(lambda: SENormUNet(in_channels=2, out_channels=1, filters=24), (1, 2, 512, 512, 512))
    assert found > 200 * 2**30
