from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from hnseg.io.dicom.objects import FileHeader, RefusedDicomError
from hnseg.io.dicom.stack import stack
from hnseg.types import AXIAL_DIRECTION, Grid
from tests.io.dicom.making import PATIENT, make_headers

GRID = Grid((6, 20, 30), (3.0, 0.9, 0.8), (-12.0, 34.5, -600.25))
HEADERS = make_headers(GRID)
NORMAL, DOWN, ALONG = GRID.direction.T


def changed(header: FileHeader, **image_tags) -> FileHeader:
    return replace(header, image=replace(header.image, **image_tags))


def at(*positions_mm, headers=HEADERS) -> list[FileHeader]:
    """As many headers as positions, each there, with a SOP Instance UID of its own."""
    return [
        changed(replace(headers[0], sop_uid=f"1.2.{i}"), position_lps_mm=tuple(float(v) for v in position_mm))
        for i, position_mm in enumerate(positions_mm)
    ]


def at_depths(depths_mm, **image_tags) -> list[FileHeader]:
    headers = at(*[np.asarray(GRID.origin_mm) + depth_mm * NORMAL for depth_mm in depths_mm])
    return [changed(header, **image_tags) for header in headers]


def refused(headers) -> RefusedDicomError:
    with pytest.raises(RefusedDicomError) as caught:
        stack(headers)
    message = str(caught.value)
    for secret in (PATIENT.patient_id, "Secretname", headers[0].series_uid, headers[0].study_uid, "never-written"):
        assert secret not in message
    return caught.value


def test_files_in_any_order_give_the_grid_and_run_along_the_normal():
    series = stack([HEADERS[i] for i in (3, 0, 5, 1, 4, 2)])
    assert series.files == HEADERS
    assert series.grid.matches(GRID, 1e-9)
    assert (series.modality, series.tilt_deg, series.notes) == ("ct", 0.0, ())
    assert series.shift_px.shape == (6, 2)
    assert not series.shift_px.any()


def test_a_plain_axial_scan_keeps_its_exact_numbers():
    series = stack(HEADERS)
    np.testing.assert_array_equal(series.grid.direction, AXIAL_DIRECTION)
    assert series.grid.origin_mm == GRID.origin_mm
    assert series.grid.spacing_mm[1:] == GRID.spacing_mm[1:]


def test_a_series_stored_head_first_ascends_along_its_normal():
    """Axis 0 of this grid runs against row x column, as no DICOM plane can say; the volume is turned round."""
    direction = AXIAL_DIRECTION * [-1.0, 1.0, 1.0]
    grid = Grid((6, 20, 30), (3.0, 0.9, 0.8), (0.0, 0.0, 60.0), direction)
    headers = make_headers(grid)
    series = stack(headers)
    assert series.files == headers[::-1]
    np.testing.assert_allclose(series.grid.direction[:, 0], [0, 0, 1], atol=1e-12)
    assert series.grid.origin_mm == pytest.approx((0.0, 0.0, 45.0))


COSINES = {
    "coronal": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "sagittal": ((0, 1, 0), (0, 0, -1), (-1, 0, 0)),
    "prone": ((-1, 0, 0), (0, -1, 0), (0, 0, 1)),
    "feet first supine": ((-1, 0, 0), (0, 1, 0), (0, 0, -1)),
}


@pytest.mark.parametrize("name", COSINES)
def test_the_normal_is_row_times_column(name):
    along, down, normal = (np.array(v, float) for v in COSINES[name])
    grid = Grid((4, 8, 9), (2.0, 1.0, 1.5), (1.0, 2.0, 3.0), np.stack([normal, down, along], axis=1))
    assert stack(make_headers(grid)[::-1]).grid.matches(grid, 1e-9)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 12),
    st.floats(0.1, 10),
    st.tuples(st.floats(0.2, 6), st.floats(0.2, 6)),
    st.sampled_from([2, 4, None]),
)
def test_any_rotation_spacing_order_and_rounding_gives_the_grid_back(seed, count, step_mm, pixel_mm, decimals):
    rng = np.random.default_rng(seed)
    rotation = Rotation.random(rng=rng).as_matrix() @ AXIAL_DIRECTION
    grid = Grid((count, 16, 24), (max(step_mm, 0.3), *pixel_mm), tuple(rng.uniform(-900, 900, 3)), rotation)
    headers = []
    for i in range(count):
        position = grid.to_lps_mm(np.array([i, 0, 0]))
        header = at(position if decimals is None else position.round(decimals))[0]
        cosines = (*rotation[:, 2].round(6), *rotation[:, 1].round(6))
        image = replace(header.image, rows=16, columns=24, orientation=cosines, pixel_spacing_mm=pixel_mm)
        headers.append(replace(header, sop_uid=f"1.2.{i}", image=image))
    series = stack([headers[i] for i in rng.permutation(count)])
    assert list(series.files) == headers
    assert series.grid.matches(grid, 0.03 if decimals == 2 else 1e-3)
    np.testing.assert_allclose(series.grid.direction.T @ series.grid.direction, np.eye(3), atol=1e-12)
    assert series.tilt_deg == 0.0


def test_rounding_does_not_add_up():
    """267 slices 3.27 mm apart by the first two, 3.2704 mm by all of them."""
    depths_mm = (np.arange(267) * 3.2704).round(2)
    assert stack(at_depths(depths_mm)).grid.spacing_mm[0] == pytest.approx(3.2704, abs=1e-4)


def test_positions_with_one_decimal_are_even_enough():
    assert stack(at_depths((np.arange(60) * 0.625).round(1))).grid.spacing_mm[0] == pytest.approx(0.625, abs=1e-3)


@pytest.mark.parametrize("off", [(1.0015, 0, 0, 0, 1, 0), (1, 0.0015, 0, 0, 0.999, 0)])
def test_cosines_a_little_off_become_unit_vectors_at_right_angles(off):
    direction = stack([changed(header, orientation=off) for header in HEADERS]).grid.direction
    np.testing.assert_allclose(direction.T @ direction, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(direction, AXIAL_DIRECTION, atol=1.5e-3)


def test_skewed_cosines_are_turned_by_equal_angles():
    series = stack([changed(header, orientation=(1, 0.001, 0, 0, 1, 0)) for header in HEADERS])
    np.testing.assert_allclose(series.grid.direction[:2, 2], [1, 0.0005], atol=1e-6)
    np.testing.assert_allclose(series.grid.direction[:2, 1], [-0.0005, 1], atol=1e-6)


@pytest.mark.parametrize("wrong", [(1.01, 0, 0, 0, 1, 0), (1, 0.01, 0, 0, 1, 0), (0, 0, 0, 0, 0, 0)])
def test_cosines_that_are_no_directions_are_refused(wrong):
    error = refused([changed(header, orientation=wrong) for header in HEADERS])
    assert error.reason == "no_geometry"
    assert "(0020,0037)" in error.message


def test_one_image_in_another_plane_is_refused():
    turned = changed(HEADERS[2], orientation=(1, 0, 0, 0, 0, -1))
    error = refused([*HEADERS[:2], turned, *HEADERS[3:]])
    assert error.reason == "mixed_orientations"
    assert "5 of 6" in error.message


def test_missing_slices_are_counted_and_placed():
    error = refused(at_depths([0, 3, 6, 12, 15, 27, 30]))
    assert error.reason == "missing_slices"
    assert "4 slices are missing among 7: 1 after slice 3, 3 after slice 5" in error.message


@pytest.mark.parametrize("count", [3, 5, 100])
@pytest.mark.parametrize("step_mm", [0.15, 0.4, 3.0])
def test_one_missing_slice_is_found_in_short_and_long_scans(count, step_mm):
    for gone in (1, count // 2, count - 1):
        error = refused(at_depths(np.delete(np.arange(count + 1) * step_mm, gone)))
        assert error.reason == "missing_slices"
        assert f"1 slice is missing among {count}" in error.message


@pytest.mark.parametrize(("holes", "more"), [(5, "after slice 10 ("), (6, "1 more place ("), (7, "2 more places (")])
def test_of_many_places_some_are_counted(holes, more):
    depths_mm = np.delete(np.arange(40) * 3.0, np.arange(2, 2 + 3 * holes, 3))
    assert more in refused(at_depths(depths_mm)).message


def test_where_thickness_changes_with_the_steps_nothing_is_missing():
    thin, thick = at_depths([0, 5, 10], slice_thickness_mm=5.0), at_depths([20, 30, 40], slice_thickness_mm=10.0)
    thick = [replace(header, sop_uid=header.sop_uid + ".1") for header in thick]
    error = refused([*thin, *thick])
    assert error.reason == "uneven_spacing"
    assert "5, 10 mm" in error.message


@pytest.mark.parametrize("depths_mm", [[0, 3, 6, 7, 10], [0, 3, 6.4, 9, 12], [0, 3, 3.2, 6, 9]])
def test_uneven_spacing_is_told_in_mm(depths_mm):
    error = refused(at_depths(depths_mm))
    assert error.reason == "uneven_spacing"
    for gap in set(np.diff(depths_mm).round(2)):
        assert f"{gap:g}" in error.message


def test_double_slices_are_counted():
    error = refused(at_depths([0, 3, 3, 6, 6, 6]))
    assert error.reason == "double_slices"
    assert "2 of 3 places" in error.message
    assert "up to 3" in error.message
    assert "1 of 3 places along the scan has more" in refused(at_depths([0, 3, 3, 6])).message


def test_two_acquisitions_in_one_series_are_named():
    headers = at_depths([0, 3, 6, 0, 3, 6])
    error = refused([changed(header, acquisition_number=1 + i // 3) for i, header in enumerate(headers)])
    assert error.reason == "double_slices"
    assert "Acquisition Number (0020,0012) they are 2 regular stacks of 3, 3 slices" in error.message
    headers = at_depths([0, 3, 6, 9, 1.3, 4.3, 7.3])
    error = refused([changed(header, acquisition_number=1 + i // 4) for i, header in enumerate(headers)])
    assert error.reason == "uneven_spacing"
    assert "2 regular stacks" in error.message


def test_a_dynamic_pet_is_named():
    headers = at(*[(0, 0, 3 * (i % 4)) for i in range(12)], headers=make_headers(Grid((1, 4, 4), (3, 2, 2)), "pt"))
    error = refused(headers)
    assert error.reason == "double_slices"
    assert "dynamic or gated" in error.message


def test_copies_of_a_file_are_left_out_and_told():
    series = stack([*HEADERS, replace(HEADERS[1], path=HEADERS[0].path), HEADERS[4]])
    assert series.files == HEADERS
    assert series.notes == ("2 further copies of files were left out.",)
    assert stack([*HEADERS, HEADERS[4]]).notes == ("1 further copy of a file was left out.",)


def test_one_uid_for_two_images_is_refused():
    assert refused([*HEADERS[:5], replace(HEADERS[5], sop_uid=HEADERS[0].sop_uid)]).reason == "same_uid"


def test_localisers_and_screen_saves_are_left_out_as_long_as_images_remain():
    scout = changed(HEADERS[0], image_type=("ORIGINAL", "PRIMARY", "LOCALIZER"), rows=888, position_lps_mm=None)
    scout = replace(scout, sop_uid="1.2.3", frame_uid="1.2.4")
    save = changed(HEADERS[0], image_type=("DERIVED", "SECONDARY", "SCREEN SAVE"), samples_per_pixel=3)
    save = replace(save, sop_uid="1.2.5")
    series = stack([scout, *HEADERS, save])
    assert series.files == HEADERS
    assert series.notes == ("1 localiser was left out.", "1 screen save was left out.")
    assert refused([scout]).reason == "localiser"
    assert refused([save]).reason == "screen_save"
    capture = replace(HEADERS[0], sop_class_uid="1.2.840.10008.5.1.4.1.1.7")
    assert refused([capture]).reason == "screen_save"
    assert refused([changed(HEADERS[0], image_type=("DERIVED", "SECONDARY", "MIP"))]).reason == "projection"


BROKEN = {
    "position": ({"position_lps_mm": None}, "no_geometry", "(0020,0032)"),
    "nan": ({"position_lps_mm": (0.0, 0.0, float("nan"))}, "no_geometry", "(0020,0032)"),
    "far away": ({"position_lps_mm": (0.0, 1e200, 0.0)}, "no_geometry", "(0020,0032)"),
    "orientation": ({"orientation": None}, "no_geometry", "(0020,0037) is missing or not 6 numbers"),
    "pixels": ({"pixel_spacing_mm": None}, "no_geometry", "(0028,0030)"),
    "zero pixels": ({"pixel_spacing_mm": (0.0, 1.0)}, "no_geometry", "(0028,0030)"),
    "tiny pixels": ({"pixel_spacing_mm": (1e-200, 1.0)}, "no_geometry", "(0028,0030)"),
    "rows": ({"rows": 0}, "no_geometry", "(0028,0010)"),
    "slope": ({"rescale_slope": None}, "no_rescale", "(0028,1053) is missing or not a number"),
    "zero slope": ({"rescale_slope": 0.0}, "no_rescale", "(0028,1053)"),
    "intercept": ({"rescale_intercept": None}, "no_rescale", "(0028,1052)"),
    "map": ({"rescale_type": "MGML"}, "not_hu", "(0028,1054)"),
    "colour": ({"samples_per_pixel": 3}, "colour", "(0028,0002)"),
    "frames": ({"frames": 20}, "enhanced", "(0028,0008)"),
    "size": ({"rows": 21}, "mixed_sizes", "rows x columns"),
    "spacing": ({"pixel_spacing_mm": (0.9, 0.9)}, "mixed_sizes", "(0028,0030)"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_one_file_lacks_is_named(name):
    tags, reason, words = BROKEN[name]
    error = refused([*HEADERS[:4], changed(HEADERS[4], **tags), HEADERS[5]])
    assert error.reason == reason
    assert words in error.message


@pytest.mark.parametrize(
    ("whole", "reason"),
    [
        ({"frame_uid": "1.2.3"}, "mixed_frames"),
        ({"study_uid": "1.2.3"}, "mixed_studies"),
        ({"patient": replace(PATIENT, patient_id="SECRET-2")}, "mixed_patients"),
        ({"image": None}, "no_geometry"),
        ({"sop_class_uid": "1.2.840.10008.5.1.4.1.1.2.1"}, "enhanced"),
    ],
)
def test_files_that_do_not_belong_together_are_refused(whole, reason):
    assert refused([*HEADERS[:5], replace(HEADERS[5], **whole)]).reason == reason


def test_spacing_between_slices_is_told_and_does_not_count():
    series = stack([changed(header, spacing_between_slices_mm=-5.0) for header in HEADERS])
    assert series.grid.matches(GRID, 1e-9)
    assert "(0018,0088) says 5 mm, the positions 3 mm" in series.notes[0]
    assert stack([changed(header, spacing_between_slices_mm=-3.0) for header in HEADERS]).notes == ()


def test_a_single_image_needs_a_thickness():
    series = stack(HEADERS[:1])
    assert series.grid.matches(GRID.crop((0, 0, 0), (1, 20, 30)), 1e-9)
    assert series.grid.spacing_mm[0] == 3.0
    assert "one slice alone" in series.notes[0]
    error = refused([changed(HEADERS[0], slice_thickness_mm=None)])
    assert error.reason == "too_few"
    assert "(0018,0050)" in error.message


def test_poor_but_sufficient_tags_are_taken():
    poor = {"slice_thickness_mm": None, "acquisition_number": None, "instance_number": 1, "image_type": ()}
    assert stack([changed(header, **poor) for header in HEADERS]).grid.matches(GRID, 1e-9)


def test_a_missing_frame_of_reference_is_told():
    assert "(0020,0052) is missing" in stack([replace(header, frame_uid="") for header in HEADERS]).notes[0]


@pytest.mark.parametrize("thickness_mm", [-5.0, 0.0, -0.1])
def test_a_thickness_that_cannot_be_is_not_told(thickness_mm):
    assert stack([changed(header, slice_thickness_mm=thickness_mm) for header in HEADERS]).notes == ()


def test_gaps_between_thin_slices_are_told():
    assert "1 mm thick and 3 mm apart" in stack([changed(h, slice_thickness_mm=1.0) for h in HEADERS]).notes[0]
