import pytest
import torch

from hnseg.losses import ClassCrossEntropy, ClassFocal, ClassTversky, ExpLog, FocalDice
from hnseg.losses.class_weights import annotation_weights
from hnseg.types import TrainingCounts

ORGANS = ("BrainStem", "Chiasm", "Mandible", "OpticNerve_L", "OpticNerve_R", "Parotid_L", "Parotid_R",
          "Submandibular_L", "Submandibular_R")  # fmt: skip
ZHU = TrainingCounts(ORGANS, 261, (196, 129, 227, 133, 133, 257, 256, 135, 130), 116, (1,) * 9)
PUBLISHED = [2.22, 1.31, 1.99, 1.13, 1.93, 1.93, 1.0, 1.0, 1.90, 1.98]
SMALL = TrainingCounts(("a", "b"), 9, (8, 4), 2, (80, 40))


def learned(kind, counts, activation="softmax"):
    loss = kind(activation, dice_weights="annotations") if kind is ExpLog else kind(activation, weights="annotations")
    loss.learn(counts)
    return loss


every_kind = pytest.mark.parametrize("kind", [ClassTversky, FocalDice, ClassFocal, ClassCrossEntropy, ExpLog])


def test_the_published_weights_follow_from_the_published_numbers_of_annotations():
    assert [round(weight, 2) for weight in annotation_weights(ZHU, "softmax")] == PUBLISHED
    assert annotation_weights(ZHU, "sigmoid") == annotation_weights(ZHU, "softmax")[1:]


def test_what_nobody_annotated_has_no_weight():
    counts = TrainingCounts(("a", "b", "c"), 5, (5, 0, 2), 0, (9, 0, 3))
    assert annotation_weights(counts, "softmax") == (0, 1, 0, 2.5)
    assert annotation_weights(TrainingCounts(("a",), 0, (0,), 0, (0,)), "softmax") == (0, 0)


@every_kind
def test_weights_that_nobody_told_are_asked_for(kind):
    loss = kind("softmax", dice_weights="annotations") if kind is ExpLog else kind("softmax", weights="annotations")
    logits, counts = torch.zeros(1, 3, 4), torch.ones(1, 3, dtype=torch.bool)
    with pytest.raises(ValueError, match=r"call learn\(counts\)"):
        loss(logits, logits, counts)
    loss.learn(SMALL)
    value = loss(logits, logits, counts)
    loss.learn(SMALL)  # after a resume
    assert loss(logits, logits, counts) == value
    assert not loss.state_dict()


@every_kind
def test_learned_weights_are_those_given(kind):
    generator = torch.Generator().manual_seed(0)
    logits, target = torch.randn(2, 3, 6, generator=generator), torch.rand(2, 3, 6, generator=generator)
    counts = torch.tensor([[True, True, True], [False, True, False]])
    name = "dice_weights" if kind is ExpLog else "weights"
    given = kind("softmax", **{name: [4.0, 1.0, 2.0]})
    given.learn(ZHU)  # says nothing to a loss that has its own
    value = given(logits, target, counts)
    torch.testing.assert_close(learned(kind, SMALL)(logits, target, counts), value)
    assert (value - kind("softmax")(logits, target, counts)).abs() > 1e-3


@every_kind
def test_a_class_without_weight_says_nothing_even_where_it_counts(kind):
    """Nobody annotated b in training; a validation patient has it."""
    loss = learned(kind, TrainingCounts(("a", "b"), 5, (5, 0), 0, (9, 0)), "sigmoid")
    if kind is ExpLog:
        loss.weight_cross = 0.0  # whose voxels have weights of their own
    logits, target = torch.randn(2, 2, 6, requires_grad=True), torch.rand(2, 2, 6)
    counts = torch.tensor([[True, True], [False, True]])
    value = loss(logits, target, counts)
    value.backward()
    assert logits.grad[0, 0].abs().max() > 0
    assert logits.grad[0, 1].abs().max() == 0
    assert logits.grad[1].abs().max() == 0
    torch.testing.assert_close(loss(logits[:1], target[:1], counts[:1]), value)


@every_kind
def test_weights_of_other_channels_are_refused(kind):
    logits = torch.zeros(1, 4, 5)
    with pytest.raises(ValueError, match="3 weights are given for 4 channels"):
        learned(kind, SMALL)(logits, logits, torch.ones(1, 4, dtype=torch.bool))
    name = "dice_weights" if kind is ExpLog else "weights"
    with pytest.raises(ValueError, match="use annotations"):
        kind("softmax", **{name: "volumes"})
    with pytest.raises(ValueError, match="from 0 on"):
        kind("softmax", **{name: [1.0, -1.0]})
