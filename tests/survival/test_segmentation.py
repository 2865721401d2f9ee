import json
import shutil

import pytest

from hnseg.survival.objects import Fold
from hnseg.survival.segmentation import Segmentation, refuse_other_folds
from tests.survival.tiny_networks import THREE, FakeCv, folds_of, write_json

EVERYBODY = [f"P{number}" for number in range(1, 7)]


@pytest.fixture
def cv(tmp_path):
    return FakeCv(tmp_path / "cv" / "three", THREE).write()


def changed(path, **fields):
    """Rewrite a manifest; fields of ``split`` are merged into it."""
    content = json.loads(path.read_text())
    split = {**content.get("split", {}), **fields.pop("split", {})}
    path.write_text(json.dumps({**content, **fields, **({"split": split} if split else {})}))


def test_a_cross_validation_says_who_was_trained_on_whom(cv):
    read = Segmentation.open(cv)
    assert (read.kind, read.phantom) == ("cv", True)
    first = read.folds[0]
    assert (first.name, first.train, first.val, first.test) == ("0", ("P4", "P5", "P6"), ("P3",), ("P1", "P2"))
    assert [fold.checkpoint for fold in read.folds] == [cv / "folds" / n / "checkpoints" / "best.ckpt" for n in "012"]


def test_masks_are_those_after_post_processing_where_there_are_such(cv):
    masks, lacking = Segmentation.open(cv).masks(EVERYBODY)
    assert masks == {patient: cv / "predictions" / f"{patient}.nii.gz" for patient in EVERYBODY}
    assert not lacking
    shutil.copytree(cv / "predictions", cv / "postprocessed" / "predictions")
    masks, _ = Segmentation.open(cv).masks(["P3"])
    assert masks == {"P3": cv / "postprocessed" / "predictions" / "P3.nii.gz"}


def test_patients_without_a_mask_are_named(cv):
    (cv / "predictions" / "P4.nii.gz").unlink()
    masks, lacking = Segmentation.open(cv).masks(["P1", "P4", "new"])
    assert list(masks) == ["P1"]
    assert [failure.case_id for failure in lacking] == ["P4", "new"]
    assert "has no mask in" in lacking[0].message


def test_survival_folds_are_those_of_the_segmentation(cv):
    read = Segmentation.open(cv)
    for cohort in (EVERYBODY, ["P6", "P1", "P3", "P4"]):  # P2 and P5 have no outcome
        folds = folds_of(THREE, cohort)
        refuse_other_folds(read, folds)
        assert [read.network_for(fold).name for fold in folds] == ["0", "1", "2"]
    renamed = Fold("third", folds[2].train, folds[2].test)
    assert read.network_for(renamed).name == "2"


@pytest.mark.parametrize(
    "test", [("P1", "P3"), ("P1",), ("P1", "P2", "P3"), ()], ids=["other", "fewer", "more", "nobody"]
)
def test_other_folds_are_refused(cv, test):
    fold = Fold("0", tuple(p for p in EVERYBODY if p not in test), test)
    with pytest.raises(ValueError, match="survival fold 0 tests other patients than any fold of"):
        refuse_other_folds(Segmentation.open(cv), [fold])


def test_a_network_that_chose_its_epoch_on_test_patients_gives_no_deep_features_but_masks(tmp_path):
    read = Segmentation.open(FakeCv(tmp_path / "x", THREE, "paper").write())
    with pytest.raises(ValueError, match=r"split\.protocol=paper.*a leak into their deep features"):
        refuse_other_folds(read, folds_of(THREE))
    assert set(read.masks(EVERYBODY)[0]) == set(EVERYBODY)


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_network_that_saw_a_test_patient_is_refused_by_ids(cv, part):
    changed(cv / "folds" / "1" / "manifest.json", split={part: ["P3", "P1"]})
    with pytest.raises(ValueError, match=r"1.manifest\.json: P3 are tested and trained on"):
        Segmentation.open(cv)


def test_the_ids_are_looked_at_again_where_a_network_is_given_out(cv):
    read = Segmentation.open(cv)
    (good, *_), fold = read.folds, folds_of(THREE)[0]
    leaky = type(good)(**{**vars(good), "val": ("P2",)})
    with pytest.raises(ValueError, match=r"network of fold 0 saw 1 test patients of survival fold 0 \(P2\)"):
        Segmentation(read.folder, "cv", (leaky,), read.masks_folder, True).network_for(fold)


def test_unfinished_folds_are_refused(tmp_path):
    half = FakeCv(tmp_path / "half", THREE, unfinished=("2",)).write()
    with pytest.raises(ValueError, match="half is not finished: not all of its folds are trained"):
        Segmentation.open(half)
    changed(half / "manifest.json", finished=True)
    with pytest.raises(ValueError, match=r"folds.2 is not finished"):
        Segmentation.open(half)
    shutil.rmtree(half / "folds" / "2")
    with pytest.raises(ValueError, match=r"folds.2 is not finished: it was never started"):
        Segmentation.open(half)


def test_a_fold_without_weights_is_refused(cv):
    (cv / "folds" / "1" / "checkpoints" / "best.ckpt").unlink()
    with pytest.raises(ValueError, match=r"no checkpoint in .*folds.1"):
        Segmentation.open(cv)


def test_a_final_fit_is_refused(cv):
    changed(cv / "folds" / "0" / "manifest.json", split={"protocol": "final"})
    for place in (cv, cv / "folds" / "0"):
        with pytest.raises(ValueError, match="is a final fit, whose validation patients trained as well"):
            Segmentation.open(place)


@pytest.mark.parametrize("split", [None, {"train": "P1"}, {"protocol": "mine"}, {"test": [1]}])
def test_a_manifest_that_does_not_say_who_is_refused(cv, split):
    path = cv / "folds" / "0" / "manifest.json"
    if split is None:
        write_json(path, {"task": "train", "finished": True})
    else:
        changed(path, split=split)
    with pytest.raises(ValueError, match=r"does not say who was trained, validated and tested on \(split\)"):
        Segmentation.open(cv)


@pytest.mark.parametrize(("text", "message"), [("{", "is not valid JSON"), ("[]", "holds a list, expected an object")])
def test_a_torn_manifest_is_named(cv, text, message):
    (cv / "folds" / "1" / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=message):
        Segmentation.open(cv)


def test_one_run_gives_masks_of_those_whom_it_left_out_and_no_networks(cv):
    run = Segmentation.open(cv / "folds" / "0")
    assert run.kind == "run"
    assert set(run.masks(["P1", "P2"])[0]) == {"P1", "P2"}
    for seen in ("P4", "P3"):  # trained on, validated on
        with pytest.raises(ValueError, match=rf"1 of the patients \({seen}\) were seen by the network in training or"):
            run.masks(["P1", seen])
    with pytest.raises(ValueError, match="is one training run, which has no network a fold"):
        run.network_for(folds_of(THREE)[0])


def test_a_folder_of_masks_gives_masks_and_no_networks(tmp_path):
    (tmp_path / "P1.nii.gz").write_bytes(b"")
    theirs = Segmentation.open(str(tmp_path))
    assert (theirs.kind, theirs.folds, theirs.phantom) == ("masks", (), False)
    masks, lacking = theirs.masks(["P1", "P2"])
    assert masks == {"P1": tmp_path / "P1.nii.gz"}
    assert [failure.case_id for failure in lacking] == ["P2"]
    with pytest.raises(ValueError, match="is a folder of masks, which has no network a fold"):
        refuse_other_folds(theirs, [Fold("0", ("P2",), ("P1",))])
    (tmp_path / "PHANTOM.json").write_text("{}")
    assert Segmentation.open(tmp_path).phantom


def test_predictions_for_patients_whom_their_network_saw_are_refused(cv, tmp_path):
    masks = tmp_path / "predicted"
    masks.mkdir()
    weights = cv / "folds" / "0" / "checkpoints" / "best.ckpt"
    gone = tmp_path / "gone" / "checkpoints" / "best.ckpt"
    rows = [f"{patient},{gone}; {weights},True" for patient in EVERYBODY]
    (masks / "predictions.csv").write_text("\n".join(["case,checkpoints,phantom", *rows]))
    for patient in EVERYBODY:
        (masks / f"{patient}.nii.gz").write_bytes(b"")
    read = Segmentation.open(masks)
    assert read.phantom
    assert set(read.masks(["P1", "P2"])[0]) == {"P1", "P2"}
    with pytest.raises(ValueError, match=r"4 of the patients \(P3, P4, P5, P6\) were seen"):
        read.masks(EVERYBODY)


def test_other_places_are_refused(tmp_path, cv):
    with pytest.raises(ValueError, match="there is no such folder"):
        Segmentation.open(tmp_path / "gone")
    with pytest.raises(ValueError, match=r"neither a run \(no manifest\.json\) nor a folder of masks"):
        Segmentation.open(tmp_path)
    write_json(tmp_path / "arms" / "manifest.json", {"task": "arms"})
    shutil.copytree(cv, tmp_path / "arms" / "arms" / "plain")
    with pytest.raises(ValueError, match=r"several cross-validations; give one of them: arms/plain"):
        Segmentation.open(tmp_path / "arms")
