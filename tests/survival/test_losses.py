import math

import pytest
import torch

from hnseg.survival.losses import cox_loss, deephit_loss, interval_likelihood, ranking


def drawn(patients=12, bins=4, seed=0):
    """Log risk, logits, event, tied times, and bins survived that agree with the event."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(patients, bins + 1, generator=generator, dtype=torch.float64)
    event = (torch.rand(patients, generator=generator) < 0.5).double()
    time = torch.randint(1, 6, (patients,), generator=generator).double()
    survived = torch.randint(0, bins, (patients,), generator=generator) + (event == 0).long()
    return logits[:, 0].clone(), logits, event, time, survived


def naive_cox(log_risk, event, time):
    total, events = 0.0, 0
    for i, seen in enumerate(event.tolist()):
        if seen:
            at_risk = sum(math.exp(log_risk[j]) for j in range(len(time)) if time[j] >= time[i])
            total += math.log(at_risk) - float(log_risk[i])
            events += 1
    return total / events


def naive_masses(logits):
    rows = [[math.exp(z) for z in row] for row in logits.tolist()]
    return [[z / sum(row) for z in row] for row in rows]


def naive_likelihood(logits, event, survived):
    total = 0.0
    for mass, seen, bins in zip(naive_masses(logits), event.tolist(), survived.tolist(), strict=True):
        total -= math.log(mass[bins] if seen else sum(mass[bins:]))
    return total / len(event)


def naive_ranking(logits, event, survived, sigma):
    masses, total = naive_masses(logits), 0.0
    for i, mine in enumerate(masses):
        for j, theirs in enumerate(masses):
            if event[i] and survived[j] > survived[i]:
                end = int(survived[i]) + 1
                total += math.exp(-(sum(mine[:end]) - sum(theirs[:end])) / sigma)
    return total / len(masses) ** 2


@pytest.mark.parametrize("seed", range(5))
def test_losses_are_those_of_plain_loops(seed):
    log_risk, logits, event, time, survived = drawn(seed=seed)
    assert float(cox_loss(log_risk, event, time)) == pytest.approx(naive_cox(log_risk, event, time))
    assert float(interval_likelihood(logits, event, survived)) == pytest.approx(
        naive_likelihood(logits, event, survived)
    )
    assert float(ranking(logits, event, survived, 0.3)) == pytest.approx(naive_ranking(logits, event, survived, 0.3))


def test_cox_by_hand():
    # at risk at day 1: exp(0) + exp(ln 2) + exp(0) = 4; at day 3 the patient alone
    loss = cox_loss(torch.tensor([0.0, math.log(2), 0.0]), torch.tensor([1.0, 0, 1]), torch.tensor([1.0, 2, 3]))
    assert float(loss) == pytest.approx(math.log(4) / 2)


def test_likelihood_by_hand():
    # three equal masses: an event in the first bin, free of it after one bin, free of it after both
    loss = interval_likelihood(torch.zeros(3, 3), torch.tensor([1.0, 0, 0]), torch.tensor([0, 1, 2]))
    assert float(loss) == pytest.approx((math.log(3) - math.log(2 / 3) + math.log(3)) / 3)


def test_ranking_by_hand():
    logits = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]]).log()
    event = torch.tensor([1.0, 0])
    # by the end of the first bin 0.5 against 0.25: one of four ordered pairs
    assert float(ranking(logits, event, torch.tensor([0, 1]), 0.5)) == pytest.approx(math.exp(-0.5) / 4)
    assert float(ranking(logits.flip(0), event, torch.tensor([0, 1]), 0.5)) == pytest.approx(math.exp(0.5) / 4)
    # who left during that bin cannot be compared
    assert float(ranking(logits, event, torch.tensor([0, 0]), 0.5)) == 0


def test_deephit_weighs_both():
    _, logits, event, _, survived = drawn()
    both = 0.2 * interval_likelihood(logits, event, survived) + 0.8 * ranking(logits, event, survived, 0.1)
    torch.testing.assert_close(deephit_loss(logits, event, survived, 0.2, 0.1), both)


def test_a_constant_changes_nothing():
    log_risk, logits, event, time, survived = drawn()
    torch.testing.assert_close(cox_loss(log_risk + 7, event, time), cox_loss(log_risk, event, time))
    shifted = logits + torch.arange(len(logits))[:, None]
    before, after = (deephit_loss(z, event, survived, 0.2, 0.1) for z in (logits, shifted))
    torch.testing.assert_close(after, before)


def test_the_order_of_patients_changes_nothing():
    log_risk, logits, event, time, survived = drawn()
    order = torch.randperm(len(event), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(cox_loss(log_risk[order], event[order], time[order]), cox_loss(log_risk, event, time))
    again = deephit_loss(logits[order], event[order], survived[order], 0.2, 0.1)
    torch.testing.assert_close(again, deephit_loss(logits, event, survived, 0.2, 0.1))


def test_without_events_cox_is_0_and_so_is_its_gradient():
    log_risk = torch.tensor([1.0, -2.0, 50.0], requires_grad=True)
    loss = cox_loss(log_risk, torch.zeros(3), torch.tensor([3.0, 1.0, 1.0]))
    loss.backward()
    assert loss.item() == 0
    assert log_risk.grad.tolist() == [0, 0, 0]


def test_gradients_are_right_and_stay_finite_far_out():
    log_risk, logits, event, time, survived = drawn(patients=6)
    assert torch.autograd.gradcheck(lambda z: cox_loss(z, event, time), log_risk.requires_grad_())
    assert torch.autograd.gradcheck(lambda z: deephit_loss(z, event, survived, 0.2, 0.5), logits.requires_grad_())
    for loss in (cox_loss(500 * log_risk, event, time), deephit_loss(500 * logits, event, survived, 0.2, 0.5)):
        log_risk.grad = logits.grad = None
        loss.backward()
        assert loss.isfinite()
        assert all(z.grad is None or z.grad.isfinite().all() for z in (log_risk, logits))
