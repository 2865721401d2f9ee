import json

import numpy as np
import pandas as pd
import pytest
import torch

from hnseg.inference import load_checkpoint
from hnseg.inference.feature_maps import LayerMeans
from hnseg.inference.rewrite import rewrite_postprocess, rewrite_threshold
from hnseg.postprocess import DropSmall, Postprocess
from hnseg.prepare import Recipe
from hnseg.survival.deep_features import Network, deep_by_fold, deep_table
from hnseg.survival.segmentation import Segmentation
from hnseg.types import Grid
from tests.survival.tiny_networks import SIZE, THREE, FakeCv, checkpoint, folds_of, write_checkpoint, write_prepared

EVERYBODY = [f"P{number}" for number in range(1, 7)]


@pytest.fixture
def cohort(tmp_path):
    return [write_prepared(tmp_path / "cache", name, seed) for seed, name in enumerate(EVERYBODY)]


@pytest.fixture
def cv(tmp_path):
    return FakeCv(tmp_path / "cv" / "three", THREE, seeds=(0, 1, 2)).write()


def test_a_row_a_patient_and_a_column_a_map(tmp_path, cohort):
    loaded = checkpoint(tmp_path / "net.ckpt")
    deep = deep_table(loaded, cohort, "bottleneck", progress=False)
    assert list(deep.table.index) == EVERYBODY
    assert list(deep.table.columns) == [f"deep_{number:03d}" for number in range(16)]
    assert (deep.table.dtypes == np.float64).all()
    means = LayerMeans(loaded, "bottleneck")
    np.testing.assert_array_equal(deep.table.loc["P4"], means.of_case(cohort[3]))
    assert deep.table.nunique().min() == 6
    assert deep.network.layer == "down.3"
    assert not deep.failures


def test_a_patient_without_features_is_named_and_the_others_go_on(tmp_path, cohort):
    coarse = Grid((SIZE,) * 3, (2.0, 2.0, 2.0))
    other = write_prepared(tmp_path / "cache", "X1", grid=coarse, image_grid=coarse)
    (cohort[1].folder / "pt.npy").write_bytes(b"torn")
    deep = deep_table(checkpoint(tmp_path / "net.ckpt"), [*cohort[:3], other], progress=False)
    assert list(deep.table.index) == ["P1", "P3"]
    assert [failure.case_id for failure in deep.failures] == ["P2", "X1"]
    assert "mm" in deep.failures[1].message
    with pytest.raises(ValueError, match=r"no patient has deep features; X1: .*voxels"):
        deep_table(checkpoint(tmp_path / "net.ckpt"), [other], progress=False)


def test_every_fold_has_its_own_network_which_saw_none_of_those_tested(cv, cohort):
    read = Segmentation.open(cv)
    folds = folds_of(THREE)
    tables = deep_by_fold(read, folds, cohort, progress=False)
    assert len({deep.network.sha256 for deep in tables.values()}) == 3
    for fold in folds:
        deep = tables[fold.name]
        assert deep.network.path == f"three/folds/{fold.name}/checkpoints/best.ckpt"
        split = json.loads((cv / "folds" / fold.name / "manifest.json").read_text())["split"]
        assert not {*split["train"], *split["val"]} & set(fold.test)
        own = load_checkpoint(cv / "folds" / fold.name / "checkpoints" / "best.ckpt")
        pd.testing.assert_frame_equal(deep.table, deep_table(own, cohort, progress=False).table)


def test_truth_of_test_patients_reaches_no_deep_feature(cv, cohort, tmp_path):
    read = Segmentation.open(cv)
    folds = folds_of(THREE)
    before = deep_by_fold(read, folds, cohort, progress=False)
    for fold in folds:
        empty = np.zeros((SIZE,) * 3, np.uint8)
        others = [
            write_prepared(tmp_path / fold.name, case.case_id, seed, label=empty if case.case_id in fold.test else None)
            for seed, case in enumerate(cohort)
        ]
        assert not np.array_equal(others[EVERYBODY.index(fold.test[0])].label, cohort[0].label)
        after = deep_by_fold(read, [fold], others, progress=False)[fold.name]
        pd.testing.assert_frame_equal(after.table, before[fold.name].table)


def test_other_folds_and_networks_of_the_paper_are_refused(tmp_path, cv, cohort):
    read = Segmentation.open(cv)
    (first, *_) = folds_of(THREE)
    moved = type(first)("0", (*first.train, "P1"), ("P2",))
    with pytest.raises(ValueError, match="tests other patients than any fold"):
        deep_by_fold(read, [first, moved], [], progress=False)  # said before the first fold is computed
    paper = Segmentation.open(FakeCv(tmp_path / "paper", THREE, "paper", seeds=(0, 1, 2)).write())
    with pytest.raises(ValueError, match=r"split\.protocol=paper"):
        deep_by_fold(paper, folds_of(THREE), cohort, progress=False)


def test_one_network_cannot_leave_out_two_folds(tmp_path, cohort):
    read = Segmentation.open(FakeCv(tmp_path / "twins", THREE, seeds=(0, 1, 0)).write())
    with pytest.raises(ValueError, match="the folds 0 and 2 have the same weights"):
        deep_by_fold(read, folds_of(THREE), cohort, progress=False)


def test_a_network_is_known_by_what_decides_its_features(tmp_path):
    path = write_checkpoint(tmp_path / "a" / "net.ckpt")
    network = Network.of(load_checkpoint(path), "up.2")
    rewrite_postprocess(path, Postprocess({"drop_small": DropSmall(10.0)}))
    rewrite_threshold(path, 0.3)
    network.refuse_another(load_checkpoint(path))
    moved = checkpoint(tmp_path / "b" / "moved.ckpt", config={"seed": 7})
    network.refuse_another(moved)
    one_weight = torch.load(path, weights_only=True)
    one_weight["state_dict"]["net.head.bias"] += 1e-3
    torch.save(one_weight, tmp_path / "c.ckpt")
    others = [
        load_checkpoint(tmp_path / "c.ckpt"),
        checkpoint(tmp_path / "d.ckpt", seed=1),
        checkpoint(tmp_path / "e.ckpt", recipe=Recipe(spacing_mm=(2.0, 2.0, 2.0))),
    ]
    for other in others:
        with pytest.raises(ValueError, match=r"fitted on deep features of the network .*net\.ckpt .*is another one"):
            network.refuse_another(other)


def test_what_is_known_of_a_network_survives_json(tmp_path):
    network = Network.of(checkpoint(tmp_path / "runs" / "net.ckpt"), "up.2", below=tmp_path)
    assert network.path == "runs/net.ckpt"
    assert Network.from_plain(json.loads(json.dumps(network.to_plain()))) == network


@pytest.mark.parametrize("change", [{"sha256": "ab"}, {"path": 3}, {"more": 1}, {"layer": None}])
def test_anything_else_is_no_network(change):
    good = {"path": "a", "layer": "b", "sha256": "0" * 64}
    assert Network.from_plain(good).layer == "b"
    with pytest.raises(ValueError, match="the network of deep features needs"):
        Network.from_plain({**good, **change})
    with pytest.raises(ValueError, match="the network of deep features needs"):
        Network.from_plain({name: good[name] for name in ("path", "layer")})
