import numpy as np
import pytest

from hnseg.evaluate.scoring import Scoring, TrueMask, challenge_grid, read_truth, score_mask
from hnseg.io import write_volume
from hnseg.types import BoxMm, Grid, Volume

GRID = Grid((8, 10, 12), (3.0, 1.0, 1.0), (-5.0, 2.0, 100.0))


def mask(start: int, stop: int, value: int = 1) -> Volume:
    array = np.zeros(GRID.shape_zyx, np.uint8)
    array[2:6, 3:8, start:stop] = value
    return Volume(array, GRID)


def test_challenge_grid_lies_in_the_box_at_the_spacing_of_the_truth() -> None:
    box = BoxMm((0.0, 10.0, 20.0), (6.0, 14.0, 32.0))
    grid = challenge_grid(GRID, box)
    assert grid.shape_zyx == (4, 4, 6)
    assert grid.spacing_mm == GRID.spacing_mm
    assert grid.origin_mm == box.low_mm


def test_structures_that_nobody_annotated_get_no_row(tmp_path) -> None:
    write_volume(mask(2, 6, value=2), tmp_path / "a.nii.gz")
    true = TrueMask("a", "X", mask(2, 6, value=2), (False, True))
    (row,) = score_mask(tmp_path / "a.nii.gz", true, Scoring(("GTVp", "GTVn")))
    assert (row["case"], row["centre"], row["structure"], row["dice"]) == ("a", "X", "GTVn", 1)
    assert [row["structure"] for row in true.missed(("GTVp", "GTVn"))] == ["GTVn"]


def test_a_truth_from_a_file_is_annotated_throughout(tmp_path) -> None:
    write_volume(mask(2, 6), tmp_path / "CHUS001.nii.gz")
    true = read_truth("CHUS001", tmp_path / "CHUS001.nii.gz", Scoring(("GTVp", "GTVn"), centres={"other": "Y"}))
    assert true.annotated == (True, True)
    assert true.centre == "CHUS"
    assert true.volume.array.sum() == 4 * 5 * 4


def test_another_grid_needs_leave_to_resample(tmp_path) -> None:
    fine = Grid((24, 10, 12), (1.0, 1.0, 1.0), (-5.0, 2.0, 99.0))
    array = np.zeros(fine.shape_zyx, np.uint8)
    array[6:18, 3:8, 2:6] = 1
    write_volume(Volume(array, fine), tmp_path / "a.nii.gz")
    true = TrueMask("a", "", mask(2, 6), (True,))
    with pytest.raises(ValueError, match="on the grid of the truth"):
        score_mask(tmp_path / "a.nii.gz", true, Scoring(("GTVt",)))
    (row,) = score_mask(tmp_path / "a.nii.gz", true, Scoring(("GTVt",), resample=True))
    assert row["dice"] == 1
