import pytest
import torch

from hnseg.inference.ensemble import Ensemble
from hnseg.labels import LabelSet
from hnseg.prepare.recipe import Recipe

BOX = {"regions": ("published", "image"), "box_size_mm": (32, 32, 32)}


def test_mean_of_the_members_probabilities(checkpoint):
    members = [checkpoint(seed=seed) for seed in range(3)]
    image = torch.randn(2, 32, 16, 16)
    alone = torch.stack([Ensemble([member])(image) for member in members])
    together = Ensemble(members)(image)
    torch.testing.assert_close(together, alone.mean(dim=0))
    assert (alone[0] - alone[1]).abs().max() > 1e-3


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


def test_mode_for_all(checkpoint):
    ensemble = Ensemble([checkpoint()], mode="sliding_window")
    assert ensemble.runners[0].settings.mode == "sliding_window"
    assert ensemble.runners[0].settings.window_zyx == (32, 32, 32)
