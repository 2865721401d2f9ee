"""Two readings of real lung tumours (STAPLE of three raters on CT, and on PET) scored against each other."""

import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from hnseg.evaluate.folders import evaluate_folders
from hnseg.io import read_volume

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


def test_real_tumours_agree_with_the_reference_libraries(lungs, tmp_path) -> None:
    torch = pytest.importorskip("torch")
    monai_metrics = pytest.importorskip("monai.metrics")
    reference = pytest.importorskip("surface_distance")
    for case in sorted(path for path in lungs.iterdir() if path.is_dir()):
        for part, name in (("truth", "CT"), ("predictions", "PET")):
            (tmp_path / part).mkdir(exist_ok=True)
            shutil.copy(case / f"GTV_Primary_ROI_{name}_Staple.nii.gz", tmp_path / part / f"{case.name}.nii.gz")
    result = evaluate_folders(tmp_path / "predictions", tmp_path / "truth", tmp_path / "out", ["GTVp"])
    assert result.complete
    assert len(result.cases) >= 2
    for row in result.cases.to_dict("records"):
        predicted, true = (read_volume(tmp_path / p / f"{row['case']}.nii.gz") for p in ("predictions", "truth"))
        masks = [np.ascontiguousarray(volume.array == 1) for volume in (predicted, true)]
        assert 0.3 < row["dice"] < 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = reference.compute_surface_distances(masks[1], masks[0], true.spacing_mm)
            directed = monai_metrics.compute_hausdorff_distance(
                *(torch.from_numpy(mask)[None, None] for mask in masks),
                include_background=True,
                percentile=95,
                spacing=true.spacing_mm,
            )
        assert row["hd95_mm"] == pytest.approx(directed.item(), rel=1e-5)
        assert row["hd95_surface_mm"] == pytest.approx(reference.compute_robust_hausdorff(theirs, 95))
        assert row["surface_dice"] == pytest.approx(reference.compute_surface_dice_at_tolerance(theirs, 1.0))
