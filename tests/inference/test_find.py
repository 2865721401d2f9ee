import pytest

from hnseg.inference.find import find_checkpoints


def test_find_run_folder_file_glob_and_list(write_checkpoint, tmp_path):
    best = write_checkpoint("a/checkpoints/best.ckpt")
    write_checkpoint("a/checkpoints/last.ckpt")
    last = write_checkpoint("b/checkpoints/last.ckpt")
    assert find_checkpoints(tmp_path / "a") == [best]
    assert find_checkpoints(str(tmp_path / "b")) == [last]
    assert find_checkpoints(best) == [best]
    assert find_checkpoints(f"{tmp_path}/*/checkpoints/best.ckpt") == [best]
    assert find_checkpoints(f"{tmp_path}/*") == [best, last]
    assert find_checkpoints([tmp_path / "b", f"{tmp_path}/[ab]"]) == [last, best]


def test_find_relative_glob(write_checkpoint, tmp_path, monkeypatch):
    write_checkpoint("runs/x/checkpoints/best.ckpt")
    monkeypatch.chdir(tmp_path)
    assert [str(path) for path in find_checkpoints("runs/*")] == ["runs/x/checkpoints/best.ckpt"]


def test_find_nothing_says_what_was_looked_for(tmp_path):
    with pytest.raises(ValueError, match=r"best\.ckpt.*last\.ckpt"):
        find_checkpoints(tmp_path)
    with pytest.raises(ValueError, match=r"nowhere\*"):
        find_checkpoints(str(tmp_path / "nowhere*"))
    with pytest.raises(ValueError, match=r"no checkpoint at .*gone\.ckpt"):
        find_checkpoints([tmp_path / "gone.ckpt"])
    with pytest.raises(ValueError, match="no checkpoint was named"):
        find_checkpoints([])
