import numpy as np
import pytest
import torch

from hnseg.inference.outline import outline
from hnseg.inference.patient_grid import to_patient_grid
from hnseg.labels import LabelSet
from hnseg.postprocess import ClickFilter, DropSmall, KeepLargest, Postprocess, Scene
from hnseg.types import Click, Grid

LABELS = LabelSet(("a",))
PREPARED = Grid((12, 12, 12), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0))
PATIENT = Grid((6, 24, 24), (4.0, 1.0, 1.0), (-0.5, -0.5, 1.0))


@pytest.fixture
def scene():
    return Scene(torch.zeros(2, 12, 12, 12), ("ct", "pt"), PREPARED.spacing_mm)


@pytest.fixture
def two_pieces():
    """Probabilities of a piece of 4 by 4 by 4 voxels and of one of 2 by 2 by 2, which are 512 and 64 mm3."""
    probabilities = torch.zeros(1, 12, 12, 12)
    probabilities[0, 2:6, 2:6, 2:6] = 0.9
    probabilities[0, 8:10, 8:10, 8:10] = 0.8
    return probabilities


class Recorder:
    """Stands where a chain stands, and remembers on which grids it was asked."""

    def refine(self, probabilities, scene, labels):
        self.refined, self.scene = probabilities, scene
        return 1 - probabilities

    def clean(self, mask, labels, clicks=None):
        self.cleaned = mask
        return mask


@pytest.mark.parametrize("chain", [None, Postprocess()])
def test_without_a_chain_it_is_the_networks_own_answer(scene, two_pieces, chain):
    expected = to_patient_grid(two_pieces, PREPARED, PATIENT, LABELS, 0.3)
    mask = outline(two_pieces, scene, PREPARED, PATIENT, LABELS, 0.3, chain)
    assert mask.grid is PATIENT
    assert 0 < expected.array.sum() < expected.array.size
    assert np.array_equal(mask.array, expected.array)
    stricter = outline(two_pieces, scene, PREPARED, PATIENT, LABELS, 0.85, chain)
    assert 0 < stricter.array.sum() < mask.array.sum()


def test_refines_on_the_prepared_grid_and_cleans_on_the_patients(scene, two_pieces):
    chain = Recorder()
    mask = outline(two_pieces, scene, PREPARED, PATIENT, LABELS, 0.5, chain)
    assert chain.refined is two_pieces
    assert chain.scene is scene
    assert chain.cleaned.grid is PATIENT
    assert np.array_equal(mask.array, to_patient_grid(1 - two_pieces, PREPARED, PATIENT, LABELS, 0.5).array)


def test_pieces_are_measured_in_the_patients_own_voxels(scene, two_pieces):
    raw = outline(two_pieces, scene, PREPARED, PATIENT, LABELS)
    small = int(raw.array[:, 14:, 14:].sum())
    large = int(raw.array.sum()) - small
    assert small > 0
    kept = outline(two_pieces, scene, PREPARED, PATIENT, LABELS, 0.5, Postprocess({"keep": KeepLargest()}))
    assert kept.array.sum() == large
    for factor, left in ((0.99, small + large), (1.01, large)):
        least = small * PATIENT.voxel_volume_mm3 * factor
        dropped = outline(two_pieces, scene, PREPARED, PATIENT, LABELS, 0.5, Postprocess({"drop": DropSmall(least)}))
        assert dropped.array.sum() == left


def test_a_chain_that_names_another_structure(scene, two_pieces):
    chain = Postprocess({"keep": KeepLargest(structures=["b"])})
    with pytest.raises(ValueError, match=r"\['b'\].*\['a'\]"):
        outline(two_pieces, scene, PREPARED, PATIENT, LABELS, 0.5, chain)


def test_clicks_are_placed_on_the_patients_grid(scene, two_pieces):
    chain = Postprocess({"filter": ClickFilter()})
    raw = outline(two_pieces, scene, PREPARED, PATIENT, LABELS)
    on_small = Click(tuple(PREPARED.to_lps_mm(np.array([8.5, 8.5, 8.5])).tolist()), "a")
    kept = outline(two_pieces, scene, PREPARED, PATIENT, LABELS, 0.5, chain, [on_small])
    np.testing.assert_array_equal(kept.array[:, 14:, 14:], raw.array[:, 14:, 14:])
    assert 0 < kept.array.sum() == raw.array[:, 14:, 14:].sum()
    assert not outline(two_pieces, scene, PREPARED, PATIENT, LABELS, 0.5, chain, []).array.any()
    asked_nobody = outline(two_pieces, scene, PREPARED, PATIENT, LABELS, 0.5, chain)
    np.testing.assert_array_equal(asked_nobody.array, raw.array)
