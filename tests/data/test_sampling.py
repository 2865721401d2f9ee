import numpy as np
import pytest

from hnseg.data.sampling import EpochBatchSampler, ResumableLoader, sample_rng, visit_order


def positions(rank: int = 0, world_size: int = 1, skip: int = 0, epoch: int = 3) -> list[list[tuple[int, int]]]:
    sampler = EpochBatchSampler(10, 4, lambda: epoch, rank, world_size)
    sampler.skip = skip
    return list(sampler)


def test_rng_is_a_function_of_its_counters() -> None:
    assert sample_rng(1, 2, 3).random() == sample_rng(1, 2, 3).random()
    drawn = {sample_rng(seed, epoch, index).random() for seed in range(3) for epoch in range(3) for index in range(3)}
    assert len(drawn) == 27


def test_every_epoch_visits_every_case_in_its_own_order() -> None:
    first, second = visit_order(0, 0, 50), visit_order(0, 1, 50)
    assert sorted(first) == sorted(second) == list(range(50))
    assert not np.array_equal(first, second)


def test_batches_are_full_and_cover_the_epoch() -> None:
    batches = positions()
    assert [len(batch) for batch in batches] == [4, 4, 4]
    assert [index for batch in batches for _, index in batch] == list(range(12))
    assert {epoch for batch in batches for epoch, _ in batch} == {3}


def test_devices_share_each_batch_of_the_whole_run() -> None:
    shares = zip(positions(0, 2), positions(1, 2), strict=True)
    assert [[*left, *right] for left, right in shares] == positions()


def test_skipping_goes_on_in_the_middle_and_only_once() -> None:
    sampler = EpochBatchSampler(10, 4, lambda: 0)
    sampler.skip = 2
    assert list(sampler) == positions(epoch=0)[2:]
    assert list(sampler) == positions(epoch=0)


def test_a_batch_that_cannot_be_shared_is_refused_with_sizes_that_can() -> None:
    with pytest.raises(ValueError, match=r"batch_size=5 cannot be divided among 2 devices; use 4 or 6"):
        EpochBatchSampler(10, 5, lambda: 0, 0, 2)


def test_loader_resumes_at_the_trainers_place_not_at_its_own() -> None:
    class Names:
        def __getitem__(self, position: tuple[int, int]) -> tuple[int, int]:
            return position

    begun = [0]

    def loader() -> ResumableLoader:
        return ResumableLoader(Names(), EpochBatchSampler(10, 4, lambda: 7), lambda: begun[0], collate_fn=list)

    first = iter(loader())
    seen = [next(first), next(first)]
    begun[0] = 1  # one batch was prefetched, one begun
    state = loader().state_dict()
    resumed = loader()
    resumed.load_state_dict(state)
    assert [seen[0], *resumed] == positions(epoch=7)
