"""Two readers of real head-and-neck CTs (Nikolov et al. 2021, doi:10.2196/26151), and PDDCA's, on the native grid."""

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from hnseg.evaluate.organ_files import Naming
from hnseg.evaluate.organ_folders import OrganScoring, score_organ_folders
from hnseg.io import read_volume
from hnseg.prepare.organs import PDDCA

pytestmark = pytest.mark.real


@pytest.fixture
def masks() -> Path:
    root = os.environ.get("HNSEG_REAL_DATA")
    if not root:
        pytest.skip("HNSEG_REAL_DATA is not set; it names a folder with oar/native_masks")
    folder = Path(root) / "oar" / "native_masks"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


def scored(masks: Path, truth: str, folder: str) -> dict:
    scores = score_organ_folders(
        masks / "deepmind" / "radiographer",
        masks / truth,
        OrganScoring(Naming(PDDCA), second_reader=True),
        truth_folders=(folder,),
        prediction_folders=("segmentations",),
    )
    assert scores.failures == {}
    return {(row["case"], row["structure"]): row for row in scores.cases.to_dict("records")}


def test_two_readers_agree_as_the_reference_library_says(masks: Path) -> None:
    reference = pytest.importorskip("surface_distance")
    rows = scored(masks, "deepmind/oncologist", "segmentations")
    assert len({case for case, _ in rows}) >= 2
    assert "Chiasm" not in {structure for _, structure in rows}  # neither of them outlined it
    case_id = min(case for case, _ in rows)
    for structure, file in (("Parotid_L", "Parotid-Lt"), ("Mandible", "Mandible")):
        row = rows[case_id, structure]
        pair = [
            read_volume(masks / "deepmind" / reader / case_id / "segmentations" / f"{file}.nrrd")
            for reader in ("oncologist", "radiographer")
        ]
        true, predicted = (np.ascontiguousarray(volume.array > 0) for volume in pair)
        with warnings.catch_warnings(action="ignore"):
            found = reference.compute_surface_distances(true, predicted, pair[0].spacing_mm)
        assert row["dice"] > 0.7  # and 1 for the mandible of 0522c0014: there one reader took over the other's
        assert row["dice"] == pytest.approx(reference.compute_dice_coefficient(true, predicted))
        assert row["hd95_surface_mm"] == pytest.approx(reference.compute_robust_hausdorff(found, 95))
        expected = reference.compute_surface_dice_at_tolerance(found, row["tolerance_mm"])
        assert row["surface_dice"] == pytest.approx(expected)


def test_the_readers_of_pddca_lie_on_the_same_grids(masks: Path) -> None:
    rows = scored(masks, "pddca", "structures")
    assert len(rows) > 10
    assert min(row["dice"] for row in rows.values()) > 0.3
