import pytest
from sklearn.base import clone

from hnseg.survival.models.cox import CoxPH
from hnseg.survival.models.registry import MODELS, ModelKind, kind_of
from hnseg.survival.sentinel import Guarded


def test_cox_is_made_by_name_with_the_parameters_of_its_grid() -> None:
    assert [MODELS["cox"].make(3, **parameters).get_params() for parameters in MODELS["cox"].grid] == [
        {"penalizer": penalizer} for penalizer in (0.0, 0.01, 0.1)
    ]
    assert MODELS["cox"].missing() is None


@pytest.mark.parametrize("name", MODELS)
def test_every_model_takes_its_grid_and_is_guarded(name: str) -> None:
    kind = MODELS[name]
    if sentence := kind.missing():
        pytest.skip(sentence)
    for parameters in kind.grid:
        model = kind.make(7, **parameters)
        assert isinstance(model, Guarded)
        assert parameters.items() <= model.get_params().items()
        assert model.get_params().get("seed", 7) == 7
        assert kind_of(clone(model)) == name


def test_what_is_not_installed_is_said_and_not_imported() -> None:
    kind = ModelKind("no.such.module", "Forest", package="no_such_package", extra="forest")
    assert (
        kind.missing() == "Forest needs no_such_package, which is not installed; install hnseg with the extra 'forest'"
    )


def test_a_class_of_the_same_name_is_no_registered_model() -> None:
    with pytest.raises(TypeError, match="no registered model"):
        kind_of(type("CoxPH", (CoxPH,), {})())
