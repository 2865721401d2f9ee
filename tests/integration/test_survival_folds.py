"""Masks and deep features of a real cross-validation."""

from pathlib import Path

import pytest

from hnseg.prepare import Case
from hnseg.report import read_manifest
from hnseg.survival.deep_features import deep_by_fold
from hnseg.survival.objects import Fold
from hnseg.survival.segmentation import Segmentation
from tests.integration.tiny import TINY, Command

FOLDS = [argument for argument in TINY if argument not in ("fold=0", "trainer.max_epochs=3")]


@pytest.mark.slow
def test_a_real_cross_validation_gives_masks_and_deep_features_out_of_fold(
    command: Command, environment: dict[str, str]
) -> None:
    command("-m", "hnseg.run.cli", "cv", *FOLDS, "trainer.max_epochs=1", "name=for_survival")
    folder = Path(environment["HNSEG_ROOT"]) / "runs" / "cv" / "for_survival"
    read = Segmentation.open(folder)
    cases = {name: Case.open(Path(place)) for name, place in read_manifest(folder)["cases"].items()}
    masks, lacking = read.masks(cases)
    assert set(masks) == set(cases)
    assert all(path.is_file() for path in masks.values())
    assert not lacking
    assert read.phantom
    splits = [read_manifest(folder / "folds" / name)["split"] for name in ("0", "1", "2")]
    folds = [Fold(str(n), (*split["train"], *split["val"]), tuple(split["test"])) for n, split in enumerate(splits)]
    deep = deep_by_fold(read, folds, list(cases.values()), "decoder", progress=False)
    assert list(deep) == ["0", "1", "2"]
    for fold in folds:
        assert not set(fold.test) & read.network_for(fold).saw
        assert deep[fold.name].table.shape[0] == len(cases)
        assert deep[fold.name].table.notna().all(axis=None)
        assert not deep[fold.name].failures
    run = Segmentation.open(folder / "folds" / "0")
    assert set(run.masks(folds[0].test)[0]) == set(folds[0].test)
    with pytest.raises(ValueError, match="were seen by the network"):
        run.masks(cases)
    predicted = folder.parents[1] / "predicted_in_fold"
    inputs = Path(environment["HNSEG_ROOT"]) / "data"
    image = next(path.parent for path in inputs.rglob(f"{folds[0].train[0]}_ct.nii.gz"))
    command("predict.py", f"checkpoint={folder}", f"input={image}", f"output={predicted}")
    outlined = [path.name.removesuffix(".nii.gz") for path in predicted.glob("*.nii.gz")]
    assert folds[0].train[0] in outlined
    with pytest.raises(ValueError, match="were seen by the network"):
        Segmentation.open(predicted).masks(outlined)
