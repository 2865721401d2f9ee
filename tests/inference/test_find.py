import json

import pytest

from hnseg.inference.find import find_checkpoints, find_cross_validations


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


def test_the_best_of_single_organs_is_no_ensemble(write_checkpoint, cross_validation, tmp_path):
    best_of_all = write_checkpoint("a/checkpoints/best.ckpt")
    organ = write_checkpoint("a/checkpoints/best-Parotid_L.ckpt")
    write_checkpoint("a/checkpoints/best-BrainStem.ckpt")
    assert find_checkpoints(tmp_path / "a") == [best_of_all]
    assert find_checkpoints(f"{tmp_path}/*") == [best_of_all]
    assert find_checkpoints(organ) == [organ]
    last = write_checkpoint("b/checkpoints/last.ckpt")
    write_checkpoint("b/checkpoints/best-Parotid_L.ckpt")
    assert find_checkpoints(tmp_path / "b") == [last]
    folds = cross_validation("folds_of", ("0", "1"), named=[0, 1])
    write_checkpoint("folds_of/folds/0/checkpoints/best-Parotid_L.ckpt")
    assert find_checkpoints(folds) == best(folds, "0", "1")


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


@pytest.fixture
def cross_validation(write_checkpoint, tmp_path):
    """Writes the folder of a cross-validation: a checkpoint a trained fold, and what its manifests say."""

    def write(name, trained, named=None, unfinished=()):
        folder = tmp_path / name
        for fold in trained:
            write_checkpoint(f"{name}/folds/{fold}/checkpoints/best.ckpt")
            write_checkpoint(f"{name}/folds/{fold}/checkpoints/last.ckpt")
            about = {"task": "train", "finished": fold not in unfinished}
            (folder / "folds" / fold / "manifest.json").write_text(json.dumps(about))
        if named is not None:
            (folder / "manifest.json").write_text(json.dumps({"task": "cv", "folds": named}))
        return folder

    return write


def best(folder, *folds):
    return [folder / "folds" / fold / "checkpoints" / "best.ckpt" for fold in folds]


def test_a_cross_validation_stands_for_all_its_folds(cross_validation, tmp_path):
    first = cross_validation("one", ("CHUM", "CHGJ", "CHMR"), named=["CHGJ", "CHUM", "CHMR"])
    second = cross_validation("two", ("0", "1"), named=[0, 1])
    without_manifest = cross_validation("three", ("b", "a"))
    assert find_checkpoints(first) == best(first, "CHGJ", "CHUM", "CHMR")
    assert find_checkpoints(str(without_manifest)) == best(without_manifest, "a", "b")
    assert find_checkpoints([first, second, first]) == best(first, "CHGJ", "CHUM", "CHMR") + best(second, "0", "1")
    assert len(find_checkpoints(f"{tmp_path}/t*")) == 4
    assert find_checkpoints(f"{first}/folds/CHM*") == best(first, "CHMR")
    assert find_cross_validations([f"{tmp_path}/t*", first]) == [without_manifest, second, first]
    assert find_cross_validations(f"{first}/folds/*") == []


def test_a_cross_validation_that_is_not_finished_names_the_fold(cross_validation):
    folder = cross_validation("half", ("CHGJ",), named=["CHGJ", "CHUM"])
    with pytest.raises(ValueError, match=r"half is not finished: fold CHUM has no checkpoint yet"):
        find_checkpoints(folder)
    assert find_checkpoints(folder / "folds" / "CHGJ") == best(folder, "CHGJ")
    training = cross_validation("training", ("CHGJ", "CHUM"), named=["CHGJ", "CHUM"], unfinished=("CHUM",))
    with pytest.raises(ValueError, match=r"fold CHUM is not trained to its end"):
        find_checkpoints(training)


def test_folds_without_a_checkpoint_or_none_at_all(cross_validation, tmp_path):
    folder = cross_validation("gaps", ("a",))
    (folder / "folds" / "b").mkdir()
    with pytest.raises(ValueError, match="fold b has no checkpoint yet"):
        find_checkpoints(folder)
    (tmp_path / "empty" / "folds").mkdir(parents=True)
    with pytest.raises(ValueError, match="no fold was trained yet"):
        find_checkpoints(tmp_path / "empty")


def test_a_manifest_that_cannot_be_read_is_named(cross_validation):
    folder = cross_validation("torn", ("a",), named=["a"])
    (folder / "manifest.json").write_text('{"folds": [')
    with pytest.raises(ValueError, match=r"torn.manifest\.json cannot be read"):
        find_checkpoints(folder)
