import numpy as np
import pytest
import torch

from hnseg.mixup import WeightedMixup
from hnseg.mixup.weighted import present
from hnseg.types import TrainingCounts

ORGANS = (
    "BrainStem", "Chiasm", "Mandible", "OpticNerve_L", "OpticNerve_R",
    "Parotid_L", "Parotid_R", "Submandibular_L", "Submandibular_R",
)  # fmt: skip
PDDCA = TrainingCounts(ORGANS, 25, (25, 25, 20, 25, 25, 25, 25, 20, 18), 15, (601, 44, 601, 94, 88, 535, 549, 280, 253))


def learnt(counts=PDDCA):
    mixup = WeightedMixup()
    mixup.learn(counts)
    return mixup


def slices(*shown, size=(6, 7)):
    """A label map for each tuple of values; every structure in one voxel."""
    target = torch.zeros(len(shown), *size, dtype=torch.uint8)
    for place, values in enumerate(shown):
        target[place].view(-1)[: len(values)] = torch.tensor(values, dtype=torch.uint8)
    return target


FOUR = slices((1,), (2,), (1, 2, 3), ())


def test_chances_are_those_that_the_authors_code_gives():
    np.testing.assert_allclose(learnt().chances(present(FOUR, 9)), [0.0613, 0.8378, 0.0888, 0.0121], atol=5e-5)


@pytest.mark.parametrize("size", [(6, 7), (3, 4, 5)])
def test_chances_are_inverse_means_of_the_counts(size):
    shown = ((4, 5), (9,), (), (1, 3, 6, 7), (2, 8))
    naive = np.array([1 / np.mean([PDDCA.shown[v - 1] for v in s]) if s else 1 / sum(PDDCA.shown) for s in shown])
    found = learnt().chances(present(slices(*shown, size=size), 9))
    np.testing.assert_allclose(found, naive / naive.sum(), rtol=1e-12)


def test_partners_are_drawn_with_replacement_by_their_chances():
    mixup, annotated = learnt(), torch.ones(4, 9, dtype=torch.bool)
    rng = np.random.default_rng(0)
    drawn = np.stack([mixup.partners(FOUR, annotated, rng) for _ in range(4000)])
    assert drawn.shape == (4000, 4)
    for place in range(4):  # whoever asks
        np.testing.assert_allclose(
            np.bincount(drawn[:, place], minlength=4) / 4000, [0.0613, 0.8378, 0.0888, 0.0121], atol=0.02
        )


def test_alike_samples_have_equal_chances():
    np.testing.assert_allclose(learnt().chances(present(slices((1, 4), (1, 4)), 9)), 0.5)
    np.testing.assert_allclose(learnt().chances(present(slices((), ()), 9)), 0.5)


def test_a_structure_that_training_never_showed_counts_as_rarest_and_divides_nothing_by_zero():
    mixup = learnt(TrainingCounts(("A", "B"), 2, (2, 0), 0, (10, 0)))
    np.testing.assert_allclose(mixup.chances(present(slices((1,), (2,)), 2)), [1 / 11, 10 / 11])
    nothing = learnt(TrainingCounts(("A", "B"), 2, (0, 0), 0, (0, 0)))
    np.testing.assert_allclose(nothing.chances(present(slices((), ()), 2)), 0.5)


def test_learning_again_takes_the_place_of_what_was_learnt():
    mixup = learnt(TrainingCounts(ORGANS, 1, (1,) * 9, 1, (1,) * 9))
    mixup.learn(PDDCA)
    np.testing.assert_allclose(mixup.chances(present(FOUR, 9)), learnt().chances(present(FOUR, 9)))


def test_who_has_learnt_nothing_says_so():
    with pytest.raises(ValueError, match="learn"):
        WeightedMixup()(
            torch.zeros(1, 1, 6, 7), slices(()), torch.ones(1, 9, dtype=torch.bool), np.random.default_rng(0)
        )
