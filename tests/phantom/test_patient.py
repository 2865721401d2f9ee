from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from hnseg.phantom.centres import CENTRES
from hnseg.phantom.patient import make_patient

PDDCA = (
    "BrainStem", "Chiasm", "Mandible", "OpticNerve_L", "OpticNerve_R", "Parotid_L", "Parotid_R", "Submandibular_L",
    "Submandibular_R",
)  # fmt: skip


def pet_on_ct(patient):
    """PET values at the CT's voxel centres, linear."""
    grid = patient.ct_grid
    world = grid.to_lps_mm(np.stack(np.indices(grid.shape_zyx), axis=-1))
    index = np.moveaxis(patient.pet_grid.to_index_zyx(world), -1, 0)
    return ndimage.map_coordinates(patient.pet.array, index, order=1)


def deep(mask):
    """Voxels away from a structure's edge, or all of a structure that has none."""
    inner = ndimage.binary_erosion(mask)
    return inner if inner.any() else mask


def test_same_arguments_same_bytes_and_other_seed_other_patient(patients):
    first, again, other = patients[0], *(make_patient(s, 0, "CHGJ", (5, 4, 4), (6, 6, 6)) for s in (5, 6))
    for name in ("ct", "pet", "gtvp", "gtvn"):
        assert getattr(first, name).array.tobytes() == getattr(again, name).array.tobytes()
    assert first.ct.array.tobytes() != other.ct.array.tobytes()
    assert first.clinical == again.clinical != other.clinical


def test_types_and_grids(patients):
    for p in patients:
        assert (p.ct.array.dtype, p.pet.array.dtype, p.gtvp.array.dtype, p.gtvn.array.dtype) == (
            np.int16, np.float32, np.uint8, np.uint8,
        )  # fmt: skip
        assert p.gtvp.grid.matches(p.ct.grid)
        assert not p.pet.grid.matches(p.ct.grid)
        assert p.ct.array.min() >= -1024
        assert p.ct.array.max() <= 3071
        assert p.pet.array.min() >= 0


@pytest.mark.parametrize(
    ("organ", "low", "high"),
    [
        ("Brain", 15, 50), ("BrainStem", 15, 50), ("Tongue", 35, 85), ("Muscle", 30, 75), ("Fat", -120, -60),
        ("Eye_L", -20, 45), ("Vertebrae", 200, 900), ("Mandible", 350, 1400), ("Skull", 450, 1300),
        ("Teeth", 900, 3072), ("Airway", -1024, -600), ("Lung", -960, -650), ("GTVp", 30, 130), ("SpinalCord", 10, 60),
    ],
)  # fmt: skip
def test_ct_numbers_of_organs(patients, organ, low, high):
    for p in patients:
        assert low <= p.ct.array[deep(p.organs[organ])].mean() <= high


def test_uptake_brain_tumour_and_background(patients):
    for p in patients:
        suv = pet_on_ct(p)
        peak = np.percentile(suv[p.gtvp.array > 0], 95)
        assert 5 < suv[p.organs["Brain"]].mean() < 11
        assert 0.2 < suv[p.organs["Muscle"]].mean() < 1.2
        assert 4 < peak < 25
        assert suv[p.organs["Airway"]].mean() < 2
        quiet = deep(p.organs["Fat"])
        assert peak > 8 * suv[quiet].mean()


def test_tissue_that_is_no_tumour_takes_up_fdg_too(patients):
    for p in patients:
        suv = pet_on_ct(p)
        muscle = suv[p.organs["Muscle"]].mean()
        for organ in ("Tonsil_L", "Submandibular_R", "Parotid_L"):
            assert np.percentile(suv[p.organs[organ]], 90) > 1.2 * muscle, organ


def test_tumours_lie_in_the_body_outside_air_and_bone(patients):
    for p in patients:
        tumour = (p.gtvp.array > 0) | (p.gtvn.array > 0)
        assert p.gtvp.array.any()
        assert not (p.gtvp.array & p.gtvn.array).any()
        assert not (tumour & ~ndimage.binary_erosion(p.organs["Body"])).any()
        assert ndimage.label(p.gtvp.array, np.ones((3, 3, 3)))[1] == 1


def test_a_huge_tumour_grows_neither_into_bone_nor_through_the_airway():
    p = make_patient(5, 0, "CHGJ", (4, 3, 3))
    huge = replace(p.plan.lesions[0], center=(21.0, -43.0, -42.0), radii_mm=(26.0, 26.0, 26.0))
    ill, healthy = (replace(p, plan=replace(p.plan, lesions=some)) for some in ((huge,), ()))
    tumour = ill.gtvp.array > 0
    assert tumour.sum() * 0.036 > 25
    assert not (tumour & healthy.organs["Bone"]).any()
    slices = tumour.any(axis=(1, 2))
    assert healthy.organs["Airway"][slices].any(axis=(1, 2)).all()
    assert ill.organs["Airway"][slices].any(axis=(1, 2)).all()


def test_tumour_volume_is_what_the_hazard_was_told():
    ratios = []
    for i in range(8):
        p = make_patient(2, i, "CHUM", (4, 4, 4))
        ratios.append(p.gtvp.array.sum() * 0.064 / p.clinical["volume_ml"])
    assert 0.8 < np.median(ratios) < 1.2
    assert min(ratios) > 0.5


def test_nodes_are_as_many_as_the_record_says():
    for i in range(6):
        p = make_patient(9, i, "CHUS", (3, 3, 3))
        found = ndimage.label(p.gtvn.array, np.ones((3, 3, 3)))[1]
        assert (found > 0) == (p.clinical["nodes"] > 0)
        assert found <= p.clinical["nodes"] + 1  # bone may cut a corner off


def test_left_is_left(patients):
    for p in patients:
        for organ in ("Parotid", "Submandibular", "Eye", "EyeMuscle", "Muscle"):
            left, right = (p.ct_grid.to_lps_mm(np.argwhere(p.organs[f"{organ}_{s}"]))[:, 0].mean() for s in "LR")
            assert left > right + 15, organ


def test_anatomy_is_in_order(patients):
    """From top to bottom and from front to back, as in any textbook."""
    for p in patients:
        center = {o: p.ct_grid.to_lps_mm(np.argwhere(p.organs[o])).mean(axis=0) for o in p.organs if p.organs[o].any()}
        heights = [center[o][2] for o in ("Brain", "BrainStem", "Tongue", "Hyoid", "Larynx", "Lung")]
        assert heights == sorted(heights, reverse=True)
        depths = [center[o][1] for o in ("Tongue", "Airway", "Vertebrae")]
        assert depths == sorted(depths)


@pytest.fixture(scope="module")
def fine():
    return make_patient(1, 3, "CHUV", (2.5, 1.2, 1.2))


@pytest.mark.parametrize("organ", PDDCA)
def test_every_organ_of_pddca_is_there(fine, organ):
    assert fine.organs[organ].any()


@pytest.mark.parametrize(
    ("organ", "low_ml", "high_ml"),
    [
        ("Brain", 900, 1700), ("BrainStem", 12, 40), ("Mandible", 35, 90), ("Parotid_L", 12, 45),
        ("Submandibular_R", 4, 14), ("Eye_L", 5, 10), ("Chiasm", 0.2, 2.0), ("OpticNerve_R", 0.3, 2.0),
    ],
)  # fmt: skip
def test_organs_have_a_size_that_people_have(fine, organ, low_ml, high_ml):
    assert low_ml < fine.organs[organ].sum() * fine.ct_grid.voxel_volume_mm3 / 1000 < high_ml


def test_unknown_organs_are_key_errors_and_listed_ones_are_not(patients):
    organs = patients[0].organs
    assert set(PDDCA) <= set(organs)
    assert len(organs) == len(list(organs))
    with pytest.raises(KeyError):
        organs["Spleen"]


def test_the_anatomy_does_not_depend_on_the_voxel_size():
    fine, coarse = (make_patient(4, 2, "CHGJ", spacing) for spacing in ((2.5, 2.5, 2.5), (5.0, 5.0, 5.0)))
    for organ in ("Brain", "GTVp", "Parotid_L"):
        a, b = (p.ct_grid.to_lps_mm(np.argwhere(p.organs[organ])).mean(axis=0) for p in (fine, coarse))
        assert np.linalg.norm(a - b) < 2.0


def test_padding_and_contrast_follow_the_centre():
    assert make_patient(1, 0, "MDA", (8, 8, 8)).ct.array[:, 0, 0].max() == -3024
    assert CENTRES["CHUV"].contrast > CENTRES["CHUM"].contrast


@pytest.mark.parametrize("arguments", [(0, 0, "nowhere"), (-1, 0, "CHGJ"), (0, -1, "CHGJ"), (0, 0, "CHGJ", (0, 1, 1))])
def test_impossible_patients_are_refused(arguments):
    with pytest.raises(ValueError, match=r"phantom"):
        make_patient(*arguments)
