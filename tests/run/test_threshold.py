from pathlib import Path

import numpy as np
import pytest
import torch

from hnseg.clicks import ClickChannels, NoClicks, PointEncoding
from hnseg.inference import InferenceSettings, checkpoint_entry, load_checkpoint
from hnseg.labels import LabelSet
from hnseg.prepare import Recipe
from hnseg.prepare.intensity import Normalization, Standardise
from hnseg.report import read_manifest, write_manifest
from hnseg.run.threshold import _stacked, refuse_untunable, tune_threshold
from tests.run.slice_cases import BIG, SMALL, SPECK, write_slices

PLAIN = {"trust": [__name__], "seed": 131, "trainer": {"accelerator": "cpu", "devices": 1, "precision": "32-true"}}


class Tenth(torch.nn.Module):
    """A tenth of PET, so 0.6 in the cases' heat; where a second channel shows a click, ``clicked`` more."""

    divisor = 1

    def __init__(self, clicked: float = 0.0) -> None:
        super().__init__()
        self.clicked = torch.nn.Parameter(torch.tensor(clicked))

    def forward(self, image):
        seen = image[:, :1] / 10
        around = torch.nn.functional.max_pool2d(image[:, 1:], 7, 1, 3) if image.shape[1] > 1 else 0.0
        return seen + self.clicked * around


@pytest.fixture
def trained(tmp_path: Path):
    def write(clicks=None, activation: str = "identity", clicked: float = 0.0) -> Path:
        run = tmp_path / "run"
        network = Tenth(clicked)
        entry = checkpoint_entry(
            net={"_target_": f"{__name__}.Tenth", "clicked": clicked},
            labels=LabelSet(("GTV",), activation),
            recipe=Recipe(spacing_mm=(4, 2, 2.5), box_size_mm=(16, 32, 40), modalities=("pt",), label_names=("GTV",)),
            normalization=Normalization(("pt",), pt=Standardise(0, 1), spatial_dims=2),
            inference=InferenceSettings(None),
            config={},
            clicks=clicks or NoClicks(),
        )
        (run / "checkpoints").mkdir(parents=True)
        state = {f"net.{name}": weight for name, weight in network.state_dict().items()}
        torch.save({"epoch": 1, "state_dict": state, "hnseg": entry}, run / "checkpoints" / "best.ckpt")
        write_manifest(run, seed=131)
        return run

    return write


@pytest.fixture
def cases(tmp_path: Path) -> list:
    """Three slices that count, all as hot inside as out of the tumour; one of 5 pixels that does not."""
    first = write_slices(tmp_path, "A", [(1, BIG), (3, SMALL), (0, SPECK)], hot=[(3, BIG)])
    return [first, write_slices(tmp_path, "B", [(2, BIG)])]


def test_the_value_is_in_the_checkpoint_and_in_the_manifest(trained, cases: list) -> None:
    run = trained()
    assert tune_threshold(run, cases, PLAIN, 6) == 0.05  # PET of 0.5 around the tumours is no more above it
    assert load_checkpoint(run / "checkpoints" / "best.ckpt", PLAIN["trust"]).threshold == 0.05
    manifest = read_manifest(run)
    assert (manifest["threshold"], manifest["threshold_median_dice"]) == (0.05, 1.0)


def test_slices_with_fewer_pixels_decide_nothing(trained, cases: list) -> None:
    run = trained()
    tune_threshold(run, [cases[0]], PLAIN, 7)
    assert read_manifest(run)["threshold_median_dice"] == 1.0
    tune_threshold(run, [cases[0]], PLAIN, 6)
    assert read_manifest(run)["threshold_median_dice"] == pytest.approx((1 + 12 / 28) / 2)


def test_the_network_is_shown_the_clicks_of_its_training(trained, cases: list) -> None:
    centre = ClickChannels(PointEncoding(), 1, 0, 1, spatial_dims=2, simulate="centre", most=None)
    run = trained(centre, clicked=0.3)
    assert tune_threshold(run, [cases[0]], PLAIN, 6) == 0.6  # only what was clicked is above: the heat beside is not
    assert read_manifest(run)["threshold_median_dice"] > (1 + 12 / 28) / 2


def test_a_run_that_cannot_have_one_is_told_so(trained, cases: list) -> None:
    run = trained()
    with pytest.raises(ValueError, match="no training slice has 17 pixels"):
        tune_threshold(run, cases, PLAIN, 17)
    for labels in (LabelSet(("GTV",), "softmax"), LabelSet(("GTVp", "GTVn"))):
        with pytest.raises(ValueError, match="threshold=tuned is for a network of one structure"):
            refuse_untunable(labels)
    refuse_untunable(LabelSet(("GTV",)))


def test_images_of_unlike_size_have_one_threshold() -> None:
    small, large = np.full((2, 3, 4), 0.5, np.float32), np.full((1, 5, 4), 0.7, np.float32)
    scores, truth = _stacked([small, large], [small > 0.6, large > 0.6])
    assert scores.shape == truth.shape == (3, 5, 4)
    assert (scores[:2, 3:] == -1).all()
    assert not truth[:2].any()
    assert truth[2].all()
