from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from hnseg.clicks import ClickChannels, DiskEncoding, PointEncoding
from hnseg.inference import InferenceSettings
from hnseg.labels import LabelSet
from hnseg.losses import Dice
from hnseg.mixup import Part
from hnseg.models import UNet
from hnseg.modules import SegmentationModule
from hnseg.modules.segmentation import scored_slices
from hnseg.prepare.intensity import Normalization
from hnseg.types import TrainingCounts


def module(**changes: object) -> SegmentationModule:
    usual = {
        "net": UNet(2, 1, filters=2),
        "labels": LabelSet(("GTVt",)),
        "loss": Dice("sigmoid"),
        "normalization": Normalization(("ct", "pt")),
        "optimizer": partial(torch.optim.SGD, lr=0.1),
        "scheduler": {"scheduler": partial(torch.optim.lr_scheduler.ConstantLR, factor=1.0), "interval": "epoch"},
        "inference": InferenceSettings((16, 16, 16)),
    }
    return SegmentationModule(**usual | changes)  # type: ignore[arg-type]


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


def test_a_mixed_batch_costs_what_its_parts_cost_by_weight() -> None:
    built = module()
    logits = torch.randn(2, 1, 4, 4, 4)
    first, second = (torch.randint(0, 2, (2, 4, 4, 4), dtype=torch.uint8) for _ in range(2))
    everywhere, nowhere = torch.ones(2, 1, dtype=torch.bool), torch.zeros(2, 1, dtype=torch.bool)
    alone = [built._step(logits, [Part(1.0, target, everywhere)], "train") for target in (first, second)]
    both = built._step(logits, [Part(0.3, first, everywhere), Part(0.7, second, everywhere)], "train")
    assert both.item() == pytest.approx(0.3 * alone[0].item() + 0.7 * alone[1].item())
    # a partner whom nobody annotated brings nothing of its own
    half = built._step(logits, [Part(0.3, first, everywhere), Part(0.7, second, nowhere)], "train")
    assert half.item() == pytest.approx(0.3 * alone[0].item())


def test_what_changes_with_the_epoch_is_told_it() -> None:
    built, told = module(), []
    built.loss.at_epoch = told.append
    optimizer = SimpleNamespace(at_epoch=told.append)
    built._tell_epoch(optimizer)
    assert told == [0, 0]


def test_what_learns_from_the_training_patients_is_taught_before_it_starts() -> None:
    built, taught = module(), []
    built.loss.learn = taught.append
    counts = TrainingCounts(("GTVt",), 3, (3,), 3, (3,))
    split = SimpleNamespace(val=("a",), test=("b",))
    built._trainer = SimpleNamespace(datamodule=SimpleNamespace(split=split, training_counts=lambda: counts))
    built.setup("fit")
    assert taught == [counts]


def test_an_output_that_is_no_logit_needs_labels_that_know_it() -> None:
    net = UNet(2, 1, filters=2)
    net.activation = "identity"
    with pytest.raises(ValueError, match=r"data\.activation=identity and a loss for it"):
        module(net=net)
    module(net=net, labels=LabelSet(("GTVt",), "identity"))


def test_validation_looks_at_the_slices_that_are_scored_and_no_others() -> None:
    case = {
        "image": torch.arange(48.0).reshape(1, 4, 3, 4),
        "target": torch.arange(48).reshape(4, 3, 4),
        "case_id": "a",
    }
    part = scored_slices(case | {"slices": [1, 3]})
    assert torch.equal(part["image"][0], case["image"][0, [1, 3]])
    assert torch.equal(part["target"], case["target"][[1, 3]])
    assert (part["slices"], part["case_id"]) == (slice(None), "a")
    assert torch.equal(scored_slices(case | {"slices": slice(None)})["image"], case["image"])


def test_validation_gives_the_network_the_scored_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    built, seen = module(), []
    monkeypatch.setattr(
        built, "_whole_case", lambda case, stage, clicks: seen.append((case["image"].shape, stage, len(clicks)))
    )
    target = torch.zeros((4, 3, 4), dtype=torch.uint8)
    case = {"image": torch.zeros(2, 4, 3, 4), "target": target, "case_id": "a", "spacing_mm": [1.0, 1.0, 1.0]}
    built.validation_step(case | {"slices": [1, 3]}, 0)
    assert seen == [((2, 2, 3, 4), "val", 0)]


def test_a_method_that_reads_clicks_off_voxels_refuses_a_disk() -> None:
    net = UNet(4, 1, filters=2)
    net.click_encodings = ("PointEncoding",)
    module(net=net, clicks=ClickChannels(PointEncoding(), 1, 1, 2, 3, "random", 3))
    with pytest.raises(ValueError, match=r"reads no clicks off a DiskEncoding; choose clicks=point"):
        module(net=net, clicks=ClickChannels(DiskEncoding(5.0), 1, 1, 2, 3, "random", 3))
