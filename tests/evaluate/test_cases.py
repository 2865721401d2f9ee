import numpy as np
import pytest

from hnseg.evaluate.cases import evaluate_case, missed_case
from hnseg.metrics.surface import surface_distances
from hnseg.types import Grid, Volume

GRID = Grid((10, 12, 14), (3.0, 1.0, 1.0), (-5.0, 2.0, 100.0))
NAMES = ("GTVp", "GTVn")


def label_map(*blocks: tuple[int, slice], grid: Grid = GRID) -> Volume:
    array = np.zeros(grid.shape_zyx, np.uint8)
    for value, where in blocks:
        array[where, 2:7, 3:9] = value
    return Volume(array, grid)


PREDICTION = label_map((1, slice(1, 4)), (2, slice(6, 8)))
TRUTH = label_map((1, slice(2, 5)), (2, slice(6, 8)))


def evaluated(prediction: Volume, truth: Volume, annotated=(True, True), **options) -> dict:
    rows = evaluate_case(prediction, truth, NAMES, annotated, case_id="CHUM-001", centre="CHUM", **options)
    return {row["structure"]: row for row in rows}


def test_a_row_a_structure_in_mm() -> None:
    rows = evaluated(PREDICTION, TRUTH)
    primary = rows["GTVp"]
    assert (primary["case"], primary["centre"]) == ("CHUM-001", "CHUM")
    assert primary["dice"] == pytest.approx(2 / 3)
    assert primary["precision"] == primary["recall"] == pytest.approx(2 / 3)
    assert primary["volume_mm3"] == primary["truth_volume_mm3"] == pytest.approx(3 * 5 * 6 * 3.0)
    assert primary["intersection_mm3"] == pytest.approx(2 * 5 * 6 * 3.0)
    assert primary["hausdorff_mm"] == primary["hd95_mm"] == 3.0  # one slice of 3 mm
    assert (primary["lesions_hit"], primary["lesions_false"], primary["lesions_missed"]) == (1, 0, 0)
    assert rows["GTVn"]["dice"] == rows["GTVn"]["surface_dice"] == 1
    assert rows["GTVn"]["hd95_mm"] == rows["GTVn"]["assd_mm"] == 0


def test_columns_are_the_metrics_of_the_whole_masks() -> None:
    row = evaluated(PREDICTION, TRUTH, tolerance_mm=2.0)["GTVp"]
    found = surface_distances(PREDICTION.array == 1, TRUTH.array == 1, GRID.spacing_mm)
    assert row["hd95_pooled_mm"] == found.hd95("pooled")
    assert row["hd95_surface_mm"] == found.hd95("surface_elements")
    assert row["average_hausdorff_mm"] == found.average_hausdorff()
    assert row["assd_mm"] == found.average_surface_distance()
    assert row["surface_dice"] == found.surface_dice(2.0) < found.surface_dice(3.0)


def test_structures_that_nobody_annotated_get_no_row() -> None:
    assert set(evaluated(PREDICTION, TRUTH, annotated=(False, True))) == {"GTVn"}


def test_empty_prediction_empty_truth_and_both() -> None:
    nothing = label_map()
    missed, invented, agreed = (evaluated(p, t)["GTVp"] for p, t in [(nothing, TRUTH), (TRUTH, nothing), [nothing] * 2])
    assert missed["dice"] == missed["recall"] == 0
    assert np.isnan(missed["precision"])
    assert missed["hd95_mm"] == invented["hd95_mm"] == np.inf
    assert invented["dice"] == invented["precision"] == 0
    assert np.isnan(invented["recall"])
    assert (agreed["dice"], agreed["hd95_mm"], agreed["surface_dice"]) == (1, 0, 1)


def test_a_missed_case_scores_nothing_but_knows_its_truth() -> None:
    rows = missed_case(label_map((1, slice(2, 5))), NAMES, (True, True), case_id="a", centre="")
    for row in rows:
        assert row["dice"] == row["precision"] == row["recall"] == row["surface_dice"] == 0
        assert row["hd95_mm"] == row["hd95_surface_mm"] == row["assd_mm"] == np.inf
        assert not row["answered"]
    assert [row["truth_volume_mm3"] for row in rows] == [3 * 5 * 6 * 3.0, 0]
    assert rows[0]["lesions_missed"] == 1


def test_grids_must_match() -> None:
    shifted = Grid(GRID.shape_zyx, GRID.spacing_mm, (-5.0, 2.0, 103.0))
    with pytest.raises(ValueError, match=r"CHUM-001: the prediction lies on .* 103\) mm, the truth on .* 100\) mm"):
        evaluated(Volume(PREDICTION.array, shifted), TRUTH)


@pytest.mark.parametrize("value", [255, 3, 0.5])
def test_values_without_a_name_are_refused(value) -> None:
    strange = Volume(np.where(TRUTH.array == 1, value, 0), GRID)
    with pytest.raises(ValueError, match=r"prediction of CHUM-001 holds the values"):
        evaluated(strange, TRUTH)
    with pytest.raises(ValueError, match=r"truth of CHUM-001"):
        evaluated(PREDICTION, strange)


def test_float_label_maps_of_whole_numbers_are_fine() -> None:
    assert evaluated(Volume(PREDICTION.array.astype(np.float32), GRID), TRUTH)["GTVp"]["dice"] == pytest.approx(2 / 3)
