import pytest

from hnseg.run.validate import validate

NET = {"_target_": "hnseg.models.SENormUNet", "in_channels": 2, "out_channels": 1}


def test_what_can_be_built_passes() -> None:
    validate({"model": {"net": NET}, "list": [{"_target_": "torch.optim.Adam", "_partial_": True, "lr": 1e-3}]})


def test_a_typo_gets_the_right_spelling_and_its_place() -> None:
    with pytest.raises(ValueError, match=r"model\.net\.fitlers: .*did you mean 'filters'"):
        validate({"model": {"net": {**NET, "fitlers": 8}}})
    with pytest.raises(ValueError, match=r"did you mean hnseg\.models\.SENormUNet"):
        validate({"net": {**NET, "_target_": "hnseg.models.SENormUnet"}})


def test_every_problem_is_listed() -> None:
    with pytest.raises(ValueError, match=r"(?s)'one'.*'two'"):
        validate({"a": {**NET, "one": 1}, "b": {**NET, "two": 2}})


@pytest.mark.parametrize(
    "target",
    [
        "torch.load",
        "numpy.load",
        "pandas.read_pickle",
        "joblib.load",
        "os.system",
        "builtins.eval",
        "subprocess.run",
        "pytorch_lightning.LightningModule.load_from_checkpoint",
        "hnseg_evil.models.UNet",
    ],
)
def test_dangerous_targets_are_refused_by_name_before_anything_is_imported(target: str) -> None:
    with pytest.raises(ValueError, match="may not be built"):
        validate({"data": {"_target_": target, "f": "file"}})


def test_a_user_may_trust_a_package_but_not_a_loader() -> None:
    validate({"x": {"_target_": "fractions.Fraction", "numerator": 1}}, trust=["fractions"])
    with pytest.raises(ValueError, match="may not be built"):
        validate({"x": {"_target_": "numpy.load", "file": "f"}}, trust=["numpy"])


def test_keys_that_a_class_hands_on_to_its_parents_are_known() -> None:
    node = {"_target_": "hnseg.data.HecktorDataModule", "year": 2020, "batch_size": 2, "seed": 1}
    validate({"data": node})
    with pytest.raises(ValueError, match="did you mean 'batch_size'"):
        validate({"data": {**node, "batchsize": 2}})
