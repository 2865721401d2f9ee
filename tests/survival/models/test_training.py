import random
import warnings
from functools import partial

import numpy as np
import pytest
import torch

from hnseg.survival.models.adam_wr import adam_wr
from hnseg.survival.models.networks import perceptron
from hnseg.survival.models.training import Batches, Schedule, hold_out, own_randomness, train

HELD = np.arange(40) % 4 == 0


def squares(output, target):
    return ((output[:, 0] - target) ** 2).mean()


def drawn_rows(seed=0):
    values = torch.randn(40, 3, generator=torch.Generator().manual_seed(seed))
    return values, values[:, 0]


def trained(rows, score=squares, epochs=5, patience=5, seed=0):
    with own_randomness(seed):
        net = perceptron(3, 4, 1, (0.1, 0.1))
        optimiser = partial(adam_wr, net.parameters(), 0.01, 0.01)
        train(net, squares, score, optimiser, rows, HELD, Schedule(16, epochs, patience))
    return net


def weights(net):
    return torch.cat([value.flatten().float() for value in net.state_dict().values()])


@pytest.mark.parametrize(("size", "largest"), [(50, 50), (2, 3)])
def test_everybody_is_in_one_batch_an_epoch_and_none_is_alone(size, largest):
    for patients in range(2, 120):
        batches = Batches((torch.arange(patients),), size)
        drawn = [batch[0] for batch in batches]
        sizes = [len(batch) for batch in drawn]
        assert len(drawn) == len(batches)
        assert min(sizes) >= 2
        assert max(sizes) <= largest
        assert max(sizes) - min(sizes) <= 1
        assert sorted(torch.cat(drawn).tolist()) == list(range(patients))


def test_a_fifth_with_and_without_the_event_is_held_out():
    event = np.arange(100) < 30
    held = hold_out(event, seed=3)
    assert (held[event].sum(), held[~event].sum()) == (6, 14)
    assert (hold_out(event, seed=3) == held).all()
    assert (hold_out(event, seed=4) != held).any()
    assert hold_out(np.array([True, True, False]), seed=0).tolist().count(True) == 1


def test_the_best_epochs_weights_are_kept_and_training_stops_after_patience():
    seen = []

    def score(output, target):
        # falls, rises, and is lowest at the fourth epoch
        seen.append((float(output.sum()), [5.0, 3, 4, 1, 2, 2, 2, 0][len(seen)]))
        return torch.tensor(seen[-1][1])

    rows = drawn_rows()
    net = trained(rows, score, epochs=50, patience=3)
    assert len(seen) == 7
    assert not net.training
    with torch.no_grad():
        assert float(net(rows[0][torch.from_numpy(HELD)]).sum()) == pytest.approx(seen[3][0], abs=1e-5)


def test_held_out_rows_choose_the_epoch_and_give_no_gradient():
    values, target = drawn_rows()
    other, odd = values.clone(), target.clone()
    other[HELD], odd[HELD] = 9.0, -5.0
    assert torch.equal(
        weights(trained((values, target), epochs=1)), weights(trained((other, odd), epochs=1, patience=1))
    )


def test_a_score_that_is_not_a_number_keeps_the_weights_that_were_there():
    with own_randomness(0):
        start = weights(perceptron(3, 4, 1, (0.1, 0.1)))
    assert torch.equal(weights(trained(drawn_rows(), lambda output, _: output.sum() * torch.nan)), start)


def test_nobody_notices_that_there_was_training(tmp_path, monkeypatch, capfd, caplog):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLURM_NTASKS", "4")
    monkeypatch.setenv("SLURM_JOB_NAME", "train")
    torch.rand(1)  # an earlier training might have left the very state that this one would
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        trained(drawn_rows())
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002
    assert after == before
    assert capfd.readouterr() == ("", "")
    assert not told
    assert not caplog.records
    assert not list(tmp_path.iterdir())
