from pathlib import Path

import numpy as np
import pytest
import torch

from hnseg.augment import NoAugment
from hnseg.clicks import ClickChannels, EdtEncoding, PointEncoding
from hnseg.data.datasets import TrainingSamples, WholeCases, collate
from hnseg.data.views import EverySliceView, PatchView
from hnseg.prepare.case import Case
from tests.data.test_facts import write

CENTRE = ClickChannels(PointEncoding(), 1, 0, 1, 2, "centre", None)
ANY = ClickChannels(EdtEncoding(10.0), 1, 1, 2, 3, "random", 4)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    label = np.zeros((5, 8, 8), np.uint8)
    label[1, 2:5, 2:5], label[3, 0, 0] = 1, 1
    pet = np.random.default_rng(0).random(label.shape).astype(np.float16)
    return write(tmp_path, "a", pet, label, (True, False), "pt")


def test_click_channels_stand_behind_the_modalities(case: Case) -> None:
    samples = TrainingSamples([case], EverySliceView((1, 8, 8)), NoAugment(), seed=0, clicks=CENTRE)
    sample = next(s for s in (samples[0, i] for i in range(2)) if s["target"].sum() > 1)
    assert sample["image"].shape == (2, 8, 8)
    assert torch.nonzero(sample["image"][1]).tolist() == [[3, 3]]  # the centre of 3 x 3 pixels
    without = TrainingSamples([case], EverySliceView((1, 8, 8)), NoAugment(), seed=0)[sample["index"]]
    torch.testing.assert_close(without["image"], sample["image"][:1])


def test_clicks_are_a_function_of_seed_epoch_and_index(case: Case) -> None:
    def drawn(position: tuple[int, int], seed: int = 0) -> torch.Tensor:
        samples = TrainingSamples([case], PatchView((4, 8, 8)), NoAugment(), seed, samples_per_case=9, clicks=ANY)
        return samples[position]["image"][1:]

    assert torch.equal(drawn((2, 3)), drawn((2, 3)))
    assert any(not torch.equal(drawn((2, 3)), drawn((2, other))) for other in (4, 5, 6))
    counts = {int((drawn((0, i)) == 1).sum() > 0) for i in range(9)}
    assert counts == {0, 1}  # with and without clicks


def test_a_batch_knows_the_spacing_of_its_samples(case: Case) -> None:
    samples = TrainingSamples([case], EverySliceView((1, 8, 8)), NoAugment(), seed=0)
    assert collate([samples[0, 0], samples[0, 1]])["spacing_mm"].tolist() == [list(case.grid.spacing_mm[1:])] * 2


def test_of_a_whole_case_those_slices_are_scored_that_the_view_goes_to(case: Case) -> None:
    assert WholeCases([case], EverySliceView((1, 8, 8), least_pixels=6))[0]["slices"] == [1]
    assert WholeCases([case])[0]["slices"] == slice(None)
