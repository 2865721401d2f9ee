import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hnseg.mixup import BetaMixup, NoMixup, WeightedMixup
from hnseg.mixup.beta import blend
from hnseg.types import TrainingCounts

NAMES = ("A", "B", "C")
sizes = pytest.mark.parametrize("size", [(7, 9), (4, 5, 6)])


def weighted():
    mixup = WeightedMixup()
    mixup.learn(TrainingCounts(NAMES, 4, (4, 4, 4), 4, (50, 5, 1)))
    return mixup


both = pytest.mark.parametrize("mixup", [BetaMixup(), weighted()], ids=["beta", "weighted"])


def batch(size, samples=4, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(samples, 2, *size, generator=generator).to(dtype)
    target = torch.randint(0, 4, (samples, *size), generator=generator).to(torch.uint8)
    annotated = torch.rand(samples, 3, generator=generator) < 0.5
    return inputs, target, annotated


@sizes
@both
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_inputs_are_blended_and_targets_and_flags_go_with_their_partner(mixup, size, dtype):
    inputs, target, annotated = batch(size, dtype=dtype)
    before = inputs.clone(), target.clone(), annotated.clone()
    rng, again = np.random.default_rng(24), np.random.default_rng(24)
    mixed = mixup(inputs, target, annotated, rng)
    share, partners = again.beta(0.2, 0.2), mixup.partners(target, annotated, again)
    assert 0.2 < share < 0.8
    assert (partners != np.arange(4)).any()
    own, other = mixed.parts
    assert (own.weight, other.weight) == (share, 1 - share)
    assert own.target is target
    assert own.annotated is annotated
    assert mixed.inputs.dtype == dtype
    for place, partner in enumerate(partners):
        naive = share * inputs[place].double() + (1 - share) * inputs[partner].double()
        torch.testing.assert_close(mixed.inputs[place].double(), naive, atol=4 * torch.finfo(dtype).eps, rtol=0.02)
        assert torch.equal(other.target[place], target[partner])
        assert torch.equal(other.annotated[place], annotated[partner])
    assert other.target.dtype == torch.uint8
    assert other.annotated.dtype == torch.bool
    for now, then in zip((inputs, target, annotated), before, strict=True):
        assert torch.equal(now, then)


@both
def test_the_generator_alone_decides(mixup):
    arguments = batch((7, 9))
    first = mixup(*arguments, np.random.default_rng(5))
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    state = torch.get_rng_state()
    again = mixup(*arguments, np.random.default_rng(5))
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first.inputs, mixup(*arguments, np.random.default_rng(6)).inputs)


@sizes
@both
def test_the_only_sample_of_a_batch_stays_as_it_is(mixup, size):
    inputs, target, annotated = batch(size, samples=1)
    mixed = mixup(inputs, target, annotated, np.random.default_rng(1))
    torch.testing.assert_close(mixed.inputs, inputs)
    assert all(torch.equal(part.target, target) for part in mixed.parts)
    assert sum(part.weight for part in mixed.parts) == pytest.approx(1)


def test_a_share_of_one_is_no_mixup_and_a_share_of_none_the_partners():
    inputs, target, annotated = batch((7, 9))
    partners = np.array([1, 2, 3, 0])
    whole = blend(inputs, target, annotated, 1.0, partners)
    (alone,) = NoMixup()(inputs, target, annotated, np.random.default_rng(0)).parts
    assert torch.equal(whole.inputs, inputs)
    assert [part.weight for part in whole.parts] == [alone.weight, 0.0]
    assert torch.equal(whole.parts[0].target, alone.target)
    assert torch.equal(blend(inputs, target, annotated, 0.0, partners).inputs, inputs[partners])


@both
def test_a_loss_that_is_linear_in_the_target_sees_the_blended_target(mixup):
    inputs, target, annotated = batch((7, 9))
    mixed = mixup(inputs, target, annotated, np.random.default_rng(24))
    logits = torch.randn(4, 4, 7, 9, requires_grad=True)

    def one_hot(labels):
        return F.one_hot(labels.long(), 4).movedim(-1, 1).float()

    pairs = sum(part.weight * F.cross_entropy(logits, one_hot(part.target)) for part in mixed.parts)
    blended = F.cross_entropy(logits, sum(part.weight * one_hot(part.target) for part in mixed.parts))
    assert pairs.item() == pytest.approx(blended.item(), rel=1e-6)
    torch.testing.assert_close(*(torch.autograd.grad(loss, logits)[0] for loss in (pairs, blended)))
    assert pairs.item() != pytest.approx(F.cross_entropy(logits, one_hot(target)).item(), rel=1e-3)


def test_shares_are_those_of_the_authors_generator_and_mostly_near_an_end():
    # of numpy's generator with their seed, 12342; partners come from another one there
    share = BetaMixup()(*batch((7, 9)), np.random.default_rng(12342)).parts[0].weight
    assert share == pytest.approx(0.946848, abs=1e-6)
    shares = [BetaMixup()(*batch((2, 2)), np.random.default_rng(seed)).parts[0].weight for seed in range(1000)]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.05)
    assert np.var(shares) == pytest.approx(1 / (4 * (2 * 0.2 + 1)), rel=0.1)  # of Beta(a, a)


def test_every_sample_is_somebodys_partner_once():
    _, target, annotated = batch((2, 2), samples=6)
    drawn = [BetaMixup().partners(target, annotated, np.random.default_rng(seed)) for seed in range(20)]
    assert all(sorted(partners) == list(range(6)) for partners in drawn)
    assert len({tuple(partners) for partners in drawn}) > 10


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan")])
def test_impossible_distributions_are_refused(alpha):
    with pytest.raises(ValueError, match="above 0"):
        BetaMixup(alpha)
