from functools import partial
from pathlib import Path

import pytest
import torch

from hnseg.inference import InferenceSettings
from hnseg.labels import LabelSet
from hnseg.losses import Dice
from hnseg.models import UNet
from hnseg.modules import SegmentationModule
from hnseg.prepare.intensity import Normalization


def module(**changes: object) -> SegmentationModule:
    return SegmentationModule(
        net=UNet(2, 1, filters=2),
        labels=LabelSet(("GTVt",)),
        loss=Dice("sigmoid"),
        normalization=Normalization(("ct", "pt")),
        optimizer=partial(torch.optim.SGD, lr=0.1),
        scheduler={"scheduler": partial(torch.optim.lr_scheduler.ConstantLR, factor=1.0), "interval": "epoch"},
        inference=InferenceSettings((16, 16, 16)),
        **changes,
    )


def test_forward_normalises_each_patch_and_gives_logits_of_its_size() -> None:
    built = module().eval()
    image = torch.rand(2, 2, 16, 16, 16) * 100
    expected = built.net(built.normalization(image))
    torch.testing.assert_close(built(image), expected)
    assert built(image).shape == (2, 1, 16, 16, 16)
    # z-scored a patch: another calibration of the PET changes next to nothing
    brighter = image * torch.tensor([1.0, 3.0]).reshape(1, 2, 1, 1, 1)
    torch.testing.assert_close(built(brighter), built(image), atol=1e-3, rtol=1e-3)


def test_channels_last_changes_the_layout_and_not_the_result() -> None:
    plain, other = module(), module(channels_last=True)
    other.net.load_state_dict(plain.net.state_dict())
    image = torch.rand(1, 2, 16, 16, 16)
    torch.testing.assert_close(other(image), plain(image), atol=1e-5, rtol=1e-4)
    assert any(p.is_contiguous(memory_format=torch.channels_last_3d) for p in other.net.parameters() if p.ndim == 5)


def test_published_weights_are_where_training_starts(tmp_path: Path) -> None:
    published = {f"module.{name}": torch.full_like(t, 0.5) for name, t in UNet(2, 1, filters=2).state_dict().items()}
    torch.save(published, tmp_path / "best_model_weights.pt")
    started = module(weights=str(tmp_path / "best_model_weights.pt"))
    assert all(bool((parameter == 0.5).all()) for parameter in started.net.parameters())


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save(UNet(2, 1, filters=4).state_dict(), tmp_path / "w.pt")
    with pytest.raises(ValueError, match="shape"):
        module(weights=str(tmp_path / "w.pt"))
