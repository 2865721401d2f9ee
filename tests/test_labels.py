import pytest
import torch

from hnseg.labels import LabelSet


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
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
    assert LabelSet(("a", "b"), "sigmoid").counts(annotated).tolist() == annotated.tolist()


def test_activation_of_logits() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0]]).reshape(1, 3, 1)
    assert LabelSet(("a", "b"), "softmax").activate(logits).sum().item() == pytest.approx(1.0)
    assert LabelSet(("a", "b"), "softmax").structures(logits).flatten().tolist() == [1.0, 2.0]
    assert LabelSet(("a", "b", "c")).activate(logits)[0, 0, 0].item() == 0.5


@pytest.mark.parametrize("names", [(), ("a", "a")])
def test_bad_names_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="different names"):
        LabelSet(names)
