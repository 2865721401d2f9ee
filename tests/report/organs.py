"""A run on nine organs as training leaves it, made of ellipsoids; some patients have only four of them annotated."""

import json
import shutil

import numpy as np
import pandas as pd
import yaml

from hnseg.evaluate.cases import evaluate_case
from hnseg.io import write_volume
from hnseg.prepare.case import Case, write_case
from hnseg.types import BoxMm, Grid, Volume
from tests.report.conftest import ellipsoid

ORGANS = (
    "BrainStem", "Chiasm", "Mandible", "OpticNerve_L", "OpticNerve_R", "Parotid_L", "Parotid_R", "Submandibular_L",
    "Submandibular_R",
)  # fmt: skip
FOUR = ("BrainStem", "Mandible", "Parotid_L", "Parotid_R")
SHAPE, SPACING_MM = (24, 32, 32), (5.0, 4.0, 4.0)
# centre and radii in voxels, z y x; three levels: optic nerves, parotids and brain stem, jaw
PLACES = {
    "BrainStem": ((14, 18, 16), (4, 2.5, 2.5)),
    "Chiasm": ((20, 14, 16), (1, 1.5, 2)),
    "Mandible": ((6, 8, 16), (2.5, 2, 7)),
    "OpticNerve_L": ((20, 10, 20), (1, 3, 1.2)),
    "OpticNerve_R": ((20, 10, 12), (1, 3, 1.2)),
    "Parotid_L": ((12, 17, 25), (4, 3.5, 2.5)),
    "Parotid_R": ((12, 17, 7), (4, 3.5, 2.5)),
    "Submandibular_L": ((6, 14, 21), (2.5, 2.5, 2)),
    "Submandibular_R": ((6, 14, 11), (2.5, 2.5, 2)),
}
CONFIG = {
    "data": {"name": "public_oar", "label_names": list(ORGANS)},
    "normalization": {"ct": {"kind": "windows", "levels": [40, 20, 600], "widths": [80, 350, 2800]}},
    "model": {"_target_": "hnseg.modules.SegmentationModule", "net": {"_target_": "hnseg.models.ResUNet2D"}},
    "title": "my_organs",
}


def write_about(folder, **fields):
    """A manifest without what is collected about machine and code, which takes longer than the rest."""
    (folder / "manifest.json").write_text(json.dumps(fields))


def label_map(shift=(0, 0, 0), names=ORGANS):
    """uint8 (Z, Y, X); the place of a name among the nine is its value."""
    labels = np.zeros(SHAPE, np.uint8)
    for name in names:
        centre, radii = PLACES[name]
        labels[ellipsoid(SHAPE, np.add(centre, shift), radii)] = ORGANS.index(name) + 1
    return labels


def make_organ_run(folder, *, full=6, partly=2, phantom=False, config=None, drawn=True, data=True, first=0):
    """``full`` patients of the source ``paired``, ``partly`` ones of ``openkbp``, in front of them in the table.

    ``first`` is the number of the first of each. Without ``drawn`` nobody knows where their images are.
    """
    folder.mkdir(parents=True)
    config = CONFIG | (config or {})
    known = {f"openkbp_{i}": FOUR for i in range(first, first + partly)}
    known |= {f"paired_{i}": ORGANS for i in range(first, first + full)}
    rows, cases = [], {}
    for place, (name, organs) in enumerate(known.items()):
        case, truth, found = make_organ_case(
            folder.parent / f"cache-{folder.name}" / name, name, place, organs, phantom
        )
        cases[name] = str(case.folder)
        write_volume(found, folder / "predictions" / f"{name}.nii.gz")
        rows += evaluate_case(found, truth, ORGANS, case.annotated, case_id=name, centre=case.centre)
    if rows:
        pd.DataFrame(rows).assign(phantom=phantom).to_csv(folder / "cases.csv", index=False)
    (folder / "metrics.csv").write_text(organ_log(8))
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    if data:
        (folder / "facts.json").write_text(json.dumps(facts()))
        np.savez(folder / "samples.npz", **samples())
    write_about(
        folder, name=folder.name, task="train", finished=True, phantom=phantom, monitor="val/dice", best_epoch=6,
        data={"name": config["data"]["name"], "n_train": 9, "n_val": 2, "n_test": len(known)}, test_looks=1,
        split={"name": "public_oar", "train": ["A"], "val": ["B"], "test": list(known)}, cases=cases if drawn else {},
    )  # fmt: skip
    return folder


def make_organ_cv(folder, *, full=3, partly=1, tested=True, drawn=False):
    """Two folds of a cross-validation, gathered as ``hnseg cv`` does it, and the ensemble on two more patients."""
    tables, cases = [], {}
    for fold in (0, 1):
        options = {"full": full, "partly": partly, "data": False, "drawn": drawn}
        run = make_organ_run(folder / "folds" / str(fold), first=10 * fold, **options)
        tables.append(pd.read_csv(run / "cases.csv").assign(fold=str(fold)))
        cases |= json.loads((run / "manifest.json").read_text())["cases"]
        shutil.copytree(run / "predictions", folder / "predictions", dirs_exist_ok=True)
    rows = pd.concat(tables)
    rows.to_csv(folder / "cases.csv", index=False)
    if tested:
        (folder / "test").mkdir()
        rows[rows["fold"] == "0"].drop(columns="fold").to_csv(folder / "test" / "cases.csv", index=False)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    write_about(
        folder, name=folder.name, task="cv", finished=True, folds=["0", "1"], cases=cases, test_looks=int(tested),
        data={"name": "public_oar", "n": 8}, split={"name": "KFold", "protocol": "inner"},
    )  # fmt: skip
    return folder


def make_organ_case(folder, name, place, organs, phantom):
    """A prepared patient, their truth (of some organs) and a prediction of all nine that is a little off."""
    grid = Grid(SHAPE, SPACING_MM)
    truth, found = label_map(names=organs), label_map((0, 0.3 * (place % 4), 0))
    ct = np.where(ellipsoid(SHAPE, (12, 16, 16), (30, 14, 13)), 40, -1000) + 100 * (truth == 3)
    annotated = tuple(organ in organs for organ in ORGANS)
    case = Case(
        folder, name, name.split("_")[0], "test", ("ct",), ORGANS, annotated, grid, grid,
        BoxMm((0, 0, 0), (128, 128, 120)), phantom, (), {}, str(folder),
    )  # fmt: skip
    folder.mkdir(parents=True)
    write_case(folder, case, {"ct": ct.astype(np.int16)}, truth, truth)
    return case, Volume(truth, grid), Volume(found, grid)


def organ_log(epochs):
    """Dice of eight organs: nobody annotated the chiasm in a validation patient."""
    logged = [name for name in ORGANS if name != "Chiasm"]
    lines = ["epoch,step,lr,train/loss,val/loss,val/dice," + ",".join(f"val/dice_{name}" for name in ORGANS)]
    for epoch in range(epochs):
        dice = {name: (0.4 + 0.05 * place) * epoch / epochs for place, name in enumerate(logged)} | {"Chiasm": "nan"}
        rate, mean = 1e-3 * 0.5 ** (epoch // 4), sum(dice[name] for name in logged) / 8
        numbers = [epoch, 10 * epoch + 9, rate, 1 / (1 + epoch), 1.1 / (1 + epoch), mean]
        lines.append(",".join(map(str, [*numbers, *(dice[name] for name in ORGANS)])))
    return "\n".join(lines) + "\n"


def facts():
    labels = label_map()
    edges = np.arange(-1024.0, 2001.0, 56.0)
    soft, air = np.histogram(np.full(100, 40.0), edges)[0], np.histogram(np.full(900, -1000.0), edges)[0]
    structures = [
        {"name": name, "patients_annotated": 9 if name in FOUR else 5, "patients_shown": 5,
         "slices": int((labels == value).any(axis=(1, 2)).sum()), "voxels": int((labels == value).sum())}
        for value, name in enumerate(ORGANS, start=1)
    ]  # fmt: skip
    hu = {"edges": edges.tolist(), "all": (soft + air).tolist(), **{name: soft.tolist() for name in ORGANS}}
    return {"structures": structures, "patients": 9, "slices": 24, "voxels": int(labels.size), "hu": hu}


def samples(count=4):
    labels = label_map()[[6, 12, 20, 14]][:count]
    image = np.where(labels > 0, 60.0, -900.0).astype(np.float32)
    after = np.s_[:, 2:-2, 4:-4]
    return {
        "before": image, "before_label": labels, "after": image[after], "after_label": labels[after],
        "names": np.array(ORGANS), "case": np.array(["A", "$b_", "C", "D"][:count]),
    }  # fmt: skip
