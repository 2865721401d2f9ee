import numpy as np
import pytest

from hnseg.prepare.images import compact, prepare_images, read_images, stack
from hnseg.prepare.recipe import Recipe
from hnseg.types import BoxMm, Grid, Volume

BOX = BoxMm((-72.0, -110.0, -180.0), (72.0, 34.0, -36.0))
COARSE = Recipe(spacing_mm=(6.0, 4.0, 3.0))


def ramp(grid: Grid) -> Volume:
    """Values that are linear in the position, so that linear interpolation is exact."""
    positions = grid.to_lps_mm(np.moveaxis(np.indices(grid.shape_zyx), 0, -1))
    return Volume((positions @ [0.5, 1.0, 2.0]).astype(np.float32), grid)


def test_box_shape_spacing_and_corner(patient):
    arrays, grid = prepare_images({"ct": patient.ct(), "pt": patient.pt()}, COARSE, BOX)
    assert grid.shape_zyx == (24, 36, 48) == COARSE.box_shape_zyx
    assert grid.spacing_mm == (6.0, 4.0, 3.0)
    assert grid.extent_mm[0] == pytest.approx(BOX.low_mm)
    assert list(arrays) == ["ct", "pt"]
    assert arrays["ct"].dtype == np.int16
    assert arrays["pt"].dtype == np.float16
    assert stack(arrays, COARSE).shape == (2, 24, 36, 48)


def test_values_are_interpolated_where_they_lie(patient):
    arrays, grid = prepare_images({"ct": ramp(patient.ct_grid), "pt": patient.pt()}, COARSE, BOX)
    assert np.abs(arrays["ct"] - ramp(grid).array).max() <= 0.51  # int16 rounds


def test_outside_is_air_and_no_uptake(patient):
    above = BoxMm((-72, -72, -60), (72, 72, 84))
    arrays, grid = prepare_images({"ct": patient.ct(), "pt": patient.pt()}, COARSE, above)
    top = grid.to_lps_mm(np.array([23, 0, 0]))[2]
    assert top > patient.ct_grid.extent_mm[1, 2]
    assert (arrays["ct"][-1] == -1024).all()
    assert (arrays["pt"][-1] == 0).all()


def test_no_image_plane_inside_the_box_is_lost(patient):
    """The authors' way leaves planes of zero at the far side; the whole image does not."""
    arrays, _ = prepare_images({"ct": patient.ct(), "pt": patient.pt()}, Recipe(spacing_mm=3.0), BOX)
    assert not (arrays["pt"][-1] == 0).any()
    assert not (arrays["pt"][:, :, -1] == 0).any()


def test_prediction_and_training_see_the_same_bytes(study):
    images = read_images(study.images, ("ct", "pt"))
    first, _ = prepare_images(images, COARSE, BOX)
    second, _ = prepare_images(read_images(study.images, ("ct", "pt")), COARSE, BOX)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_compact_types():
    assert compact("ct", np.array([-1024.4, 0.6, 40000.0])).tolist() == [-1024, 1, 32767]
    assert compact("pt", np.array([13.616], np.float32)) == pytest.approx(13.616, rel=5e-4)
    assert compact("pt", np.array([2.0e5], np.float32)).dtype == np.float32
    assert compact("mr", np.array([5], np.int16)).dtype == np.float32


def test_missing_modality_is_named(study):
    with pytest.raises(ValueError, match="no mr file"):
        read_images(study.images, ("ct", "mr"))


def test_non_finite_voxels_are_refused_with_the_file(study, patient):
    pet = patient.pt()
    pet.array[3, 4, 5:7] = np.nan, np.inf
    patient.write(pet, study.images["pt"])
    with pytest.raises(ValueError, match=r"_pt\.nii\.gz has 2 voxels"):
        read_images(study.images, ("ct", "pt"))


def test_images_of_two_scans_are_refused(study, patient):
    far = Grid(patient.pt_grid.shape_zyx, patient.pt_grid.spacing_mm, (300.0, -118.0, -302.0))
    patient.write(Volume(patient.pt().array, far), study.images["pt"])
    with pytest.raises(ValueError, match=r"overlap by 0%"):
        read_images(study.images, ("ct", "pt"))


def test_truncated_file_is_refused_with_its_name(study):
    content = study.images["ct"].read_bytes()
    study.images["ct"].write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"CHXX001_ct\.nii\.gz"):
        read_images(study.images, ("ct", "pt"))
