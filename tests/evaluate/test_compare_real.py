"""Two readings of real tumours, outlined on CT and on PET, compared with a third: one that both readers share."""

import os
from pathlib import Path

import numpy as np
import pytest

from hnseg.evaluate.compare import compare
from hnseg.evaluate.rescore import score_sources
from hnseg.evaluate.sources import open_sources
from hnseg.io import read_volume, write_volume
from hnseg.types import Volume

pytestmark = pytest.mark.real


@pytest.fixture
def lungs() -> Path:
    root = os.environ.get("HNSEG_REAL_DATA")
    if not root:
        pytest.skip("HNSEG_REAL_DATA is not set; it names a folder with petct/lung_isbi2018")
    folder = Path(root) / "petct" / "lung_isbi2018"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


def test_what_both_readers_outlined_is_nearer_to_one_than_the_other_reader_is(lungs, tmp_path) -> None:
    for case in sorted(path for path in lungs.iterdir() if path.is_dir()):
        ct, pet = (read_volume(case / f"GTV_Primary_ROI_{name}_Staple.nii.gz") for name in ("CT", "PET"))
        write_volume(ct, tmp_path / "truth" / f"{case.name}.nii.gz")
        write_volume(pet, tmp_path / "on_pet" / f"{case.name}.nii.gz")
        both = Volume(((ct.array == 1) & (pet.array == 1)).astype(np.uint8), ct.grid)
        write_volume(both, tmp_path / "both" / f"{case.name}.nii.gz")
    scored = score_sources(open_sources([tmp_path / "on_pet", tmp_path / "both"]), tmp_path / "truth", ["GTVp"])
    assert scored.left_out == {}
    found = compare(scored.rows)
    table, pair = found.table.set_index("source"), found.pairs.iloc[0]
    assert table["n"].tolist() == [2, 2]
    assert table["false_positive_mm3_mean"]["both"] == 0 < table["false_positive_mm3_mean"]["on_pet"]
    assert pair["dice_difference_mean"] == pytest.approx(table["dice_mean"]["both"] - table["dice_mean"]["on_pet"])
    assert 0 < pair["dice_difference_mean"] < 0.5
    assert pair["wilcoxon_p"] == 0.5  # two patients, both in favour
