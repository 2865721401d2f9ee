import warnings

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from hnseg.evaluate.cases import axial_axis, evaluate_case, missed_case
from hnseg.metrics.overlap import slice_dice
from hnseg.metrics.surface import surface_distances
from hnseg.prepare.organs import PDDCA
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


def test_the_tolerance_is_the_organs_own_and_stands_beside_the_surface_dice() -> None:
    rows = evaluate_case(PREDICTION, TRUTH, ("Mandible", "GTVn"), (True, True), case_id="a", centre="")
    found = surface_distances(PREDICTION.array == 1, TRUTH.array == 1, GRID.spacing_mm)
    assert [row["tolerance_mm"] for row in rows] == [1.01, 1.0]
    assert rows[0]["surface_dice"] == found.surface_dice(1.01)
    wide = evaluated(PREDICTION, TRUTH, tolerance_mm={"GTVp": 3.0})
    assert (wide["GTVp"]["tolerance_mm"], wide["GTVp"]["surface_dice"]) == (3.0, 1)
    assert wide["GTVn"]["tolerance_mm"] == 1.0


def test_slices_are_axial_however_the_array_lies() -> None:
    uneven = label_map((1, slice(2, 4)))
    uneven.array[3, 2:7, 5:9] = 0  # its two slices differ, and so do its columns
    expected = slice_dice(uneven.array == 1, TRUTH.array == 1, 0)
    assert expected != pytest.approx(slice_dice(uneven.array == 1, TRUTH.array == 1, 2))
    assert evaluated(uneven, TRUTH)["GTVp"]["dice_slices"] == expected
    sagittal = Grid((14, 12, 10), (1.0, 1.0, 3.0), GRID.origin_mm, GRID.direction[:, ::-1])
    turned = [Volume(volume.array.transpose(2, 1, 0), sagittal) for volume in (uneven, TRUTH)]
    assert axial_axis(sagittal) == 2
    assert evaluated(*turned)["GTVp"]["dice_slices"] == pytest.approx(expected)


def test_a_missed_organ_keeps_its_tolerance_and_scores_nothing_on_its_slices() -> None:
    truth = label_map((1, slice(2, 5)))
    present, empty = missed_case(truth, ("GTVp", "BrainStem"), (True, True), case_id="a", centre="")
    assert (present["dice_slices"], present["tolerance_mm"]) == (0, 1.0)
    assert np.isnan(empty["dice_slices"])  # annotated, and nobody found any of it
    assert (empty["dice"], empty["tolerance_mm"]) == (0, 2.5)


def test_an_organ_of_one_voxel() -> None:
    prediction, truth = label_map(), label_map()
    truth.array[4, 5, 6] = prediction.array[5, 5, 6] = 1
    row = evaluated(prediction, truth)["GTVp"]
    assert (row["dice"], row["dice_slices"], row["hd95_mm"], row["hausdorff_mm"]) == (0, 0, 3.0, 3.0)
    assert row["surface_dice"] == 0.5  # the corners between the two are corners of both
    assert evaluated(truth, truth)["GTVp"]["dice_slices"] == 1


def test_an_organ_cut_by_the_field_of_view_has_a_surface_where_it_is_cut() -> None:
    truth, prediction = label_map((1, slice(6, 10))), label_map((1, slice(6, 9)))  # the truth reaches the last slice
    row = evaluated(prediction, truth)["GTVp"]
    assert row["hausdorff_mm"] == 3.0
    assert evaluated(truth, truth)["GTVp"]["surface_dice"] == 1
    longer = Grid((13, 12, 14), GRID.spacing_mm, GRID.origin_mm)
    padded = [Volume(np.pad(v.array, ((0, 3), (0, 0), (0, 0))), longer) for v in (prediction, truth)]
    assert evaluated(*padded)["GTVp"] == row  # as if the scan went on with nothing in it


def organs(seed: int, spacing_mm=(2.5, 0.9, 1.1)) -> Volume:
    """A label map in which nine labels of several pieces share the scan; the chiasm is a few voxels."""
    shape = (18, 30, 32)
    rng = np.random.default_rng(seed)
    noise = np.stack([gaussian_filter(rng.normal(size=shape), 2) for _ in PDDCA])
    labels = np.where(noise.max(axis=0) > 0.06, 1 + noise.argmax(axis=0), 0).astype(np.uint8)
    labels[labels == 2] = 0
    labels[8, 14:17, 15 + seed % 2] = 2
    return Volume(labels, Grid(shape, spacing_mm))


def test_every_label_of_a_label_map_is_scored_as_its_own_mask() -> None:
    prediction, truth = organs(1), organs(2)
    rows = evaluate_case(prediction, truth, PDDCA, (True,) * 9, case_id="a", centre="")
    for value, row in enumerate(rows, start=1):
        masks = [Volume((v.array == value).astype(np.uint8), v.grid) for v in (prediction, truth)]
        (alone,) = evaluate_case(*masks, PDDCA[value - 1 : value], (True,), case_id="a", centre="")
        assert row == alone


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (2.5, 0.9, 1.1)])
def test_nine_labels_equal_monai_and_deepmind(spacing_mm) -> None:
    torch = pytest.importorskip("torch")
    monai_metrics = pytest.importorskip("monai.metrics")
    reference = pytest.importorskip("surface_distance")
    prediction, truth = organs(3, spacing_mm), organs(4, spacing_mm)
    rows = evaluate_case(prediction, truth, PDDCA, (True,) * 9, case_id="a", centre="")
    hot = [torch.from_numpy(np.stack([v.array == i for i in range(1, 10)]))[None] for v in (prediction, truth)]
    about = {"include_background": True, "spacing": spacing_mm}
    with warnings.catch_warnings(action="ignore"):
        hd95 = monai_metrics.compute_hausdorff_distance(*hot, percentile=95, **about)[0]
        dice = monai_metrics.compute_dice(*hot, include_background=True)[0]
        tolerances = [row["tolerance_mm"] for row in rows]
        agree = monai_metrics.compute_surface_dice(*hot, tolerances, use_subvoxels=True, **about)[0]
    for index, row in enumerate(rows):
        masks = [v.array == index + 1 for v in (truth, prediction)]
        with warnings.catch_warnings(action="ignore"):
            theirs = reference.compute_surface_distances(*masks, spacing_mm)
        assert row["dice"] == pytest.approx(float(dice[index]), abs=1e-6)
        assert row["hd95_mm"] == pytest.approx(float(hd95[index]), rel=1e-5)
        assert row["hd95_surface_mm"] == pytest.approx(reference.compute_robust_hausdorff(theirs, 95))
        expected = reference.compute_surface_dice_at_tolerance(theirs, row["tolerance_mm"])
        assert row["surface_dice"] == pytest.approx(expected, abs=1e-6)
        assert row["surface_dice"] == pytest.approx(float(agree[index]), abs=1e-5)
