"""Several sources with organs of their own become one cohort."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hnseg.augment import NoAugment, RotateMirror
from hnseg.data import EverySliceView, KFold, OrganDataModule
from hnseg.io import write_rows, write_volume
from hnseg.labels import LabelSet
from hnseg.prepare import Recipe
from hnseg.types import Grid, Volume

NAMES = ("BrainStem", "Mandible", "Parotid_L")
GRID = Grid((6, 16, 16), (3.0, 2.0, 2.0))


def ct(seed: int) -> Volume:
    hu = np.full(GRID.shape_zyx, -1000, np.int16)
    hu[:, 3:13, 3:13] = np.random.default_rng(seed).integers(-50, 150, (6, 10, 10))
    return Volume(hu, GRID)


def organ(row: int) -> Volume:
    mask = np.zeros(GRID.shape_zyx, np.uint8)
    mask[2:4, row : row + 2, 5:9] = 1
    return Volume(mask, GRID)


def patient(folder: Path, seed: int, organs: tuple[str, ...]) -> None:
    write_volume(ct(seed), folder / "img.nrrd")
    for row, name in enumerate(organs, start=4):
        write_volume(organ(2 * row - 4), folder / "structures" / f"{name}.nrrd")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for number in range(3):
        patient(tmp_path / "full" / f"0522c000{number}", number, NAMES)
        patient(tmp_path / "part" / f"kbp_00{number}", 10 + number, ("Brainstem", "Parotid_L"))
    return tmp_path


def module(root: Path, **changes: object) -> OrganDataModule:
    settings = {
        "name": "organs",
        "root": str(root),
        "sources": ["full", "part"],
        "batch_size": 2,
        "augment": NoAugment(),
    }
    settings |= changes
    return OrganDataModule(
        recipe=Recipe(("ct",), NAMES, (3.0, 2.0, 2.0), ("image",), None, allow_empty=True),
        labels=LabelSet(NAMES, "softmax"),
        split=KFold(fold=0, folds=3),
        view=EverySliceView((1, 16, 16)),
        cache_dir=root / "cache",
        prepare_workers=1,
        **settings,
    )


def test_a_structure_that_a_source_lacks_is_not_annotated_there(root: Path) -> None:
    data = module(root)
    data.prepare_data()
    data.setup()
    cases = {case.case_id: case for case in data.patients()}
    assert cases["0522c0001"].annotated == (True, True, True)
    assert cases["kbp_001"].annotated == (True, False, True)
    assert {case.centre for case in cases.values()} == {"full", "part"}
    counts = data.training_counts()
    trained = [cases[name] for name in data.split.train]
    assert counts.annotated == (len(trained), sum(case.centre == "full" for case in trained), len(trained))
    assert counts.complete == counts.annotated[1]
    assert counts.shown == tuple(2 * n for n in counts.annotated)  # two slices a patient


def test_an_epoch_goes_through_the_slices_that_show_an_organ(root: Path) -> None:
    data = module(root)
    data.prepare_data()
    data.setup()
    samples = data.training_samples()
    assert len(samples) == 2 * len(data.split.train)
    seen = [samples[(4, index)] for index in range(len(samples))]
    assert all(sample["target"].any() for sample in seen)
    assert {sample["case_id"] for sample in seen} == set(data.split.train)
    again = module(root, batch_size=1)
    again.prepare_data()
    again.setup()
    assert torch.equal(again.training_samples()[(4, 1)]["image"], seen[1]["image"])


def test_one_name_in_two_sources_is_set_aside_by_name(root: Path) -> None:
    patient(root / "part" / "0522c0000", 30, ("Parotid_L",))
    found = module(root).find_studies(progress=False)
    assert "0522c0000" not in [study.case_id for study in found.studies]
    [problem] = found.problems
    assert "are of one name" in problem.message
    assert str(root / "full" / "0522c0000" / "img.nrrd") in problem.message


def test_a_table_is_a_source_like_a_folder(root: Path) -> None:
    write_volume(ct(50), root / "own.nii.gz")
    write_volume(organ(4), root / "own_parotid.nii.gz")
    write_rows(root / "own.csv", [{"case": "own_1", "ct": "own.nii.gz", "Parotid_L": "own_parotid.nii.gz"}])
    data = module(root, sources=["full", "own.csv"])
    found = {study.case_id: study for study in data.find_studies(progress=False).studies}
    assert list(found["own_1"].masks) == ["Parotid_L"]
    assert found["own_1"].centre == "own"
    assert found["0522c0001"].centre == "full"


def test_an_augmentation_that_takes_left_for_right_is_refused(root: Path) -> None:
    with pytest.raises(ValueError, match=r"makes Parotid_L a Parotid_R under its old name; choose augment=organs"):
        module(root, augment=RotateMirror(("ct",)))


def test_a_source_that_is_not_there_is_named(root: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere is neither a folder nor a CSV"):
        module(root, sources=["full", "nowhere"]).find_studies(progress=False)
