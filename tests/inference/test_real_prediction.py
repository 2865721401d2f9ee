"""The road from real PET/CT files to a mask on the CT's grid, with a network whose answer is known."""

import os
from pathlib import Path

import numpy as np
import pytest

from hnseg.geometry import resample
from hnseg.inference.folder import predict_folder
from hnseg.inference.predictor import Predictor
from hnseg.io import read_volume
from hnseg.prepare.recipe import Recipe
from hnseg.types import Study

ROOT = os.environ.get("HNSEG_REAL_DATA")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not ROOT, reason="HNSEG_REAL_DATA is not set; it names a folder with petct/HN-CHUS-052"),
]


def test_head_and_neck_is_found_and_outlined_on_its_own_ct(pet_threshold, tmp_path):
    folder = Path(str(ROOT)) / "petct" / "HN-CHUS-052"
    images = {name: folder / f"HN-CHUS-052__{name.upper()}.nii.gz" for name in ("ct", "pt")}
    predictor = Predictor([pet_threshold(recipe=Recipe(spacing_mm=(2, 2, 2)))])
    result = predict_folder(predictor, [Study("HN-CHUS-052", images)], tmp_path, progress=False)
    assert not result.failures
    mask, ct = read_volume(result.written[0]), read_volume(images["ct"])
    assert mask.grid.matches(ct.grid)
    assert "from the brain in the PET" in (tmp_path / "predictions.csv").read_text()
    # the network outlines SUV above 2, and the reference has SUV above 4.6 only
    reference = resample(read_volume(folder / "HN-CHUS-052__pseudoGTV.nii.gz"), mask.grid, "nearest").array > 0
    assert (mask.array[reference] > 0).mean() > 0.95
    pet = resample(read_volume(images["pt"]), mask.grid, "linear").array
    inside = mask.array > 0
    assert (pet[inside] > 1.5).mean() > 0.98
    assert np.count_nonzero(inside) * mask.grid.voxel_volume_mm3 < 2e6
