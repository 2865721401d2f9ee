import pytest
import torch

from hnseg.losses import Focal, GeneralisedDice, Tversky
from hnseg.losses.missing import check_missing, class_mean, class_shares
from tests.losses.loops import SOME, example, mean, voxels

COUNTS = torch.tensor([[False, True, False, True], [True, True, True, True], [False, True, False, False]])


def jain(each, counts):
    """The rule in plain loops, of ``{(sample, class): loss}``."""
    samples, classes = counts.shape
    annotated = [sum(bool(counts[b, c]) for b in range(samples)) for c in range(classes)]
    weights = [1 / number for number in annotated] if all(annotated) else [1] * classes
    total = sum(weights)
    losses = [
        sum(weights[c] / total * loss for (b, c), loss in each.items() if b == sample) for sample in range(samples)
    ]
    return sum(losses) / samples


def test_shares_by_hand():
    assert class_shares(COUNTS).tolist() == pytest.approx([x / (1 + 1 / 3 + 1 + 1 / 2) for x in (1, 1 / 3, 1, 1 / 2)])
    assert class_shares(SOME).tolist() == pytest.approx([x / 2.5 for x in (1, 1 / 2, 1)])
    nobody = COUNTS & torch.tensor([True, True, False, True])
    assert class_shares(nobody).tolist() == pytest.approx([0.25] * 4)


def test_equals_the_loops_and_is_the_mean_where_all_is_annotated():
    losses = torch.rand(3, 4, 5, 2, dtype=torch.float64)
    each = {(b, c): losses[b, c].mean() for b, c in COUNTS.nonzero().tolist()}
    torch.testing.assert_close(class_mean(losses, COUNTS, "jain2020"), jain(each, COUNTS), rtol=1e-6, atol=0)
    flat = losses.mean(dim=(2, 3))
    torch.testing.assert_close(class_mean(flat, COUNTS, "jain2020"), class_mean(losses, COUNTS, "jain2020"))
    everything = torch.ones_like(COUNTS)
    for rule in ("mean", "jain2020"):
        torch.testing.assert_close(class_mean(losses, everything, rule), losses.mean(), rtol=1e-6, atol=0)


def test_what_does_not_count_may_be_anything():
    losses = torch.rand(3, 4, 5).masked_fill(~COUNTS[..., None], torch.nan)
    assert class_mean(losses, COUNTS, "jain2020").isfinite()
    assert class_mean(losses, torch.zeros_like(COUNTS), "jain2020") == 0


def test_another_rule_is_refused():
    with pytest.raises(ValueError, match="jain2020"):
        check_missing("none")


@pytest.mark.parametrize("counts", [SOME, SOME & torch.tensor([True, True, False]), torch.ones_like(SOME)])
@pytest.mark.parametrize("missing", ["mean", "jain2020"])
def test_the_dice_and_focal_losses_of_jain_equal_the_loops(counts, missing):
    logits, target = example()
    target[0, 1] = 0  # a structure that is not there
    found = voxels(logits, target, counts, "softmax")
    dice = {}
    for (b, c), pairs in found.items():
        overlap, sizes = sum(p * g for p, g in pairs), sum(p + g for p, g in pairs)
        if c > 0:
            dice[b, c - 1] = 1 - (2 * overlap + 1e-5) / (sizes + 1e-5)
    focal = {
        key: mean(-((1 - p) ** 2) * g * torch.tensor(p, dtype=torch.float64).log().item() for p, g in pairs)
        for key, pairs in found.items()
    }
    for loss, each, kept in (
        (Tversky("softmax", 0.5, 0.5, 5e-6, background=False, missing=missing), dice, counts[:, 1:]),
        (Focal("softmax", variant="paper", missing=missing), focal, counts),
    ):
        expected = mean(each.values()) if missing == "mean" else jain(each, kept)
        assert loss(logits, target, counts).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("smooth", [1e-5, 0.1])
@pytest.mark.parametrize("missing", ["mean", "jain2020"])
def test_the_generalised_dice_of_jain_equals_the_loops(missing, smooth):
    logits, target = example((3, 4, 3, 5))
    target[1, 1:3], target[2, 1:] = 0, 0  # some and all structures are not there
    found = voxels(logits, target, COUNTS, "softmax")
    each = {}
    for b in range(3):
        pairs_of = {c: pairs for (sample, c), pairs in found.items() if sample == b and c > 0}
        weights = {c: 1 / sum(g for _, g in pairs) ** 2 for c, pairs in pairs_of.items() if any(g for _, g in pairs)}
        for c, pairs in pairs_of.items():
            weight = weights.get(c, max(weights.values(), default=1))
            overlap, both = sum(p * g for p, g in pairs), sum(p + g for p, g in pairs)
            each[b, c - 1] = 1 - (2 * weight * overlap + smooth) / (weight * both + smooth)
    loss = GeneralisedDice("softmax", smooth, "code", background=False, missing=missing)
    expected = mean(each.values()) if missing == "mean" else jain(each, COUNTS[:, 1:])
    assert loss(logits, target, COUNTS).item() == pytest.approx(expected, rel=1e-6)


def test_values_of_a_uniform_answer_by_hand():
    """Four classes of 10, 3, 2 and 1 voxels, a quarter for each everywhere."""
    labels = torch.tensor([0] * 10 + [1] * 3 + [2] * 2 + [3])
    target = torch.nn.functional.one_hot(labels, 4).T[None].double()
    logits, counts = torch.zeros_like(target), torch.ones(1, 4, dtype=torch.bool)
    dice = Tversky("softmax", 0.5, 0.5, 5e-6, background=False)(logits, target, counts)
    assert dice.item() == pytest.approx(1 - (2 * 3 / 4 / 7 + 2 * 2 / 4 / 6 + 2 * 1 / 4 / 5) / 3, abs=1e-5)
    focal = Focal("softmax", variant="paper")(logits, target, counts)
    assert focal.item() == pytest.approx(0.75**2 * 1.3862943611198906 / 4)  # 16 voxels of 64 have their class
    code = GeneralisedDice("softmax", 1e-5, "code", background=False)(logits, target, counts)
    parts = [(2 * n / 4 / n**2 + 1e-5) / ((4 + n) / n**2 + 1e-5) for n in (3, 2, 1)]
    assert code.item() == pytest.approx(1 - mean(parts))
