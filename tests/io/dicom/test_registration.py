from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from scipy.spatial.transform import Rotation

from hnseg.io.dicom import rigid
from hnseg.io.dicom.objects import FileHeader, Limits, RefusedDicomError, Registration
from hnseg.io.dicom.registration import inverse, move_grid, path_between, read_registrations, registrations_of
from hnseg.io.dicom.rigid import rigid_matrix
from hnseg.types import Grid
from tests.io.dicom.making import PATIENT, write

CT, PET, MR, PLAN = "1.2.1", "1.2.2", "1.2.3", "1.2.4"

QUARTER_TURN = np.array([[0.0, -1, 0, 100], [1, 0, 0, 20], [0, 0, 1, -3], [0, 0, 0, 1]])
"""About z, x to y, and then a shift: worked by hand, (1, 2, 3) goes to (-2 + 100, 1 + 20, 3 - 3) = (98, 21, 0)."""

SHIFT = np.array([[1.0, 0, 0, 5], [0, 1, 0, 6], [0, 0, 1, 7], [0, 0, 0, 1]])


def registration(source_uid, target_uid, matrix) -> Registration:
    return Registration(source_uid, target_uid, tuple(tuple(float(v) for v in row) for row in matrix))


def apply(transform: Registration, point_mm):
    return (np.array(transform.matrix) @ [*point_mm, 1])[:3]


def registration_object(*items, frame_uid=CT) -> Dataset:
    """Items are (frame UID or None, matrices)."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.66.1", "1.2.99"
    dataset.Modality, dataset.FrameOfReferenceUID = "REG", frame_uid
    dataset.PatientID = PATIENT.patient_id
    dataset.RegistrationSequence = [registration_item(*item) for item in items]
    return dataset


def registration_item(uid, matrices) -> Dataset:
    item, registered = Dataset(), Dataset()
    if uid:
        item.FrameOfReferenceUID = uid
    registered.MatrixSequence = []
    for matrix in matrices:
        part = Dataset()
        part.FrameOfReferenceTransformationMatrixType = "RIGID"
        part.FrameOfReferenceTransformationMatrix = [float(v) for v in np.ravel(matrix)]
        registered.MatrixSequence.append(part)
    item.MatrixRegistrationSequence = [registered]
    return item


def refused(dataset) -> RefusedDicomError:
    with pytest.raises(RefusedDicomError) as caught:
        registrations_of(dataset)
    assert PATIENT.patient_id not in str(caught.value)
    return caught.value


def test_an_object_takes_points_of_its_items_to_its_own_frame(tmp_path):
    path = tmp_path / "reg"
    write(registration_object((CT, [np.eye(4)]), (PET, [QUARTER_TURN])), path)
    header = FileHeader(path, "REG", "1.2.840.10008.5.1.4.1.1.66.1", "1.2.99", "", "", CT, "")
    (found,) = read_registrations(header, Limits())
    assert (found.source_uid, found.target_uid) == (PET, CT)
    np.testing.assert_allclose(apply(found, (1, 2, 3)), (98, 21, 0), atol=1e-9)


def test_an_item_that_names_no_frame_connects_nothing():
    assert registrations_of(registration_object((None, [QUARTER_TURN]), (MR, [SHIFT]))) == [(MR, CT, SHIFT.tolist())]


def test_several_matrices_are_taken_where_their_order_says_nothing():
    for parts in ([np.eye(4), QUARTER_TURN], [QUARTER_TURN, np.eye(4)]):
        ((_, _, matrix),) = registrations_of(registration_object((PET, parts)))
        np.testing.assert_allclose(matrix, QUARTER_TURN)
    ((_, _, matrix),) = registrations_of(registration_object((PET, [SHIFT, SHIFT])))
    np.testing.assert_allclose(np.array(matrix)[:3, 3], (10, 12, 14))


@pytest.mark.parametrize("parts", [[SHIFT, QUARTER_TURN], [SHIFT, QUARTER_TURN, QUARTER_TURN]])
def test_several_matrices_whose_order_matters_are_refused(parts):
    error = refused(registration_object((PET, parts)))
    assert error.reason == "matrix_order"
    assert "(0070,030A)" in error.message


WRONG = {
    "scaled": np.diag([1.01, 1, 1, 1]),
    "mirrored": np.diag([-1.0, 1, 1, 1]),
    "sheared": np.array([[1, 0.01, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]),
    "projective": np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0.1, 0, 1]]),
    "transposed": QUARTER_TURN.T,
    "infinite": np.diag([np.inf, 1, 1, 1]),
    "not a number": np.diag([1, 1, 1, np.nan]),
    "zero": np.zeros((4, 4)),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_not_rigid_is_refused(name):
    with pytest.raises(RefusedDicomError, match=r"\(3006,00C6\)") as caught:
        rigid_matrix(WRONG[name])
    assert caught.value.reason == "not_rigid"


def test_rounded_rotations_become_rotations():
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", [10, 20, 30], degrees=True).as_matrix().round(4)
    rotation = rigid_matrix(matrix)[:3, :3]
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(rotation, matrix[:3, :3], atol=2e-4)
    np.testing.assert_array_equal(rigid_matrix(np.eye(4)), np.eye(4))


def test_other_objects_and_missing_tags_are_named():
    deformable = registration_object((PET, [SHIFT]))
    deformable.SOPClassUID, deformable.DeformableRegistrationSequence = "1.2.840.10008.5.1.4.1.1.66.3", []
    assert refused(deformable).reason == "not_rigid"
    assert "(0070,0308)" in refused(registration_object()).message
    assert "(0020,0052)" in refused(registration_object((PET, [SHIFT]), frame_uid="")).message
    assert "(0070,030A)" in refused(registration_object((PET, []))).message
    short = registration_object((PET, [SHIFT]))
    part = short.RegistrationSequence[0].MatrixRegistrationSequence[0].MatrixSequence[0]
    part.FrameOfReferenceTransformationMatrix = [1.0] * 15
    assert "(3006,00C6)" in refused(short).message


def test_the_inverse_takes_points_back():
    np.testing.assert_allclose(apply(inverse(registration(PET, CT, QUARTER_TURN)), (98, 21, 0)), (1, 2, 3))


def test_paths_are_found_forwards_backwards_and_in_chains():
    to_ct, mr_to_pet, plan_to_mr = (
        registration(PET, CT, QUARTER_TURN),
        registration(MR, PET, SHIFT),
        registration(MR, PLAN, SHIFT),
    )
    known = [to_ct, plan_to_mr, mr_to_pet]
    assert path_between(PET, CT, known) == to_ct
    np.testing.assert_allclose(apply(path_between(CT, PET, known), (98, 21, 0)), (1, 2, 3))
    # (1, 2, 3) of MR is (6, 8, 10) of PET, and (-8 + 100, 6 + 20, 10 - 3) of CT
    np.testing.assert_allclose(apply(path_between(MR, CT, known), (1, 2, 3)), (92, 26, 7))
    # the plan's (6, 8, 10) is MR's (1, 2, 3)
    there = path_between(PLAN, CT, known)
    assert (there.source_uid, there.target_uid) == (PLAN, CT)
    np.testing.assert_allclose(apply(there, (6, 8, 10)), (92, 26, 7))


def test_one_frame_needs_nothing_and_strangers_have_no_path():
    np.testing.assert_array_equal(path_between(CT, CT, []).matrix, np.eye(4))
    assert path_between(CT, PET, [registration(MR, PET, SHIFT)]) is None
    assert path_between("", "", []) is None
    assert path_between("", CT, [registration("", CT, SHIFT)]) is None


def test_the_shortest_path_counts_and_equal_ones_must_agree():
    chain = [registration(a, b, SHIFT) for a, b in pairwise([PET, MR, PLAN, CT])]
    direct = registration(PET, CT, QUARTER_TURN)
    assert path_between(PET, CT, [*chain, direct]) == direct
    assert path_between(PET, CT, [direct, inverse(inverse(direct))]) == direct
    with pytest.raises(RefusedDicomError, match="disagree") as caught:
        path_between(PET, CT, [direct, registration(CT, PET, SHIFT)])
    assert caught.value.reason == "several_registrations"


def layers(frames, *shifts_mm):
    """Registrations from each of the frames to the next, one for each shift along x."""
    steps = []
    for source_uid, target_uid in pairwise(frames):
        for shift_mm in shifts_mm:
            matrix = np.eye(4)
            matrix[0, 3] = shift_mm
            steps.append(registration(source_uid, target_uid, matrix))
    return steps


def test_ways_do_not_multiply_from_frame_to_frame(monkeypatch):
    """Three ways a frame over forty frames are 3 to the 40th altogether; of each frame two go three ways further."""
    frames, kept, keep = [f"1.2.{n}" for n in range(41)], [], rigid._keep
    monkeypatch.setattr(rigid, "_keep", lambda known, matrix: (kept.append(matrix), keep(known, matrix)))
    with pytest.raises(RefusedDicomError, match="disagree"):
        path_between(frames[0], frames[-1], layers(frames, 1, 10, 100))
    assert len(kept) == 3 + 39 * 6
    path = path_between(frames[0], frames[-1], layers(frames, 1, 1 + 1e-6, 1 - 1e-6))
    np.testing.assert_allclose(apply(path, (0, 0, 0)), (40, 0, 0), atol=1e-3)


def test_of_many_ways_the_one_that_disagrees_most_is_kept():
    """Turned by 45 degrees a shift of 0.13 mm is less than 0.1 mm along each axis; the third way's 50 mm are not."""
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("z", 45, degrees=True).as_matrix()
    for shifts_mm in ((0, 0.13, 50), (50, 0, 0.13), (0, 50, 0.13)):
        ways = [*layers([PET, MR], *shifts_mm), registration(MR, CT, turn)]
        with pytest.raises(RefusedDicomError, match="disagree"):
            path_between(PET, CT, ways)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_moved_grid_holds_the_moved_voxels(seed):
    rng = np.random.default_rng(seed)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = Rotation.random(rng=rng).as_matrix(), rng.uniform(-300, 300, 3)
    transform = registration(PET, CT, matrix)
    grid = Grid((3, 4, 5), (3.0, 2.0, 1.5), tuple(rng.uniform(-300, 300, 3)), Rotation.random(rng=rng).as_matrix())
    moved = move_grid(grid, transform)
    index = np.array([2.0, 1.0, 3.5])
    np.testing.assert_allclose(moved.to_lps_mm(index), apply(transform, grid.to_lps_mm(index)), atol=1e-9)
    assert (moved.shape_zyx, moved.spacing_mm) == (grid.shape_zyx, grid.spacing_mm)
    assert move_grid(moved, inverse(transform)).matches(grid, 1e-6)
