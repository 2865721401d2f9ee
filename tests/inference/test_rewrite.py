from pathlib import Path

import pytest
import torch

from hnseg.inference import load_checkpoint
from hnseg.inference.rewrite import rewrite_postprocess, rewrite_threshold
from hnseg.postprocess import DropSmall, Postprocess

CHAIN = Postprocess({"drop_small": DropSmall(min_volume_mm3=50.0)})


def read(path: Path) -> dict:
    return torch.load(path, weights_only=True)


def test_the_chain_is_replaced_and_everything_else_stays(write_checkpoint) -> None:
    path = write_checkpoint()
    before = read(path)
    rewrite_postprocess(path, CHAIN)
    after = read(path)
    assert after["hnseg"].pop("postprocess") == CHAIN.to_dict()
    assert after["hnseg"] == {key: value for key, value in before["hnseg"].items() if key != "postprocess"}
    assert {key: after[key] for key in ("epoch", "global_step")} == {"epoch": 3, "global_step": 12}
    assert all(torch.equal(after["state_dict"][name], weight) for name, weight in before["state_dict"].items())
    assert load_checkpoint(path).net == before["hnseg"]["net"]
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_carries_the_chain_already_is_not_written_again(write_checkpoint) -> None:
    path = write_checkpoint()
    untouched = path.stat().st_ino
    rewrite_postprocess(path, Postprocess())
    assert path.stat().st_ino == untouched
    rewrite_postprocess(path, CHAIN)
    written = path.stat().st_ino
    rewrite_postprocess(path, CHAIN)
    assert path.stat().st_ino == written != untouched
    rewrite_postprocess(path, Postprocess())
    assert read(path)["hnseg"]["postprocess"] == {}


def test_a_threshold_is_replaced_and_everything_else_stays(write_checkpoint) -> None:
    path = write_checkpoint(postprocess=CHAIN.to_dict())
    before, untouched = read(path), path.stat().st_ino
    rewrite_threshold(path, 0.5)
    assert path.stat().st_ino == untouched
    rewrite_threshold(path, 0.27)
    after = read(path)
    assert (before["hnseg"].pop("threshold"), after["hnseg"].pop("threshold")) == (0.5, 0.27)
    assert after["hnseg"] == before["hnseg"]
    assert all(torch.equal(after["state_dict"][name], weight) for name, weight in before["state_dict"].items())
    loaded = load_checkpoint(path)
    assert loaded.threshold == 0.27
    assert loaded.postprocess.to_dict() == CHAIN.to_dict()
    assert list(path.parent.iterdir()) == [path]


def test_a_threshold_that_could_not_be_read_again_is_not_written(write_checkpoint) -> None:
    with pytest.raises(AssertionError, match="would not be read"):
        rewrite_threshold(write_checkpoint(), 1.5)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no checkpoint"):
        rewrite_postprocess(tmp_path / "best.ckpt", CHAIN)
    torch.save({"state_dict": {}}, tmp_path / "weights.pt")
    with pytest.raises(ValueError, match="not a checkpoint of hnseg"):
        rewrite_postprocess(tmp_path / "weights.pt", CHAIN)
    with pytest.raises(ValueError, match="not a checkpoint of hnseg"):
        rewrite_threshold(tmp_path / "weights.pt", 0.3)
