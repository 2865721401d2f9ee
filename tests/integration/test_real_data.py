"""The commands on real scans: sarcomas in a user's own table, and a head and neck under HECKTOR's names."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from hnseg.io import read_grid, read_volume, write_volume
from hnseg.types import Volume
from tests.integration.tiny import Command

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif("HNSEG_REAL_DATA" not in os.environ, reason="HNSEG_REAL_DATA names no folder of real scans"),
]
PETCT = Path(os.environ.get("HNSEG_REAL_DATA", "")) / "petct"
HNSEG = ["-m", "hnseg.run.cli"]
SMALL = [
    "data.spacing_mm=[4.5,4.5,4.5]",
    "data.prepare_workers=1",
    "view.size_zyx=[32,32,32]",
    "model.net.filters=2",
    "trainer.max_epochs=1",
    "trainer.accelerator=cpu",
    "threads=1",
]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sarcomas of the thigh and elsewhere, as somebody would list them."""
    path = tmp_path_factory.mktemp("sarcomas") / "cases.csv"
    folders = sorted((PETCT / "sts_ibsi").glob("STS_*"))[:6]
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "ct", "pt", "GTVt", "split"])
        for number, folder in enumerate(folders):
            files = [folder / f"{name}.nii.gz" for name in ("CT_image", "PET_image", "CT_mask")]
            writer.writerow([folder.name, *files, "test" if number < 2 else "train"])
    return path


@pytest.fixture(scope="module")
def hecktor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One patient as HECKTOR 2021 names the files, with a box around the tumour; the mask is on the PET's grid."""
    root = tmp_path_factory.mktemp("hecktor2021")
    source, folder = PETCT / "HN-CHUS-052", root / "hecktor_nii"
    folder.mkdir()
    for theirs, ours in (("CT", "ct"), ("PT", "pt"), ("pseudoGTV", "gtvt")):
        (folder / f"HN-CHUS-052_{ours}.nii.gz").symlink_to(source / f"HN-CHUS-052__{theirs}.nii.gz")
    header, box = "PatientID,x1,x2,y1,y2,z1,z2", "HN-CHUS-052,-55,89,-80,64,-345,-201"
    (root / "hecktor2021_bbox_training.csv").write_text(f"{header}\n{box}\n")
    return root


def test_sarcomas_from_a_table_to_scores(table: Path, command: Command, runs: Path, tmp_path: Path) -> None:
    own = ["data=table", f"data.csv={table}", "data.regions=[image]", *SMALL]
    shown = command(*HNSEG, "check", *own).stdout
    assert "0 errors" in shown
    assert "6 cases prepared" in command(*HNSEG, "prepare", *own).stdout
    command("train.py", *own, "name=sarcomas", "test=true", "postprocess=crf")
    refined = pd.read_csv(runs / "sarcomas" / "postprocessed" / "cases.csv").set_index("case")
    tested = pd.read_csv(runs / "sarcomas" / "cases.csv").set_index("case")
    assert len(tested) == 2
    assert list(refined.index) == list(tested.index)
    for case_id, row in tested.iterrows():
        truth = read_volume(PETCT / "sts_ibsi" / str(case_id) / "CT_mask.nii.gz")
        voxels_mm3 = float((truth.array > 0.5).sum()) * truth.grid.voxel_volume_mm3
        assert row["truth_volume_mm3"] == pytest.approx(voxels_mm3, rel=1e-5)

    rows = pd.read_csv(table).query("split == 'test'")
    pairs, masks = tmp_path / "pairs.csv", tmp_path / "masks"
    rows.rename(columns={"pt": "pet"})[["case", "ct", "pet"]].to_csv(pairs, index=False)
    last = runs / "sarcomas" / "checkpoints" / "last.ckpt"
    command(
        "predict.py",
        f"checkpoint=[{runs / 'sarcomas'},{last}]",
        f"input={pairs}",
        f"output={masks}",
        "save_probabilities=true",
        "device=cpu",
        "threads=1",
    )
    written = pd.read_csv(masks / "predictions.csv").set_index("case")
    assert written["postprocess"].str.contains("hnseg.postprocess.Crf").all()  # carried by the checkpoints
    truths = tmp_path / "truths"
    for row in rows.itertuples():
        mask, ct = read_volume(masks / f"{row.case}.nii.gz"), read_grid(Path(str(row.ct)))
        assert mask.grid.matches(ct)
        assert read_grid(masks / "probabilities" / f"{row.case}_GTVt.nii.gz").matches(ct)
        ml = float((mask.array > 0).sum()) * ct.voxel_volume_mm3 / 1000
        assert written.loc[row.case, "GTVt_ml"] == pytest.approx(ml, abs=1e-2)
        truth = read_volume(Path(str(row.GTVt)))
        write_volume(Volume((truth.array > 0.5).astype(np.uint8), truth.grid), truths / f"{row.case}.nii.gz")
    command(*HNSEG, "evaluate", f"predictions={masks}", f"truth={truths}", f"output={tmp_path / 'scores'}")
    scored = pd.read_csv(tmp_path / "scores" / "cases.csv").set_index("case")
    assert list(scored.index) == list(rows["case"])
    np.testing.assert_allclose(scored["truth_volume_mm3"], tested["truth_volume_mm3"][scored.index], rtol=1e-5)


def test_head_and_neck_under_hecktor_names(hecktor: Path, command: Command, runs: Path, tmp_path: Path) -> None:
    own = ["data=hecktor2021", f"data.root={hecktor}", *SMALL]
    assert "0 errors, 0 warnings" in command(*HNSEG, "check", *own).stdout
    assert "1 cases prepared" in command(*HNSEG, "prepare", *own).stdout
    # one patient cannot be split: the network comes from a phantom, and says so
    command(
        "train.py",
        "data.phantom={patients: 6, seed: 0, coarse: 4.0}",
        f"data.root={tmp_path / 'phantom'}",
        *SMALL,
        "split=kfold",
        "split.folds=3",
        "fold=0",
        "name=hn",
    )
    masks = tmp_path / "masks"
    boxes = hecktor / "hecktor2021_bbox_training.csv"
    command(
        "predict.py",
        f"checkpoint={runs / 'hn'}",
        f"input={hecktor}",
        f"output={masks}",
        f"boxes={boxes}",
        "postprocess=crf",
        "device=cpu",
        "threads=1",
    )
    ct = read_grid(hecktor / "hecktor_nii" / "HN-CHUS-052_ct.nii.gz")
    mask = read_volume(masks / "HN-CHUS-052.nii.gz")
    assert mask.grid.matches(ct)
    inside = ct.to_lps_mm(np.argwhere(mask.array))
    assert np.all((inside >= (-57, -82, -347)) & (inside <= (91, 66, -199)))  # nothing outside the box
    refused = command(
        *HNSEG,
        "evaluate",
        f"predictions={masks}",
        f"truth={hecktor / 'hecktor_nii'}",
        f"output={tmp_path / 'a'}",
        expect=1,
    )
    assert "resample=true" in refused.stdout  # the truth is on the PET's grid
    command(
        *HNSEG,
        "evaluate",
        f"predictions={masks}",
        f"truth={hecktor / 'hecktor_nii'}",
        f"output={tmp_path / 'b'}",
        "resample=true",
    )
    row = pd.read_csv(tmp_path / "b" / "cases.csv").iloc[0]
    assert row["truth_volume_mm3"] == pytest.approx(73_728)  # 73.7 ml: 1152 voxels of 4 mm


def test_a_click_in_a_tumour_outlines_it_without_a_network(command: Command, tmp_path: Path) -> None:
    source = PETCT / "HN-CHUS-052"
    truth = read_volume(source / "HN-CHUS-052__pseudoGTV.nii.gz")
    pieces, _ = ndimage.label(truth.array > 0, np.ones((3, 3, 3)))
    depth = ndimage.distance_transform_edt(pieces == np.bincount(pieces.ravel())[1:].argmax() + 1)
    x, y, z = truth.grid.to_lps_mm(np.array(np.unravel_index(depth.argmax(), depth.shape)))
    (tmp_path / "clicks.csv").write_text(f"case,x,y,z,frame,kind\nHN-CHUS-052,{-x},{-y},{z},RAS,positive\n")
    (tmp_path / "cases.csv").write_text(f"case,pet\nHN-CHUS-052,{source / 'HN-CHUS-052__PT.nii.gz'}\n")
    paths = [f"input={tmp_path / 'cases.csv'}", f"output={tmp_path}", f"clicks={tmp_path / 'clicks.csv'}"]
    command("predict.py", "checkpoint=pet_threshold", *paths)
    mask = read_volume(tmp_path / "HN-CHUS-052.nii.gz")
    assert mask.grid.matches(truth.grid)
    shared = ((mask.array > 0) & (truth.array > 0)).sum()
    assert 2 * shared / ((mask.array > 0).sum() + (truth.array > 0).sum()) > 0.8  # a share of the maximum twice


def test_sarcomas_slice_by_slice_with_clicks(command: Command, runs: Path, tmp_path: Path) -> None:
    folders = sorted((PETCT / "sts_ibsi").glob("STS_*"))[:7]
    lines = [f"{f.name},{f / 'PET_image.nii.gz'},{f / 'PET_mask.nii.gz'}" for f in folders]
    (tmp_path / "cases.csv").write_text("\n".join(["case,pet,mask", *lines]) + "\n")
    own = ["experiment=rainio2024_cm1cnn", f"data.csv={tmp_path / 'cases.csv'}", "threads=1"]
    assert "0 errors" in command(*HNSEG, "check", *own).stdout
    command("train.py", *own, "trainer.max_epochs=1", "model.net.filters=4", "name=sarcoma-slices")
    slices, clicks = (pd.read_csv(runs / "sarcoma-slices" / f"{name}.csv") for name in ("slices", "clicks"))
    assert (slices["pixels"] >= 6).all()
    threshold = clicks.query("method == 'pet_threshold' and user == 'centre'")["dice"]
    assert threshold.median() > 0.5
    assert not clicks["phantom"].any()
