"""A run folder as training leaves it, made of ellipsoids: what the tests of the report read."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import SimpleITK
import yaml

from hnseg.evaluate.cases import evaluate_case
from hnseg.prepare.case import Case, write_case
from hnseg.report import write_report
from hnseg.report.manifest import write_manifest
from hnseg.types import BoxMm, Grid, Volume

CONFIG = """\
model:
  _target_: hnseg.modules.segmentation.SegmentationModule
  net:
    _target_: hnseg.models.senorm_unet.SENormUNet
    filters: 8
loss:
  _target_: hnseg.losses.overlap.DiceLoss
seed: 7
"""


def ellipsoid(shape, centre, radii):
    axes = np.ogrid[tuple(slice(0, n) for n in shape)]
    return sum(((axis - c) / r) ** 2 for axis, c, r in zip(axes, centre, radii, strict=True)) <= 1


def make_run(
    folder: Path,
    *,
    phantom=False,
    cases_phantom=False,
    manifest_phantom=False,
    n_test=3,
    side=24,
    epochs=6,
    finished=True,
    protocol="inner",
    structure="GTVp",
    names=None,
    chain=None,
    cache=None,
    drawn=True,
) -> Path:
    """Write a run.

    ``phantom`` marks the prepared cases, the other two flags the table and the manifest. ``chain`` is post-processing
    as plain data: what it leaves is the prediction near the tumour. Without ``drawn`` nobody knows where the prepared
    images are, and pictures cost no time.
    """
    folder.mkdir(parents=True)
    cache = cache or folder.parent / "cache"
    names = names or [f"CHU{'PVS'[i % 3]}{i:03d}" for i in range(n_test)]
    cases = {}
    masks = {folder: [], folder / "postprocessed": []} if chain else {folder: []}
    for index, name in enumerate(names):
        case, *answers = make_case(cache / f"{folder.name}-{index}", name, index, side, phantom, structure)
        cases[name] = case.folder
        for place, mask in zip(masks, answers, strict=False):
            masks[place].append((case, mask))
    for place, answers in masks.items():
        write_scores(place, answers, structure, cases_phantom)
    if chain:
        (folder / "postprocessed" / "postprocess.yaml").write_text(yaml.safe_dump(chain))
    (folder / "metrics.csv").write_text(training_log(epochs))
    (folder / "config.yaml").write_text(CONFIG + yaml.safe_dump({"postprocess": chain or {}}))
    (folder / "overrides.yaml").write_text("- optimizer.lr=1e-3\n- data=hecktor2021\n")
    write_manifest(
        folder,
        name=folder.name,
        task="train",
        finished=finished,
        started="2026-01-01T10:00:00+00:00",
        wall_time_s=125.0,
        seed=7,
        phantom=manifest_phantom,
        data={"name": "hecktor2021", "key": "0a1b2c", "n_train": 2, "n_val": 2, "n_test": len(names)},
        split={"name": "official", "protocol": protocol, "train": ["A1", "A2"], "val": ["B1", "B2"], "test": names},
        test_looks=1 if names else 0,
        failed_cases=[{"case": "CHUX009", "message": "CHUX009_pt.nii.gz: the file ends after 12 of 40 slices"}],
        cases=cases if drawn else {},
        parameters=2_423_937,
        best_epoch=max(0, epochs - 2),
        monitor="val/dice",
    )
    return folder


def write_scores(folder, answers, structure, phantom, **columns):
    """``predictions/`` and ``cases.csv`` of some prepared cases and their masks."""
    rows = []
    for case, mask in answers:
        name, about = case.case_id, {"case_id": case.case_id, "centre": case.centre}
        rows += evaluate_case(mask, case.truth(), (structure,), (True,), **about)
        (folder / "predictions").mkdir(exist_ok=True, parents=True)
        if "/" not in name:
            write_nifti(mask, folder / "predictions" / f"{name}.nii.gz")
    if rows:
        pd.DataFrame(rows).assign(phantom=phantom, **columns).to_csv(folder / "cases.csv", index=False)


def make_case(folder, name, index, side, phantom, structure):
    """A head with a hot tumour; the prediction misses it by a little more in each further patient.

    Returns the case, the prediction, and what is left of it near the tumour.
    """
    rng = np.random.Generator(np.random.Philox(index))
    spacing = 144.0 / side
    shape = (side, side, side)
    grid = Grid(shape, (spacing,) * 3, (-72.0, -72.0, -500.0))
    head = ellipsoid(shape, (side / 2, side / 2, side / 2), (side, 0.45 * side, 0.36 * side))
    centre = (0.45 * side, 0.4 * side, 0.6 * side)
    radius = (0.08 + 0.03 * rng.random()) * side
    tumour = ellipsoid(shape, centre, (1.2 * radius, radius, radius))
    found = ellipsoid(shape, (centre[0], centre[1], centre[2] + (index % 7) * 0.35 * radius), (radius,) * 3)
    spine = ellipsoid(shape, (side / 2, 0.75 * side, side / 2), (2 * side, 0.07 * side, 0.07 * side))
    ct = np.where(head, 40.0, -1000.0) + 500 * spine + 15 * rng.standard_normal(shape)
    pet = np.where(head, 1.2, 0.0) + 9 * tumour + 0.2 * rng.standard_normal(shape)
    label = tumour.astype(np.uint8)
    case = Case(
        folder, name, name[:4], "test", ("ct", "pt"), (structure,), (True,), grid, grid,
        BoxMm((-72, -72, -500), (72, 72, -356)), phantom, (), {}, f"{folder}",
    )  # fmt: skip
    folder.mkdir(parents=True)
    write_case(folder, case, {"ct": ct.astype(np.int16), "pt": pet.astype(np.float16)}, label, label)
    near = ellipsoid(shape, centre, (1.2 * radius,) * 3)
    return case, Volume(found.astype(np.uint8), grid), Volume((found & near).astype(np.uint8), grid)


def make_cv(
    folder: Path,
    *,
    folds=("CHUP", "CHUS", "CHUV"),
    done=None,
    per_fold=2,
    chain=None,
    tested=2,
    phantom=False,
    side=16,
    random=(),
    drawn=True,
) -> Path:
    """Write a cross-validation: a run a fold, gathered as ``hnseg cv`` does it; only ``done`` folds are finished.

    Each of the ``random`` folds leaves out the first patient of every centre. ``tested`` patients of CHUX have been
    outlined by the ensemble; None: it never looked.
    """
    chain, everyone = chain or {}, {fold: [f"{fold}{i:03d}" for i in range(per_fold)] for fold in folds}
    everyone |= {fold: [names[i] for names in list(everyone.values())] for i, fold in enumerate(random)}
    done = list(everyone) if done is None else done
    options = {"chain": chain, "phantom": phantom, "side": side, "cache": folder.parent / f"cache-{folder.name}"}
    cases = {}
    for fold in done:
        run = make_run(folder / "folds" / fold, names=everyone[fold], **options)
        (run / "report.html").write_text("a page")
        cases = json.loads((run / "manifest.json").read_text())["cases"] | cases
    folder.mkdir(parents=True, exist_ok=True)
    for place in ("", "postprocessed") if chain else ("",):
        sources = [(fold, folder / "folds" / fold / place) for fold in done]
        tables = [pd.read_csv(source / "cases.csv", dtype=str).assign(fold=fold) for fold, source in sources]
        for _, source in sources[::-1]:
            shutil.copytree(source / "predictions", folder / place / "predictions", dirs_exist_ok=True)
        if tables:
            pd.concat(tables).to_csv(folder / place / "cases.csv", index=False)
    finished = len(done) == len(everyone)
    if tested and finished:
        made = [make_case(options["cache"] / f"test{i}", f"CHUX{i:03d}", i, side, phantom, "GTVp")
                for i in range(tested)]  # fmt: skip
        write_scores(folder / "test", [(case, mask) for case, mask, _ in made], "GTVp", phantom)
        if chain:
            write_scores(folder / "test" / "postprocessed", [(case, mask) for case, _, mask in made], "GTVp", phantom)
        (folder / "test" / "ensemble.json").write_text(json.dumps({"folds": {}, "chain": chain}))
    (folder / "config.yaml").write_text(CONFIG + yaml.safe_dump({"postprocess": chain}))
    (folder / "overrides.yaml").write_text("- split=leave_one_centre_out\n- data.root=/data/my scans\n")
    write_manifest(
        folder,
        name=folder.name,
        task="cv",
        finished=finished,
        started="2026-01-01T10:00:00+00:00",
        seed=7,
        phantom=phantom,
        data={"name": "hecktor2021", "key": "0a1b2c", "n": 99},
        split={"name": "LeaveOneCentreOut", "protocol": "inner"},
        folds=list(everyone),
        failed_cases=[{"case": "CHUX009", "message": "CHUX009_pt.nii.gz: the file ends after 12 of 40 slices"}],
        cases=cases if drawn else {},
        test_looks=1 if tested and finished else 0,
    )
    return folder


def write_nifti(volume, path):
    image = SimpleITK.GetImageFromArray(volume.array)
    image.SetSpacing(volume.spacing_mm[::-1])
    image.SetOrigin(volume.origin_mm)
    SimpleITK.WriteImage(image, str(path))


def training_log(epochs):
    """Sparse rows as a logger writes them: the rate without an epoch, training and validation apart."""
    lines = ["epoch,step,lr-Adam,train/loss,val/loss,val/dice"]
    for epoch in range(epochs):
        good = 1 - np.exp(-epoch / max(1, epochs / 4))
        wobble = 0.02 * np.sin(5 * epoch)
        rate = 1e-6 + 1e-3 * (1 + np.cos(np.pi * (epoch % 25) / 25)) / 2
        lines += [
            f",{10 * epoch},{rate},,,",
            f"{epoch},{10 * epoch + 9},,{1.2 - good + wobble},,",
            f"{epoch},{10 * epoch + 9},,,{1.25 - 0.9 * good - wobble},{0.8 * good + wobble}",
        ]
    return "\n".join(lines) + "\n"


@pytest.fixture
def run_maker(tmp_path):
    counter = iter(range(100))
    return lambda name="", **options: make_run(tmp_path / (name or f"run{next(counter)}"), **options)


@pytest.fixture
def cv_maker(tmp_path):
    counter = iter(range(100))
    return lambda name="", **options: make_cv(tmp_path / (name or f"cv{next(counter)}"), **options)


@pytest.fixture
def metrics_text():
    return training_log


@pytest.fixture(scope="session")
def shared_run(tmp_path_factory):
    """A whole unmarked run that no test may change."""
    return reported(make_run(tmp_path_factory.mktemp("runs") / "shared"))


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """The same with a single test patient."""
    return reported(make_run(tmp_path_factory.mktemp("runs") / "small", n_test=1))


def reported(folder):
    page = write_report(folder)
    return SimpleNamespace(folder=folder, page=page, html=page.read_text())
