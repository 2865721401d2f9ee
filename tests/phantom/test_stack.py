import numpy as np
import pytest
from scipy import ndimage

from hnseg.phantom.lesions import draw_recurrences
from hnseg.phantom.noise import generator
from hnseg.phantom.patient import PhantomPatient
from hnseg.phantom.stack import SCANNERS, plan_recurrence, stack_grid, stack_mask, stack_pet

COARSE = 4.0


def tumours(plan):
    return [lesion for lesion in plan.lesions if lesion.name != "ReactiveNode"]


@pytest.fixture(scope="module")
def cohort():
    """24 plans, each with its mask at 128 x 128."""
    plans = [plan_recurrence(0, i, f"turku{i}", i % 9 == 8) for i in range(24)]
    return [(plan, stack_mask(plan, stack_grid(plan, COARSE))) for plan in plans]


def test_stacks_are_as_tall_and_wide_as_the_study_has_them():
    plans = [plan_recurrence(1, i, "x", False) for i in range(60)]
    grids = [stack_grid(plan) for plan in plans]
    slices, thickness = [grid.shape_zyx[0] for grid in grids], [grid.spacing_mm[0] for grid in grids]
    assert {grid.shape_zyx[1:] for grid in grids} == {(512, 512)}
    assert 32 <= min(slices) < 38
    assert 60 < max(slices) <= 66
    assert 3.0 <= min(thickness) < 3.5 < 4.5 < max(thickness) <= 5.0
    assert {round(grid.spacing_mm[1] * 512) for grid in grids} == {576, 600}
    assert all(grid.spacing_mm[1] == grid.spacing_mm[2] for grid in grids)


def test_a_coarser_matrix_has_the_same_field_and_slices():
    plan = plan_recurrence(1, 2, "x", False)
    fine, coarse = stack_grid(plan), stack_grid(plan, 2.0)
    assert coarse.shape_zyx == (fine.shape_zyx[0], 256, 256)
    np.testing.assert_allclose(fine.extent_mm, coarse.extent_mm, atol=2e-3)


def test_patients_have_none_to_four_lesions_and_most_have_one():
    counts = [len(tumours(plan_recurrence(2, i, "x", False))) for i in range(300)]
    assert set(counts) == {1, 2, 3, 4}
    assert 0.55 < np.mean(np.array(counts) == 1) < 0.73
    assert not tumours(plan_recurrence(2, 0, "x", True))
    reactive = [len(plan_recurrence(2, i, "x", True).lesions) for i in range(20)]
    assert set(reactive) == {0, 1, 2}


def test_two_of_three_recurrences_are_local_and_nodes_share_no_level():
    drawn = [draw_recurrences(generator(5, i, "lesions"), SCANNERS[0], 4) for i in range(200)]
    assert 0.57 < np.mean([lesions[0].name == "GTVp" for lesions in drawn]) < 0.77
    for lesions in drawn:
        assert [lesion.name for lesion in lesions[1:4]] == ["GTVn"] * 3
        places = [lesion.place for lesion in lesions]
        assert len(set(places)) == len(places)


def test_tumours_are_whole_in_the_stack_and_as_many_as_drawn(cohort):
    for plan, mask in cohort:
        assert mask.array.dtype == np.uint8
        assert mask.array.any() == bool(tumours(plan))
        for axis in range(3):
            assert not np.take(mask.array, [0, -1], axis=axis).any()
        assert ndimage.label(mask.array, np.ones((3, 3, 3)))[1] <= len(tumours(plan))


def test_a_crumb_that_bone_cut_off_is_no_second_tumour():
    plan = plan_recurrence(1, 40, "x", False)  # three voxels of its only tumour lie beyond bone
    mask = stack_mask(plan, stack_grid(plan, 2.0)).array
    assert len(tumours(plan)) == ndimage.label(mask, np.ones((3, 3, 3)))[1] == 1


def test_the_mask_is_where_the_lesions_are(cohort):
    for plan, mask in cohort:
        tumour = mask.grid.to_lps_mm(np.argwhere(mask.array))
        for lesion in tumours(plan):
            middle = plan.pose.to_scanner(np.asarray(lesion.center))
            assert np.linalg.norm(tumour - middle, axis=1).min() < max(lesion.radii_mm)
        volume_ml = mask.array.sum() * mask.grid.voxel_volume_mm3 / 1000
        assert volume_ml < 1.3 * sum(lesion.volume_ml for lesion in tumours(plan)) + 0.5


def test_a_cropped_mask_is_the_mask_of_the_whole_stack(monkeypatch):
    plan = plan_recurrence(0, 0, "x", False)  # three lesions, the largest irregular enough to need the margin
    grid = stack_grid(plan, COARSE)
    cropped = stack_mask(plan, grid).array
    monkeypatch.setattr("hnseg.phantom.stack._voxels", lambda grid, *_: tuple(slice(0, n) for n in grid.shape_zyx))
    whole = stack_mask(plan, grid).array
    assert whole.any()
    assert (whole != cropped).sum() <= 0.01 * whole.sum()  # the pose is interpolated between other nodes


def test_slices_with_tumour_are_as_many_as_published(cohort):
    """962 slices of 89 patients, 10.8 +- 6.1 a patient, with 6 pixels or more at 128 x 128 (Rainio et al. 2024)."""
    slices = [int((mask.array.sum(axis=(1, 2)) >= 6).sum()) for plan, mask in cohort if tumours(plan)]
    assert len(slices) == 22
    assert 200 <= sum(slices) <= 280
    assert 4 < np.std(slices) < 8


def test_brain_and_tumour_are_bright():
    plan = plan_recurrence(0, 5, "x", False)
    grid = stack_grid(plan, COARSE)
    pet, mask = stack_pet(plan, grid), stack_mask(plan, grid).array > 0
    assert pet.array.dtype == np.float32
    assert pet.array.shape == grid.shape_zyx
    assert pet.array.min() >= 0
    assert pet.array[-3:].max() > 8
    air = pet.array[:, :10, :10]
    assert air.max() < 0.5
    tissue = pet.array[: len(pet.array) // 2][pet.array[: len(pet.array) // 2] > 0.3]
    assert np.percentile(pet.array[mask], 90) > 3 * np.median(tissue)


def test_the_stored_matrix_is_the_scanners_grid_enlarged():
    plan = plan_recurrence(0, 3, "x", False)
    fine, own = (stack_pet(plan, stack_grid(plan, coarse)) for coarse in (512 / 384, 512 / 192))
    assert (fine.grid.shape_zyx[1], own.grid.shape_zyx[1]) == (384, 192)
    painted = PhantomPatient(plan, own.grid, own.grid).pet  # nothing to enlarge: painted as any other PET
    assert own.grid.matches(painted.grid)
    np.testing.assert_array_equal(own.array, painted.array)
    bright = own.array > 2.0
    place = fine.grid.to_index_zyx(own.grid.to_lps_mm(np.argwhere(bright)))
    ratio = ndimage.map_coordinates(fine.array, place.T, order=1) / own.array[bright]
    assert np.median(ratio) == pytest.approx(1, abs=0.01)
    assert np.percentile(np.abs(ratio - 1), 99) < 0.3  # 0.8 where all is one stored pixel off
