import numpy as np
import pytest

from hnseg.report.organ_slices import FIELD_MM, MARGIN_MM, at_slice, axial_slices, organ_view
from hnseg.report.planes import PLANES
from tests.report.organs import ORGANS, SPACING_MM, label_map

AXIAL, CORONAL, SAGITTAL = PLANES


def seen(labels, slices):
    return set(np.unique(labels[slices])) - {0}


def test_every_structure_is_seen_and_three_levels_need_three_slices():
    labels = label_map()
    slices = axial_slices(labels, 1)
    assert len(slices) == 3
    assert seen(labels, slices) == set(range(1, len(ORGANS) + 1))


def test_each_is_seen_in_at_least_half_its_largest_area():
    labels = label_map()
    slices = axial_slices(labels, 1)
    for value in range(1, 10):
        areas = (labels == value).sum(axis=(1, 2))
        assert areas[slices].max() >= 0.5 * areas.max()


def test_slices_run_from_the_head_downwards_and_others_fill_up():
    slices = axial_slices(label_map(), 5)
    assert len(slices) == 5
    assert slices == sorted(set(slices), reverse=True)
    assert all(label_map()[z].any() for z in slices)


def test_more_slices_than_asked_for_where_structures_need_them():
    labels = np.zeros((12, 4, 4), np.uint8)
    for value in range(1, 7):
        labels[2 * value - 2, 1:3, 1:3] = value
    assert axial_slices(labels, 4) == [10, 8, 6, 4, 2, 0]


def test_structures_of_a_single_slice_are_enough():
    labels = np.zeros((9, 4, 4), np.uint8)
    labels[5, 1, 1], labels[5, 2, 2] = 1, 4
    assert axial_slices(labels, 4) == [5]


def test_without_any_structure_it_is_the_middle():
    assert axial_slices(np.zeros((9, 4, 4), np.uint8), 4) == [4]


def test_the_box_holds_all_structures_and_a_margin():
    labels = label_map()
    view = organ_view(labels, SPACING_MM)
    for axis, (start, stop) in enumerate(zip(view.start_zyx, view.stop_zyx, strict=True)):
        inside = np.flatnonzero(labels.any(axis=tuple(other for other in range(3) if other != axis)))
        margin = round(MARGIN_MM / SPACING_MM[axis])
        assert start == max(0, inside[0] - margin)
        assert stop == min(labels.shape[axis], inside[-1] + 1 + margin)


def test_the_other_planes_go_where_most_structures_are():
    labels = label_map()
    view = organ_view(labels, SPACING_MM)
    coronal = set(np.unique(labels[:, view.focus_zyx[1]])) - {0}
    assert len(coronal) == max(len(set(np.unique(labels[:, y])) - {0}) for y in range(labels.shape[1]))


def test_stray_voxels_do_not_make_the_picture_endless():
    labels = np.zeros((200, 8, 8), np.uint8)
    labels[[3, 198], 4, 4] = 1
    assert organ_view(labels, (5.0, 4.0, 4.0)).extent_mm(CORONAL)[0] == pytest.approx(FIELD_MM, abs=10)


def test_an_empty_image_is_shown_whole():
    view = organ_view(np.zeros((4, 6, 8), np.uint8), (1.0, 1.0, 1.0))
    assert view.start_zyx == (0, 0, 0)
    assert view.stop_zyx == (4, 6, 8)
    assert at_slice(view, 3).focus_zyx == (3, *view.focus_zyx[1:])
