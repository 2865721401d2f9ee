import pytest
import torch

from hnseg.inference.checkpoint import load_checkpoint


def test_refuses_names_outside_hnseg_without_importing_them(write_checkpoint, tmp_path, monkeypatch):
    witness = tmp_path / "imported"
    (tmp_path / "evil_pkg.py").write_text(f"open({str(witness)!r}, 'w').close()\n")
    monkeypatch.syspath_prepend(tmp_path)
    path = write_checkpoint(network=torch.nn.Linear(1, 1), net={"_target_": "evil_pkg.Net"})
    with pytest.raises(ValueError, match=r"evil_pkg\.Net.*trust=\[evil_pkg\]"):
        load_checkpoint(path)
    assert not witness.exists()
    with pytest.raises(ValueError, match="cannot be imported"):  # trusted, so it is imported, and has no Net
        load_checkpoint(path, trust=["evil_pkg"]).build_network()
    assert witness.exists()


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "torch.load",
        "hnseg.models.unet.UNet",
        "hnseg.models.blocks.PlainBlock",
        "builtins.eval",
        "",
        None,
        3,
    ],
)
def test_only_exact_names_on_the_list(write_checkpoint, target):
    with pytest.raises(ValueError, match="not one of hnseg's"):
        load_checkpoint(write_checkpoint(network=torch.nn.Linear(1, 1), net={"_target_": target}))


def test_trust_takes_whole_package_names(write_checkpoint):
    path = write_checkpoint(network=torch.nn.Linear(1, 1), net={"_target_": "torchish.nn.Linear"})
    with pytest.raises(ValueError, match="torchish"):
        load_checkpoint(path, trust=["torch", ""])


def test_trusted_package_is_built_but_functions_are_not(checkpoint):
    linear = {"_target_": "torch.nn.Linear", "in_features": 2, "out_features": 3}
    built = checkpoint(network=torch.nn.Linear(2, 3), net=linear, trust=("torch.nn",)).build_network()
    assert isinstance(built, torch.nn.Linear)
    function = checkpoint(network=torch.nn.Linear(2, 3), net={"_target_": "torch.load", "f": "x"}, trust=("torch",))
    with pytest.raises(ValueError, match=r"no torch\.nn\.Module"):
        function.build_network()


def test_unknown_arguments_of_a_network(checkpoint, describe):
    net = {**describe()["net"], "fliters": 4}
    with pytest.raises(ValueError, match="fliters"):
        checkpoint(net=net, network=torch.nn.Linear(1, 1)).build_network()
