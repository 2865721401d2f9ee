import pytest
import torch

from hnseg.labels import (
    LabelSet,
    counting_logits,
    counting_mean,
    where_counting,
)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "identity"])
def test_decode_inverts_encode(activation: str) -> None:
    labels = LabelSet(("GTVp", "GTVn"), activation)
    target = torch.randint(0, 3, (2, 3, 4, 5), dtype=torch.uint8)
    assert torch.equal(labels.decode(labels.encode(target)), target)
    assert labels.encode(target).shape == (2, labels.channels, 3, 4, 5)


def test_threshold_is_strict() -> None:
    probabilities = torch.tensor([0.5, 0.5 + 1e-6]).reshape(1, 1, 2)
    assert LabelSet(("GTVt",)).decode(probabilities).tolist() == [[0, 1]]


def test_background_counts_only_where_everything_is_annotated() -> None:
    annotated = torch.tensor([[True, True], [True, False]])
    assert LabelSet(("a", "b"), "softmax").counts(annotated).tolist() == [[True, True, True], [False, True, False]]
    for activation in ("sigmoid", "identity"):
        assert LabelSet(("a", "b"), activation).counts(annotated).tolist() == annotated.tolist()


def test_activation_of_logits() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0]]).reshape(1, 3, 1)
    assert LabelSet(("a", "b"), "softmax").activate(logits).sum().item() == pytest.approx(1.0)
    assert LabelSet(("a", "b"), "softmax").structures(logits).flatten().tolist() == [1.0, 2.0]
    assert LabelSet(("a", "b", "c")).activate(logits)[0, 0, 0].item() == 0.5


def test_an_answer_itself_may_be_anything_and_is_compared_with_the_threshold_as_it_is() -> None:
    labels = LabelSet(("a", "b"), "identity")
    answer = torch.tensor([[[-3.0, 0.2, 0.3, 7.0], [-2.5, 0.1, 0.4, 6.0]]])
    assert labels.channels == 2
    assert torch.equal(labels.structures(labels.activate(answer)), answer)
    assert labels.decode(answer, 0.2).tolist() == [[0, 0, 2, 1]]
    only_b = torch.tensor([[False, True]])  # what does not compete is below any threshold
    assert labels.decode(answer, -5.0, only_b).tolist() == [[2, 2, 2, 2]]
    assert labels.decode(answer - 9, -20.0, ~only_b).tolist() == [[1, 1, 1, 1]]


def test_an_unknown_activation_is_refused() -> None:
    with pytest.raises(ValueError, match="use sigmoid, softmax or identity"):
        LabelSet(("a",), "linear")


@pytest.mark.parametrize("names", [(), ("a", "a")])
def test_bad_names_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="different names"):
        LabelSet(names)


def test_what_does_not_count_is_replaced_whatever_it_is_and_the_type_stays() -> None:
    values = torch.tensor([[[1.0, 2.0], [torch.nan, torch.inf]]], requires_grad=True)
    kept = where_counting(values, torch.tensor([[True, False]]))
    assert kept.tolist() == [[[1.0, 2.0], [0.0, 0.0]]]
    kept.sum().backward()
    assert values.grad.tolist() == [[[1.0, 1.0], [0.0, 0.0]]]
    large = torch.tensor([2**60 + 1, 5])  # would not survive a float
    assert where_counting(large, torch.tensor([True, False])).tolist() == [2**60 + 1, 0]
    assert where_counting(torch.ones(2), torch.tensor([True, False]), torch.nan).isnan().tolist() == [False, True]


def test_the_mean_is_over_what_counts() -> None:
    values = torch.arange(12.0).reshape(2, 2, 3)
    assert counting_mean(values, torch.tensor([[True, False], [False, True]])) == (0 + 1 + 2 + 9 + 10 + 11) / 6
    assert counting_mean(values, torch.tensor([False, True])) == 8.5
    assert counting_mean(values[:, :, 0], torch.tensor([[True, False], [True, True]])) == (0 + 6 + 9) / 3


def test_the_mean_of_nothing_is_0_and_pulls_at_nothing() -> None:
    values = torch.full((2, 2, 3), torch.nan, requires_grad=True)
    mean = counting_mean(values, torch.zeros(2, 2, dtype=torch.bool))
    mean.backward()
    assert mean == 0
    assert values.grad.abs().max() == 0


def test_logits_that_do_not_count_keep_their_value_and_lose_their_gradient() -> None:
    logits = torch.randn(1, 2, 3, dtype=torch.float16, requires_grad=True)
    seen = counting_logits(logits, torch.tensor([[False, True]]))
    assert seen.dtype == torch.float32
    assert torch.equal(seen, logits.float())
    seen.sum().backward()
    assert logits.grad.tolist() == [[[0.0] * 3, [1.0] * 3]]


@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "identity"])
def test_a_structure_that_nobody_annotated_does_not_compete(activation: str) -> None:
    labels = LabelSet(("a", "b"), activation)
    structures = torch.tensor([[0.6, 0.1], [0.3, 0.2]])  # a voxel each where `a` wins and where neither does
    background = torch.tensor([[0.1, 0.7]]) if activation == "softmax" else torch.zeros(0, 2)
    probabilities = torch.cat([background, structures])[None]
    annotated = torch.tensor([[False, True]])
    assert labels.decode(probabilities).tolist() == [[1, 0]]
    assert labels.decode(probabilities, 0.25, annotated).tolist() == [[2, 0]]
    assert torch.equal(labels.decode(probabilities, annotated=~annotated), labels.decode(probabilities))
