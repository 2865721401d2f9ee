import pickle
import warnings

import pytest
import torch

from hnseg.clicks import ClickChannels, GaussianEncoding
from hnseg.inference.checkpoint import Checkpoint, load_checkpoint
from hnseg.inference.settings import InferenceSettings
from hnseg.postprocess import DropSmall, KeepLargest, Postprocess


class Payload:
    """Unpickled, it makes a file."""

    def __init__(self, witness):
        self.witness = witness

    def __reduce__(self):
        return (open, (str(self.witness), "w"))


def test_says_all_that_training_put_in(checkpoint, describe):
    loaded = checkpoint(threshold=0.35, phantom=True, config={"model": {"filters": 2}})
    expected = describe(threshold=0.35, phantom=True, config={"model": {"filters": 2}})
    assert isinstance(loaded, Checkpoint)
    assert loaded.labels.names == ("GTVt",)
    assert loaded.recipe.to_dict() == expected["recipe"]
    assert loaded.normalization.to_dict() == expected["normalization"]
    assert loaded.inference.to_dict() == expected["inference"]
    assert (loaded.threshold, loaded.phantom) == (0.35, True)
    assert loaded.config == {"model": {"filters": 2}}
    assert loaded.version == expected["version"]


def test_network_comes_back_with_its_weights_in_evaluation_mode(checkpoint, describe):
    built = checkpoint(seed=7).build_network()
    torch.manual_seed(7)
    original = type(built)(in_channels=2, out_channels=1, filters=2).eval()
    image = torch.randn(1, 2, 32, 16, 16)
    assert not built.training
    with torch.no_grad():
        assert torch.equal(built(image), original(image))


def test_weights_of_another_network(checkpoint):
    with pytest.raises(ValueError, match="weights are not those of"):
        checkpoint(network=torch.nn.Linear(1, 1)).build_network()


@pytest.mark.parametrize("form", ["torch", "pickle 2", "pickle 4"])
def test_code_in_a_file_is_refused_and_not_run(tmp_path, form):
    path, witness = tmp_path / "evil.ckpt", tmp_path / "pwned"
    content = {"state_dict": {}, "hnseg": {}, "payload": Payload(witness)}
    if form == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content, protocol=int(form[-1])))
    with pytest.raises(
        ValueError, match=r"evil\.ckpt.*(refers to \S*open.*refused|is damaged or no checkpoint)"
    ) as caught:
        load_checkpoint(path)
    assert "Re-running" not in str(caught.value)
    assert not witness.exists()
    torch.load(path, weights_only=False) if form == "torch" else pickle.loads(path.read_bytes())
    assert witness.exists()  # the payload is live: only the refusal kept it from running


def test_truncated_file(write_checkpoint):
    path = write_checkpoint()
    content = path.read_bytes()
    for size in (0, 10, len(content) // 2, len(content) - 100):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match=r"best\.ckpt is damaged or no checkpoint"):
            load_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (torch.ones(3), "holds a Tensor"),
        ({"state_dict": {}}, "no 'hnseg'"),
        ({"hnseg": {}}, "no 'state_dict'"),
        ({"state_dict": {}, "hnseg": {"format": 99}}, "format 99"),
        ({"state_dict": {}, "hnseg": {"format": 1}}, "lacks"),
    ],
)
def test_files_that_are_something_else(tmp_path, content, message):
    torch.save(content, tmp_path / "x.ckpt")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=message):
            load_checkpoint(tmp_path / "x.ckpt")


def test_text_file_and_missing_file(tmp_path):
    (tmp_path / "x.ckpt").write_text("hello")
    with pytest.raises(ValueError, match="damaged or no checkpoint"):
        load_checkpoint(tmp_path / "x.ckpt")
    with pytest.raises(ValueError, match="there is no checkpoint"):
        load_checkpoint(tmp_path / "y.ckpt")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("recipe", {"spacing": 1}),
        ("labels", {"names": []}),
        ("labels", {"names": ["Brain"], "activation": "sigmoid"}),
        ("inference", {"mode": "whole"}),
        ("threshold", 1.5),
        ("normalization", None),
    ],
)
def test_descriptions_that_cannot_be_read(write_checkpoint, describe, key, value):
    path = write_checkpoint(described={**describe(), key: value}, network=torch.nn.Linear(1, 1))
    with pytest.raises(ValueError, match=r"best\.ckpt: the checkpoint's description"):
        load_checkpoint(path)


CHAIN = Postprocess({"drop": DropSmall(min_volume_mm3=40.0), "keep_largest": KeepLargest(structures=["GTVt"])})


def test_post_processing_comes_back(checkpoint, write_checkpoint):
    loaded = checkpoint(postprocess=CHAIN.to_dict())
    assert loaded.postprocess.names == ("drop", "keep_largest")
    assert loaded.postprocess.to_dict() == CHAIN.to_dict()
    assert torch.load(write_checkpoint(postprocess=CHAIN.to_dict()), weights_only=True)  # plain data, no classes
    assert not checkpoint().postprocess


def test_how_clicks_are_shown_comes_back(checkpoint, write_checkpoint, describe):
    shown = ClickChannels(GaussianEncoding(5.0), 1, 1, 2, 3, "robot", 10)
    assert checkpoint(clicks=shown).clicks == shown
    assert torch.load(write_checkpoint(clicks=shown), weights_only=True)  # plain data, no classes
    assert checkpoint().clicks.channels == 0
    before = {key: value for key, value in describe().items() if key != "clicks"} | {"format": 2}
    assert load_checkpoint(write_checkpoint(described=before)).clicks.channels == 0
    named = describe() | {"clicks": {"_target_": "os.system", "command": "true"}}
    with pytest.raises(ValueError, match=r"nothing was built"):
        load_checkpoint(write_checkpoint(described=named))


def test_files_from_before_post_processing_and_mirroring(write_checkpoint, describe):
    described = describe(postprocess=CHAIN.to_dict(), inference=InferenceSettings((32, 32, 32), tta="mirror"))
    assert described["format"] == 3
    assert load_checkpoint(write_checkpoint(described=described)).inference.tta == "mirror"
    before = {key: value for key, value in described.items() if key != "postprocess"} | {"format": 1}
    before["inference"] = {key: value for key, value in described["inference"].items() if key != "tta"}
    loaded = load_checkpoint(write_checkpoint(described=before))
    assert not loaded.postprocess
    assert loaded.inference.tta == "none"
    assert loaded.build_network()


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ({"x": {"_target_": "os.system", "command": "true"}}, r"postprocess\.x.*os\.system.*nothing was built"),
        ({"x": {"_target_": "hnseg.postprocess.Postprocess"}}, r"postprocess\.x.*nothing was built"),
        ({"x": {"_target_": "hnseg.postprocess.DropSmall", "min_volume": 3}}, r"postprocess\.x.*min_volume_mm3"),
        ({"x": {"_target_": "hnseg.postprocess.DropSmall", "min_volume_mm3": "three"}}, "cannot be read"),
        ({"x": 3}, r"postprocess\.x"),
        ([1], "postprocess is"),
    ],
)
def test_post_processing_that_is_not_hnsegs_is_refused_with_the_files_name(write_checkpoint, describe, chain, message):
    path = write_checkpoint(described={**describe(), "postprocess": chain}, network=torch.nn.Linear(1, 1))
    with pytest.raises(ValueError, match=rf"best\.ckpt.*{message}"):
        load_checkpoint(path, trust=["os"])


def test_training_cannot_write_a_chain_that_prediction_would_refuse(describe):
    with pytest.raises(ValueError, match=r"configuration.*subprocess\.run"):
        describe(postprocess={"x": {"_target_": "subprocess.run"}})
