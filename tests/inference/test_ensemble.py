import itertools

import numpy as np
import pytest
import torch

from hnseg.inference.ensemble import Ensemble
from hnseg.inference.settings import InferenceSettings
from hnseg.labels import LabelSet
from hnseg.prepare.recipe import Recipe

BOX = {"regions": ("published", "image"), "box_size_mm": (32, 32, 32)}


@pytest.fixture
def answering(pet_threshold):
    """An ensemble of networks that, where the PET is 0, answer with these probabilities, one each."""

    def ensemble(*probabilities):
        thresholds = [-torch.tensor(p, dtype=torch.float64).logit().item() / 2 for p in probabilities]
        return Ensemble([pet_threshold(suv=max(min(suv, 50.0), -50.0)) for suv in thresholds])

    return ensemble


def test_mean_of_the_members_probabilities(checkpoint):
    members = [checkpoint(seed=seed) for seed in range(3)]
    image = torch.randn(2, 32, 16, 16)
    alone = torch.stack([Ensemble([member])(image) for member in members])
    together = Ensemble(members)(image)
    torch.testing.assert_close(together, alone.mean(dim=0))
    assert (alone[0] - alone[1]).abs().max() > 1e-3


@pytest.mark.parametrize("count", [2, 3, 5])
def test_mean_and_sd_are_those_of_numpy(checkpoint, count):
    members = [checkpoint(seed=seed) for seed in range(count)]
    image = torch.randn(2, 32, 16, 16)
    alone = np.stack([Ensemble([member])(image).double().numpy() for member in members])
    mean, sd = Ensemble(members).mean_and_sd(image)
    np.testing.assert_allclose(mean.numpy(), alone.mean(axis=0), rtol=0, atol=1e-6)
    np.testing.assert_allclose(sd.numpy(), alone.std(axis=0, ddof=0), rtol=0, atol=1e-6)
    assert torch.equal(mean, Ensemble(members)(image))
    assert sd.max() > 1e-3


def test_sd_by_hand_and_its_bound(answering):
    mean, sd = answering(0.2, 0.6).mean_and_sd(torch.zeros(2, 2, 2, 2))
    torch.testing.assert_close(mean, torch.full_like(mean, 0.4))
    torch.testing.assert_close(sd, torch.full_like(sd, 0.2))
    _, sd = answering(0.0, 1.0, 0.0, 1.0).mean_and_sd(torch.zeros(2, 2, 2, 2))
    torch.testing.assert_close(sd, torch.full_like(sd, 0.5))


def test_small_deviations_of_sure_networks_survive_float32(answering):
    ensemble = answering(0.99990, 0.99991, 0.99992)
    _, sd = ensemble.mean_and_sd(torch.zeros(2, 2, 2, 2))
    alone = np.stack([runner(torch.zeros(2, 2, 2, 2)).double().numpy() for runner in ensemble.runners])
    np.testing.assert_allclose(sd.numpy(), alone.std(axis=0), rtol=0.01)
    assert 5e-6 < sd.max() < 1e-5


def test_networks_that_agree_are_0_apart_and_one_alone_is(checkpoint):
    image = torch.randn(2, 32, 16, 16)
    alone = Ensemble([checkpoint(seed=4)])
    mean, sd = Ensemble([checkpoint(seed=4)] * 3).mean_and_sd(image)
    assert torch.equal(mean, alone(image))
    assert sd.max() == 0
    assert alone.mean_and_sd(image)[1].max() == 0


def test_each_network_is_built_once_however_many_patients(checkpoint, monkeypatch):
    members = [checkpoint(seed=seed) for seed in range(2)]
    built = []
    original = type(members[0]).build_network
    monkeypatch.setattr(type(members[0]), "build_network", lambda self: built.append(self.path) or original(self))
    ensemble = Ensemble(members)
    for _ in range(3):
        ensemble(torch.randn(2, 32, 16, 16))
    assert len(built) == 2


def test_a_phantom_among_the_members_shows(checkpoint):
    assert Ensemble([checkpoint(), checkpoint(phantom=True)]).phantom
    assert not Ensemble([checkpoint(), checkpoint()]).phantom


def test_thresholds_are_averaged(checkpoint):
    assert Ensemble([checkpoint()] * 8).threshold == 0.5
    assert Ensemble([checkpoint(threshold=0.3), checkpoint(threshold=0.4)]).threshold == pytest.approx(0.35)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": LabelSet(("GTVp",)), "recipe": Recipe(label_names=("GTVp",), **BOX)}, "labels.*GTVt.*GTVp"),
        ({"recipe": Recipe(modalities=("pt", "ct"), **BOX)}, "modalities"),
        ({"recipe": Recipe(spacing_mm=(2, 1, 1), **BOX)}, r"spacing_mm.*2\.0"),
        ({"labels": LabelSet(("GTVt",), "softmax")}, "activation.*softmax"),
    ],
)
def test_refuses_members_that_mean_something_else(checkpoint, changes, message):
    with pytest.raises(ValueError, match=message):
        Ensemble([checkpoint(), checkpoint(**changes)])


def test_refuses_nobody():
    with pytest.raises(ValueError, match="at least one"):
        Ensemble([])


def test_mode_and_mirroring_for_all_or_as_each_checkpoint_says(checkpoint):
    mirrored = checkpoint(inference=InferenceSettings((32, 32, 32), "whole", tta="mirror"))
    plain = checkpoint()
    as_carried = [runner.settings for runner in Ensemble([mirrored, plain]).runners]
    assert [(said.mode, said.tta) for said in as_carried] == [("whole", "mirror"), ("auto", "none")]
    for tta in ("none", "mirror"):
        settings = [runner.settings for runner in Ensemble([mirrored, plain], mode="sliding_window", tta=tta).runners]
        assert [(said.mode, said.tta) for said in settings] == [("sliding_window", tta)] * 2
        assert settings[0].window_zyx == (32, 32, 32)


def test_a_mirrored_ensemble_is_the_mean_over_mirror_images(checkpoint):
    image = torch.randn(2, 32, 16, 16)
    plain, mirrored = (Ensemble([checkpoint()], tta=tta, mode="whole") for tta in ("none", "mirror"))
    flips = [dims for n in range(4) for dims in itertools.combinations((1, 2, 3), n)]
    expected = torch.stack([plain(image.flip(dims)).flip(dims) for dims in flips]).mean(dim=0)
    torch.testing.assert_close(mirrored(image), expected)
    assert not torch.allclose(mirrored(image), plain(image), atol=1e-4)


def test_unknown_options_are_refused(checkpoint):
    with pytest.raises(TypeError, match="devise"):
        Ensemble([checkpoint()], devise="cpu")
    with pytest.raises(ValueError, match="tta 'rotate'"):
        Ensemble([checkpoint()], tta="rotate")
