import copy

import pytest
import torch

from hnseg.metrics.cases import CaseDice
from hnseg.metrics.overlap import dice

NAMES = ("GTVp", "GTVn")


def label_maps(seed: int, cases: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = torch.randint(0, 3, (2, cases, 4, 5, 6), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    return drawn[0], drawn[1]


def everything(cases: int) -> torch.Tensor:
    return torch.ones(cases, len(NAMES), dtype=torch.bool)


def test_whole_cases_equal_the_pure_function() -> None:
    prediction, target = label_maps(0)
    metric = CaseDice("abc", NAMES)
    metric.update("abc", prediction, target, everything(3))
    pairs = list(zip(prediction, target, strict=True))
    expected = torch.tensor([[dice((p == value).numpy(), (t == value).numpy()) for value in (1, 2)] for p, t in pairs])
    scores = metric.compute()
    assert scores["GTVp"].item() == pytest.approx(expected[:, 0].mean().item())
    assert scores["mean"].item() == pytest.approx(expected.mean().item())
    assert metric.per_case()["b"]["GTVn"] == pytest.approx(expected[1, 1].item())


def test_slices_add_up_to_the_case() -> None:
    prediction, target = label_maps(1)
    whole, sliced = CaseDice("abc", NAMES), CaseDice("abc", NAMES, max_parts=4)
    whole.update("abc", prediction, target, everything(3))
    for z in (2, 0, 3, 1):
        sliced.update("abc", prediction[:, z], target[:, z], everything(3), parts=[z] * 3)
    assert whole.per_case() == sliced.per_case()


def test_a_repeated_slice_counts_once() -> None:
    prediction, target = label_maps(2)
    metric = CaseDice("abc", NAMES, max_parts=4)
    for z in (0, 1, 1, 1, 2, 3):
        metric.update("abc", prediction[:, z], target[:, z], everything(3), parts=[z] * 3)
    whole = CaseDice("abc", NAMES)
    whole.update("abc", prediction, target, everything(3))
    assert metric.per_case() == whole.per_case()


def test_states_of_two_processes_add_up_even_when_they_share_a_case() -> None:
    prediction, target = label_maps(3)
    alone = CaseDice("abc", NAMES)
    alone.update("abc", prediction, target, everything(3))
    first, second = CaseDice("abc", NAMES), CaseDice("abc", NAMES)
    first.update("ab", prediction[:2], target[:2], everything(2))
    second.update("ca", prediction[[2, 0]], target[[2, 0]], everything(2))  # the sampler repeats "a"
    assert all(
        reduction is torch.sum or reduction.__name__ == "dim_zero_sum" for reduction in first._reductions.values()
    )
    first.merge_state(second)
    assert first.per_case() == alone.per_case()
    assert first.compute()["mean"] == alone.compute()["mean"]


def test_a_slice_that_two_processes_saw_weighs_no_more_than_the_others() -> None:
    prediction, target = label_maps(8)
    whole = CaseDice("abc", NAMES)
    whole.update("abc", prediction, target, everything(3))
    first, second = CaseDice("abc", NAMES, max_parts=4), CaseDice("abc", NAMES, max_parts=4)
    for metric, slices in ((first, (0, 1, 2)), (second, (2, 3))):
        for z in slices:
            metric.update("abc", prediction[:, z], target[:, z], everything(3), parts=[z] * 3)
    first.merge_state(second)
    assert first.per_case() == whole.per_case()


def test_forward_accumulates_like_update() -> None:
    prediction, target = label_maps(4)
    updated, forwarded = CaseDice("abc", NAMES), CaseDice("abc", NAMES)
    for number, case in enumerate("abc"):
        part = slice(number, number + 1)
        updated.update(case, prediction[part], target[part], everything(1))
        batch = forwarded(case, prediction[part], target[part], everything(1))
        assert batch["GTVp"].item() == pytest.approx(forwarded.per_case()[case]["GTVp"])
    assert forwarded.per_case() == updated.per_case()


def test_structures_that_nobody_annotated_are_left_out() -> None:
    prediction, target = label_maps(5)
    annotated = torch.tensor([[True, False], [True, True], [True, False]])
    metric = CaseDice("abc", NAMES)
    metric.update("abc", prediction, target, annotated)
    assert set(metric.per_case()["a"]) == {"GTVp"}
    assert metric.compute()["GTVn"].item() == pytest.approx(metric.per_case()["b"]["GTVn"])


def test_nothing_seen_is_nan_and_two_empty_masks_score_one() -> None:
    metric = CaseDice("abc", NAMES)
    with pytest.warns(UserWarning, match="before"):
        assert torch.isnan(metric.compute()["mean"])
    assert metric.per_case() == {}
    empty = torch.zeros(1, 2, 2, 2, dtype=torch.uint8)
    metric.update("a", empty, empty, everything(1))
    assert metric.per_case() == {"a": {"GTVp": 1.0, "GTVn": 1.0}}


def test_reset_and_copies_are_independent() -> None:
    prediction, target = label_maps(6)
    metric = CaseDice("abc", NAMES)
    metric.update("abc", prediction, target, everything(3))
    kept = copy.deepcopy(metric)
    metric.reset()
    assert metric.per_case() == {}
    assert set(kept.per_case()) == set("abc")


def test_bad_input_is_refused() -> None:
    prediction, target = label_maps(7, cases=1)
    with pytest.raises(ValueError, match="repeated"):
        CaseDice(["a", "a"], NAMES)
    with pytest.raises(ValueError, match="'z' is not among"):
        CaseDice("abc", NAMES).update("z", prediction, target, everything(1))
    with pytest.raises(ValueError, match="max_parts"):
        CaseDice("abc", NAMES).update("a", prediction, target, everything(1), parts=[1])
