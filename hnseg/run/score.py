"""Held-out patients after post-processing: scored from checkpoints, with nothing trained again."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml
from rich.progress import track

from hnseg.clicks import ClickChannels, PointEncoding
from hnseg.data import Split
from hnseg.evaluate import evaluate_case, official_scores
from hnseg.inference import Predictor, load_checkpoint, outline
from hnseg.inference.chains import TUNED, same_chain, tuned_chain
from hnseg.inference.options import Hardware
from hnseg.inference.rewrite import rewrite_postprocess
from hnseg.inference.runner import Precision
from hnseg.io import atomic_path, read_rows, write_json, write_rows, write_volume
from hnseg.modules.segmentation import SLICES
from hnseg.postprocess import Postprocess, Scene
from hnseg.prepare import Case
from hnseg.prepare.axial import axial
from hnseg.report import read_manifest, write_manifest
from hnseg.run.ledger import record_look
from hnseg.run.slice_clicks import shown_clicks
from hnseg.types import Click

POSTPROCESSED, TUNING = "postprocessed", "tuning"


def score_cases(
    predictor: Predictor, cases: Sequence[Case], folders: Mapping[Path, Postprocess], seed: int = 0
) -> None:
    """Outline each case once and write ``predictions/`` and ``cases.csv`` into every folder, after its own chain.

    Masks lie on the patients' own grids, scores are in mm there. Patients without a truth get a mask and no row. A
    network that takes clicks sees those of the test stage; a chain that needs clicks gets the centre of every component
    of the truth, which makes its scores those of an oracle.

    Args:
        predictor: the network, or an ensemble of them.
        cases: prepared patients.
        folders: where to write, and what post-processing comes before.
        seed: of the run, for the clicks.
    """
    rows: dict[Path, list[dict[str, Any]]] = {folder: [] for folder in folders}
    for case in track(cases, description="outline and score"):
        image = torch.from_numpy(case.crop((0, 0, 0), case.grid.shape_zyx)[0])
        shown = shown_clicks(case, predictor.click_channels[0], "test", seed)
        probabilities = predictor.predict_prepared(image, clicks=shown)
        scene, truth = Scene(image, case.modalities, case.grid.spacing_mm), case.truth()
        for folder, chain in folders.items():
            centres = _centres(case, chain)
            how = (predictor.labels, predictor.threshold, chain, centres)
            mask = outline(probabilities, scene, case.grid, case.image_grid, *how)
            write_volume(mask, folder / "predictions" / f"{case.case_id}.nii.gz")
            if truth is not None:
                names = predictor.labels.names
                found = evaluate_case(mask, truth, names, case.annotated, case_id=case.case_id, centre=case.centre)
                clicked = bool(predictor.click_channels[0].channels) or centres is not None
                given = {"clicks": len(shown) + len(centres or ())} if clicked else {}
                rows[folder] += [{**row, **given, "phantom": case.phantom} for row in found]
    for folder, found in rows.items():
        if found:
            write_rows(folder / "cases.csv", found)


def _centres(case: Case, chain: Postprocess) -> list[Click] | None:
    """For a chain that needs clicks one in the centre of every component, slice by slice where its steps go so."""
    truth = case.truth()
    if not chain.needs_clicks or truth is None:
        return None
    flat = any(getattr(step, "spatial_dims", 3) == 2 for step in chain.steps.values())
    structures, outlined = len(case.label_names), axial(truth)
    channels = ClickChannels(PointEncoding(), structures, 0, structures, 2 if flat else 3, "centre", most=None)
    clicks = channels.draw(outlined.array, np.random.default_rng(0), spacing_mm=outlined.spacing_mm)
    positions = outlined.grid.to_lps_mm(clicks.index).tolist()
    names = [case.label_names[value - 1] for value in clicks.values]
    return [Click(tuple(at), name) for at, name in zip(positions, names, strict=True)]


def score_postprocessed(run: Path, plain: Mapping[str, Any], again: bool = False) -> bool:
    """Bring ``postprocessed/`` of a run up to date with its chain; False where there was nothing to do.

    The chain is what tuning left in ``postprocess.yaml``, else the configured one. The patients whom the network was
    scored on are outlined by its best checkpoint, which carries the chain from then on.

    Args:
        run: a train run's folder.
        plain: the configuration, of the run itself or of its cross-validation.
        again: the run was scored before, so that this is another look at its test patients, and counts as one.
    """
    chain, folder = chosen_chain(run, plain), run / POSTPROCESSED
    if not (run / "cases.csv").is_file():
        return False
    checkpoint = best_checkpoint(run)
    rewrite_postprocess(checkpoint, chain)
    used = tuned_chain(folder) or Postprocess()  # where it is not tuning's, the file says what the masks went through
    if same_chain(used, chain):
        return False
    shutil.rmtree(folder, ignore_errors=True)
    if not chain:
        return True
    manifest = read_manifest(run)
    tested = sorted({row["case"] for row in read_rows(run / "cases.csv", required=("case",))})
    predictor = Predictor([load_checkpoint(checkpoint, plain["trust"])], **hardware_of(plain["trainer"]))
    cases = [Case.open(Path(manifest["cases"][case_id])) for case_id in tested]
    score_cases(predictor, cases, {folder: chain}, plain["seed"])
    write_chain(folder, chain)
    if again:
        split, runs = Split.from_dict(manifest["split"]), Path(plain["paths"]["runs"])
        looks = record_look(runs, manifest["name"], manifest["data"]["name"], split.name, split.key)
        write_manifest(run, test_looks=looks)
    return True


def chosen_chain(folder: Path, plain: Mapping[str, Any]) -> Postprocess:
    """What tuning left in a folder, else what is configured; says so where the one hides the other."""
    configured, tuned = Postprocess.from_dict(plain["postprocess"], "the configuration"), tuned_chain(folder)
    if tuned is None:
        return configured
    if not same_chain(tuned, configured):
        print(f"{folder.name}: post-processing as tuned ({folder / TUNED}; remove it to have the configured one)")
    return tuned


def forget_postprocessing(run: Path) -> None:
    """Take away what was scored and tuned with weights that a run has no more."""
    for name in (POSTPROCESSED, TUNING):
        shutil.rmtree(run / name, ignore_errors=True)
    (run / TUNED).unlink(missing_ok=True)


def hardware_of(trainer: Mapping[str, Any]) -> Hardware:
    """Where and how a trained network is applied: as it was trained, so that scores differ by nothing else."""
    devices, on_cpu = trainer["devices"], trainer["accelerator"] == "cpu" or not torch.cuda.is_available()
    first = devices[0] if isinstance(devices, list) else 0
    precisions: dict[str, Precision] = {"bf16-mixed": "bf16", "16-mixed": "16"}
    return Hardware(
        device="cpu" if on_cpu else f"cuda:{first}", precision=precisions.get(str(trainer["precision"]), "32")
    )


def run_predictor(run: Path, plain: Mapping[str, Any]) -> Predictor:
    """The best network of a run, without post-processing, on the hardware that it was trained with."""
    checkpoint = load_checkpoint(best_checkpoint(run), plain["trust"])
    hardware = hardware_of(plain["trainer"])
    if checkpoint.normalization.spatial_dims == 2:
        hardware["batch_size"] = SLICES
    return Predictor([checkpoint], postprocess=Postprocess(), **hardware)


def write_chain(folder: Path, chain: Postprocess) -> None:
    """Note in a folder what post-processing its masks went through."""
    with atomic_path(folder / TUNED) as temporary:
        temporary.write_text(yaml.safe_dump(chain.to_dict(), sort_keys=False))


def best_checkpoint(run: Path) -> Path:
    """``best.ckpt`` of a run, or ``last.ckpt`` where nothing was ever best."""
    best = run / "checkpoints" / "best.ckpt"
    return best if best.is_file() else best.with_name("last.ckpt")


def read_scores(path: Path) -> pd.DataFrame:
    """A table of scores as it was written; a patient or a centre may well be called NA."""
    names = dict.fromkeys(("case", "centre", "structure", "fold"), str)
    undefined = ["", "nan"]
    kept = pd.read_csv(path, nrows=0).columns
    return pd.read_csv(
        path,
        dtype={name: kind for name, kind in names.items() if name in kept},
        keep_default_na=False,
        na_values={name: undefined for name in kept if name not in names},
        float_precision="round_trip",
    )


def write_official(folder: Path) -> None:
    """``official.json`` beside a ``cases.csv``: what the challenges' organisers would make of these rows.

    They score every patient once: where several folds tested one patient there is nothing to write.
    """
    rows = read_scores(folder / "cases.csv")
    if rows.duplicated(["case", "structure"]).any():
        return
    scores = official_scores(rows, sorted(set(rows["case"])))
    scores["phantom"] = bool(rows["phantom"].any())
    write_json(folder / "official.json", scores)
