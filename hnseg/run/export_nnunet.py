"""`export-nnunet`: a prepared data set and its folds, for nnU-Net v2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from hnseg.data import CaseDataModule, Split
from hnseg.data.leakage import refuse_leaks
from hnseg.data.splits import deal_out
from hnseg.prepare.findings import Failure
from hnseg.prepare.nnunet import NnunetExport, export_nnunet
from hnseg.prepare.nnunet_folder import NnunetFolder
from hnseg.run.resolvers import to_plain
from hnseg.run.validate import validate


def main(config: DictConfig) -> int:
    """0; 1 where patients had to be set aside."""
    plain = to_plain(config)
    validate(plain, plain["trust"])
    folder = NnunetFolder(Path(plain["output"]).expanduser(), plain["dataset_id"], plain["dataset_name"])
    data: CaseDataModule = instantiate(plain["data"]["module"], _convert_="all")
    data.prepare_data()
    assert data.cohort is not None
    splits = _splits(data)
    named = {case_id for split in splits.values() for part in (split.train, split.val, split.test) for case_id in part}
    found = export_nnunet(
        folder,
        [case for case in data.patients() if case.case_id in named],
        [case for case in data.cohort.cases if case.part == "test"],
        {name: ((*split.train, *set(split.val) - set(split.test)), split.test) for name, split in splits.items()},
        overwrite=plain["overwrite"],
        workers=plain["data"]["prepare_workers"],
    )
    nobody = [case for case in data.cohort.cases if case.part != "test" and case.label is None]
    unlabelled = [Failure(case.case_id, "nobody outlined anything; nnU-Net has no use for it") for case in nobody]
    failures = (*data.cohort.failures, *unlabelled, *found.failures)
    _say(folder, found, failures, list(splits))
    return 1 if failures else 0


def _splits(data: CaseDataModule) -> dict[str, Split]:
    """Every fold of the chosen split, none of them with one patient on two sides."""
    patients = data.patients()
    splits = {str(fold): deal_out(data.splitter.for_fold(fold), patients) for fold in data.splitter.folds(patients)}
    for split in splits.values():
        refuse_leaks(split, patients)
    return splits


def _say(folder: NnunetFolder, found: NnunetExport, failures: Sequence[Any], folds: Sequence[str]) -> None:
    print(f"{len(found.written)} patients written, {len(found.kept)} were there: {folder.below('raw')}")
    if failures:
        print(f"{len(failures)} patients were set aside:")
        for failure in failures:
            print(f"  {failure}")
    print("folds of nnU-Net and what hnseg calls them: " + ", ".join(f"{n} = {name}" for n, name in enumerate(folds)))
    root, number = folder.root.resolve(), folder.number
    print("Next, where nnU-Net is installed:")
    for part in ("raw", "preprocessed", "results"):
        print(f"  export nnUNet_{part}='{root / f'nnUNet_{part}'}'")
    print(f"  nnUNetv2_plan_and_preprocess -d {number} --verify_dataset_integrity")
    print(f"  nnUNetv2_train {number} 3d_fullres FOLD        for FOLD in {' '.join(map(str, range(len(folds))))}")
