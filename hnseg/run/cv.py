"""`cv`: every fold of a split, then what they say together: out-of-fold tables, an ensemble, a report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig

from hnseg.data import CaseDataModule
from hnseg.data.leakage import refuse_leaks
from hnseg.data.splits import deal_out
from hnseg.postprocess import Postprocess
from hnseg.report import read_manifest, write_manifest, write_report
from hnseg.run.arms import run_arms
from hnseg.run.claim import claim
from hnseg.run.folds import Fold, exit_code, folds_below, run_to_its_end, train_command
from hnseg.run.lock import only_one
from hnseg.run.out_of_fold import gather, outline_test_patients
from hnseg.run.resolvers import to_plain
from hnseg.run.validate import validate

ANY_PART = ("train", "val", "test")


def main(config: DictConfig) -> int:
    """0; 1 where patients had to be set aside; the code of the first fold that failed."""
    plain = to_plain(config)
    validate(plain, plain["trust"])
    Postprocess.from_dict(plain["postprocess"], "the configuration")  # a chain that cannot be, before the first fold
    overrides = list(HydraConfig.get().overrides.task)
    if any(override.startswith("fold=") for override in overrides):
        raise ValueError("cv trains all folds; to train some of them, say cv.folds=[...] instead of fold=...")
    folder = Path(plain["paths"]["output"])
    with only_one(folder):
        claim(folder, plain, overrides, "cross-validation")
        if plain["cv"].get("arms"):
            return run_arms(plain, folder, overrides)
        return _cross_validate(plain, folder, overrides)


def _cross_validate(plain: dict[str, Any], folder: Path, overrides: list[str]) -> int:
    data: CaseDataModule = instantiate(plain["data"]["module"], _convert_="all")
    data.prepare_data()
    assert data.cohort is not None
    folds, chosen = _folds(data, plain, folder)
    _refuse_other_data(data, folds)
    patients = data.patients()
    for fold in folds:
        refuse_leaks(deal_out(data.splitter.for_fold(fold.name), patients), patients)  # now, not when its turn comes
    _describe(folder, plain, data, folds)
    code = _train_all(chosen, plain, overrides, plain["name"])
    done = [fold for fold in folds if fold.finished]
    if done:
        gather(folder, done, plain)
    if len(done) == len(folds):
        if plain["test"]:
            outline_test_patients(data, plain, folder, folds)
        write_manifest(folder, finished=True)
    print(f"{len(done)} of {len(folds)} folds are finished; report: {write_report(folder)}")
    if not all(fold.finished for fold in chosen):
        print("The same command again goes on at the first unfinished fold.")
        return max(code, 1)
    return 1 if data.cohort.failures else code


def _folds(data: CaseDataModule, plain: dict[str, Any], folder: Path) -> tuple[list[Fold], list[Fold]]:
    """All folds of the split, and those of them that are to be trained now."""
    if not hasattr(data.splitter, "folds"):
        raise ValueError(f"{type(data.splitter).__name__} does not say what its folds are; give it folds(patients)")
    known: list[str | int] = list(data.splitter.folds(data.patients()))
    said = plain["cv"]["folds"]
    chosen = known if said is None else said if isinstance(said, list) else [said]
    unknown = [name for name in chosen if name not in known]
    if unknown or not chosen:
        raise ValueError(f"cv.folds: this split has no {unknown or 'empty choice'}; its folds are {known}")
    folds = folds_below(folder, known)
    return folds, [folds[known.index(name)] for name in chosen]


def _refuse_other_data(data: CaseDataModule, folds: Sequence[Fold]) -> None:
    """A fold that is finished, or begun, with other patients or preparation than today's belongs to another table."""
    assert data.cohort is not None
    cases = data.cohort.cases
    ours = {data.recipe.cohort_key([c.key for c in cases if c.part in parts]) for parts in (ANY_PART, ANY_PART[:2])}
    begun = [fold for fold in folds if (fold.folder / "manifest.json").is_file()]
    other = [str(fold.name) for fold in begun if read_manifest(fold.folder)["data"]["key"] not in ours]
    if other:
        raise ValueError(
            f"the folds {', '.join(other)} were trained on other patients, or on patients prepared otherwise, than are "
            "there now; give this cross-validation a name of its own (name=...), or overwrite=true to train them again"
        )


def _describe(folder: Path, plain: dict[str, Any], data: CaseDataModule, folds: Sequence[Fold]) -> None:
    assert data.cohort is not None
    known = (folder / "manifest.json").is_file()
    started = read_manifest(folder)["started"] if known else datetime.now(UTC).isoformat(timespec="seconds")
    write_manifest(
        folder,
        name=folder.name,
        task="cv",
        finished=False,
        started=started,
        seed=plain["seed"],
        phantom=any(case.phantom for case in data.cohort.cases),
        data={"name": data.name, "key": data.cohort.key, "n": len(data.cohort.cases)},
        split={"name": type(data.splitter).__name__, "protocol": plain["split"].get("protocol", "inner")},
        folds=[fold.folder.name for fold in folds],
        failed_cases=[{"case": f.case_id, "message": f.message} for f in data.cohort.failures],
        cases={case.case_id: str(case.folder) for case in data.cohort.cases},
    )


def _train_all(folds: Sequence[Fold], plain: dict[str, Any], overrides: list[str], name: str) -> int:
    """Train what is not finished; the worst exit code. A fold that fails stops the others: they would fail alike."""
    waiting = [fold for fold in folds if not fold.finished]
    launcher = plain["cv"]["launcher"]
    if launcher is not None and waiting:
        return exit_code(run_to_its_end(train_command(overrides, name, waiting, launcher)))
    worst = 0
    for number, fold in enumerate(folds, start=1):
        if fold.finished:
            print(f"fold {fold.name} ({number} of {len(folds)}) is finished", flush=True)
            continue
        print(f"fold {fold.name} ({number} of {len(folds)})", flush=True)
        worst = max(worst, exit_code(run_to_its_end(train_command(overrides, name, [fold], None))))
        if not fold.finished:
            print(f"fold {fold.name} did not finish", flush=True)
            break
    return worst
