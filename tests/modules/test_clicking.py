from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import torch

from hnseg.clicks import ClickChannels, NoClicks, PointEncoding
from hnseg.modules.clicking import clicked_by_robot, seeded, whole_case_clicks
from tests.modules.test_segmentation import module


def channels(most: int | None, simulate: str = "random", spatial_dims: int = 3) -> ClickChannels:
    return ClickChannels(PointEncoding(), 1, 1, 2, spatial_dims, simulate, most)


@pytest.fixture
def case() -> dict[str, object]:
    target = torch.zeros((4, 6, 6), dtype=torch.uint8)
    target[1:3, 1:4, 1:4], target[3, 5, 5] = 1, 1
    return {"case_id": "a", "image": torch.rand(1, 4, 6, 6), "target": target, "spacing_mm": [3.0, 1.0, 1.0]}


def test_a_case_is_clicked_alike_in_every_epoch_and_unlike_another(case) -> None:
    clicks = channels(5)
    first, again = (whole_case_clicks(case, clicks, "val", 0).index.tolist() for _ in range(2))
    assert first == again
    others = [whole_case_clicks(case | {"case_id": name}, clicks, "val", 0).index.tolist() for name in "bcdef"]
    assert any(other != first for other in others)


def test_a_network_that_can_do_without_clicks_is_tested_without(case) -> None:
    assert len(whole_case_clicks(case, channels(5), "test", 0)) == 0
    assert len(whole_case_clicks(case, channels(None), "test", 0)) == 2  # two components, one click each
    assert len(whole_case_clicks(case, channels(None, spatial_dims=2), "test", 0)) == 3  # in three slices
    assert len(whole_case_clicks(case, NoClicks(), "val", 0)) == 0


def test_a_robot_clicks_on_what_the_network_misses() -> None:
    target = torch.zeros((2, 5, 5, 5), dtype=torch.uint8)
    target[0, 1:4, 1:4, 1:4] = 1
    batch = {"image": torch.zeros(2, 3, 5, 5, 5), "target": target, "spacing_mm": torch.ones(2, 3)}
    seen: list[int] = []

    def blind(image: torch.Tensor) -> torch.Tensor:
        seen.append(int(image[0, 1].sum()))
        return torch.zeros_like(target)

    step = next(step for step in range(99) if seeded(0, 0, step, 2).integers(0, 3) == 2)
    image = clicked_by_robot(batch, channels(2, "robot"), blind, 0, 0, step)  # type: ignore[arg-type]
    assert seen == [0, 1]  # it sees its first click before it makes the second
    assert image[0, 1, 2, 2, 2] == 1  # the deepest voxel
    assert not image[1].any()  # nothing is missed there
    assert not batch["image"].any()


def test_training_shows_the_robots_clicks_to_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    built = module(clicks=channels(1, "robot"), net=torch.nn.Conv3d(4, 1, 1))
    shown: list[torch.Tensor] = []
    monkeypatch.setattr(built, "_predict", lambda inputs: shown.append(inputs) or built.net(inputs))
    monkeypatch.setattr(built, "_step", Mock())
    monkeypatch.setattr(built, "log", Mock())
    built._trainer = SimpleNamespace(current_epoch=0, optimizers=[SimpleNamespace(param_groups=[{"lr": 1.0}])])  # type: ignore[assignment]
    torch.nn.init.constant_(built.net.bias, -9.0)  # outlines nothing
    target = torch.zeros((1, 4, 4, 4), dtype=torch.uint8)
    target[0, 1:3, 1:3, 1:3] = 1
    batch = {
        "image": torch.zeros(1, 4, 4, 4, 4), "target": target, "annotated": torch.ones(1, 1, dtype=torch.bool),
        "spacing_mm": torch.ones(1, 3),
    }  # fmt: skip
    for step in range(6):
        built.training_step(batch, step)  # type: ignore[arg-type]
    assert {int(inputs[0, 2].sum()) for inputs in shown} == {0, 1}
    assert built.net.training
