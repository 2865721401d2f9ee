import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest

from hnseg.prepare import Recipe
from hnseg.survival.models.registry import MODELS
from hnseg.survival.objects import FeatureSet
from hnseg.survival.plain_state import JSON_NAME, read_state, write_state
from hnseg.survival.saved import SavedModel, load_model, save_model, training_summary
from hnseg.survival.sentinel import training_rows
from tests.survival.cohorts import fitted_pipeline, toy

DATA = toy(60)
SET = FeatureSet.named("clinical+ct")
TABLE = DATA.features(SET, "")
TIMES = np.array([1.0, 365.0, 730.5, 1e4])
QUICK = {"rsf": {"trees": 3}, "deepsurv": {"epochs": 1}, "deephit": {"epochs": 1}}
IMAGES = {"recipe": Recipe().to_dict(), "structures": ["GTVp"]}
NEEDS = {"clinical": {"mapping": "hecktor2021"}, "ct": {"bin_width": 25.0}, "images": IMAGES}


@pytest.fixture(scope="module", params=sorted(MODELS))
def fitted(request):
    kind = request.param
    if kind == "rsf":
        pytest.importorskip("sksurv")
    with training_rows(DATA.patients):
        model = MODELS[kind].make(3, **QUICK.get(kind, {}))
        pipeline = fitted_pipeline("cox_lasso", model, TABLE, DATA.outcome)
    return SavedModel(pipeline, SET, NEEDS, True, training_summary("toy", DATA.outcome, "relapse", 730.5))


@pytest.fixture
def folder(fitted, tmp_path):
    save_model(tmp_path, fitted)
    return tmp_path


def test_a_model_that_was_saved_predicts_the_same(fitted, folder):
    new = toy(40, seed=5).features(SET, "")
    found = load_model(folder)
    np.testing.assert_allclose(found.risk(new), fitted.risk(new), rtol=1e-12)  # sums may differ in the last bit
    np.testing.assert_allclose(found.pipeline.survival(new, TIMES), fitted.pipeline.survival(new, TIMES), rtol=1e-12)
    assert found.pipeline.importances().equals(fitted.pipeline.importances())
    assert found.features == tuple(TABLE.columns)
    assert (found.feature_set, found.needs, found.phantom) == (SET, NEEDS, True)
    assert found.training == {
        "data": "toy", "n": 60, "events": int(DATA.outcome.event.sum()), "endpoint": "relapse", "horizon_days": 730.5
    }  # fmt: skip


def test_a_model_saved_again_is_the_same_state(folder, tmp_path):
    save_model(tmp_path / "again", load_model(folder))
    assert str(read_state(tmp_path / "again")) == str(read_state(folder))
    assert (tmp_path / "again" / JSON_NAME).read_bytes() == (folder / JSON_NAME).read_bytes()


def arrays_of(value, place=()):
    if isinstance(value, np.ndarray):
        yield place, value
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from arrays_of(item, (*place, key))


def changed(folder, place, value):
    """The saved model with another value at a place in its state."""
    state = read_state(folder)
    at = state
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    write_state(folder, state)


def places_of(state):
    """Of every array; the preprocessing, which all kinds share, counts for one of them."""
    own = state["pipeline"]["model"] == "cox"
    return [place for place, array in arrays_of(state) if array.size and (own or place[1] == "state")]


def test_weights_that_are_no_numbers_are_refused_wherever_they_are(folder):
    state, accepted = read_state(folder), []
    for place in places_of(state):
        array = next(array for at, array in arrays_of(state) if at == place)
        if array.dtype.kind != "f" or np.isnan(array).any():
            continue  # intervals that there are not
        write_state(folder, state)
        changed(folder, place, np.where(np.arange(array.size).reshape(array.shape) == 0, np.nan, array))
        try:
            load_model(folder)
            accepted.append(place)
        except ValueError:
            pass
    assert {place[-1] for place in accepted} <= {"low", "high", "values"}  # shown, and not computed with


def test_arrays_of_other_shapes_are_refused_wherever_they_are(folder):
    state = read_state(folder)
    for place in places_of(state):
        array = next(array for at, array in arrays_of(state) if at == place)
        write_state(folder, state)
        changed(folder, place, array[..., None])
        with pytest.raises(ValueError):
            load_model(folder)


@pytest.fixture(scope="module")
def cox(tmp_path_factory):
    with training_rows(DATA.patients):
        pipeline = fitted_pipeline("none", MODELS["cox"].make(0), TABLE, DATA.outcome)
    return SavedModel(pipeline, SET, NEEDS, False, training_summary("toy", DATA.outcome, "", 730.5))


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        (("format",), 2, "has format 2, this hnseg reads 1; update hnseg"),
        (("more",), 1, "more is missing or too much"),
        (("phantom",), 1, "'phantom' is int"),
        (("needs",), [], "'needs' is list"),
        (("needs",), {}, "'clinical' is missing or no mapping"),
        (("needs", "clinical"), "hecktor2021", "'clinical' is missing or no mapping"),
        (("needs", "clinical", "mapping"), 3, "which 'mapping' reads the table"),
        (("needs", "ct"), {}, "either bin_width or bin_count"),
        (("needs", "ct", "bin_width"), "wide", "bin_width is 'wide'"),
        (("needs", "images"), None, "'images' is missing or no mapping"),
        (("needs", "images", "recipe"), [], "must have the 'recipe'"),
        (("needs", "images", "recipe", "more"), 1, "unknown keys"),
        (("needs", "images", "recipe", "spacing_mm"), "wide", "could not convert string"),
        (("needs", "images", "recipe", "regions"), 1, "wrong type"),
        (("needs", "images", "structures"), "GTVp", "the structures 'GTVp'"),
        (("feature_set",), "clinical+bones", "join some of"),
        (("feature_set",), "clinical+pt", "'pt' is missing or no mapping"),
        (("feature_set",), "clinical+deep", "'deep' is missing or no mapping"),
        (("training", "n"), "many", "'n' is str"),
        (("training", "n"), True, "'n' is bool"),
        (("training", "more"), 1, "more is missing or too much"),
        (("pipeline",), 3, "'pipeline' is int"),
        (("pipeline", "model"), "os.system", "'model' must be one of cox"),
        (("pipeline", "model"), "rsf", "not the saved state of a random survival forest"),
        (("pipeline", "preprocessing", "kind"), "subprocess.Popen", "not the saved state of a preprocessing"),
        (("pipeline", "state", "columns"), ["age"] * 7, "each once"),
        (("pipeline", "state", "scale"), "wide", "an array of numbers"),
    ],
)
def test_what_no_saved_model_has_is_refused(cox, tmp_path, place, value, sentence):
    save_model(tmp_path, cox)
    changed(tmp_path, place, value)
    with pytest.raises(ValueError, match=rf"{re.escape(str(tmp_path))}.*({sentence})"):
        load_model(tmp_path)


def test_the_network_of_deep_features_is_looked_at_where_there_is_one(cox, tmp_path):
    deep = replace(cox, feature_set=FeatureSet.named("deep"))
    good = {"path": "best.ckpt", "layer": "bottleneck", "sha256": "0" * 64}
    for network in ({}, good):
        save_model(tmp_path, replace(deep, needs={"deep": network, "images": IMAGES}))
        assert load_model(tmp_path).needs["deep"] == network
    for network in ({"path": "best.ckpt"}, good | {"sha256": "0"}, good | {"layer": 3}):
        save_model(tmp_path, replace(deep, needs={"deep": network, "images": IMAGES}))
        with pytest.raises(ValueError, match=r"model\.json: the network of deep features"):
            load_model(tmp_path)


def test_no_model_needs_the_package_that_fits_forests_to_be_applied(fitted, folder, monkeypatch):
    for module in [name for name in sys.modules if name.partition(".")[0] == "sksurv"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "sksurv", None)
    assert MODELS["rsf"].missing()
    np.testing.assert_allclose(load_model(folder).risk(TABLE), fitted.risk(TABLE), rtol=1e-12)


@pytest.mark.parametrize("key", ["format", "training", "pipeline", "needs"])
def test_a_key_that_is_missing_is_refused(cox, tmp_path, key):
    save_model(tmp_path, cox)
    state = json.loads((tmp_path / JSON_NAME).read_text())
    del state[key]
    (tmp_path / JSON_NAME).write_text(json.dumps(state))
    with pytest.raises(ValueError, match=r"has format None|does not name|missing or too much"):
        load_model(tmp_path)
