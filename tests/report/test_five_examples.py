import numpy as np
import pandas as pd
import pytest

from hnseg.report.arms_folder import ArmsFolder
from hnseg.report.five_examples import example_rows, examples
from tests.report.arms import make_arms, remove_arm


def test_the_rule_takes_quantiles_of_what_is_gained():
    scores = pd.DataFrame({"fold": "0", "case": "p", "slice": range(21), "CNNonly": 0.1, "cm1CNN": 0.1})
    scores["cm1CNN"] += np.random.default_rng(0).permutation(21) / 25
    found = example_rows(scores)
    np.testing.assert_allclose(found["cm1CNN"] - found["CNNonly"], np.array([1, 7, 13, 19]) / 25)
    pd.testing.assert_frame_equal(found, example_rows(scores[::-1]))


def test_equal_gains_are_in_order_of_patients_and_few_slices_are_all():
    scores = pd.DataFrame(
        {"fold": "0", "case": ["b", "a", "a"], "slice": [1, 9, 2], "CNNonly": 0.3, "cm1CNN": 0.3 + 0.0}
    )
    found = example_rows(scores)
    assert list(zip(found["case"], found["slice"], strict=True)) == [("a", 2), ("a", 9), ("b", 1)]


def test_pictures_belong_to_their_rows(tmp_path):
    folder = make_arms(tmp_path / "arms", folds=2, patients=2, unfinished=[("cm1cnn", 0)])
    fold, shown = examples(ArmsFolder.open(folder))
    assert fold == "1"
    assert len(shown) == 4
    for example in shown:
        for method in ("CNNonly", "rand1CNN", "cm1CNN"):
            mask, truth = example.masks[method], example.masks["truth"]
            assert 2 * (mask & truth).sum() / (mask.sum() + truth.sum()) == pytest.approx(example.dice[method])
        assert example.image[example.masks["truth"]].mean() > 2 * example.image.mean()
        assert len(example.dice) == 5


def test_no_fold_in_common_or_no_pictures(tmp_path):
    folder = make_arms(tmp_path / "arms", folds=1, patients=1, pictures=False)
    assert examples(ArmsFolder.open(folder)) is None
    folder = make_arms(tmp_path / "others", folds=1, patients=1)
    (folder / "arms/cm1cnn/folds/0/slices.npz").write_bytes(b"cut")
    with pytest.raises(ValueError, match=r"slices\.npz cannot be read"):
        examples(ArmsFolder.open(folder))
    remove_arm(folder, "cm1cnn")
    assert examples(ArmsFolder.open(folder)) is None
