import numpy as np
import pytest

from hnseg.phantom.patient import make_patient

SPACING = (6.0, 6.0, 6.0)


def patient(oddity):
    return make_patient(3, 1, "CHUS", SPACING, SPACING, oddity=oddity)


def test_oddities_are_legal_geometries():
    oblique, flipped, large = (patient(o) for o in ("oblique", "flipped", "large_pet"))
    for p in (oblique, flipped, large):
        np.testing.assert_allclose(p.ct_grid.direction.T @ p.ct_grid.direction, np.eye(3), atol=1e-9)
    assert 0.9 < np.abs(oblique.ct_grid.direction).max(axis=0).min() < 0.9999
    assert flipped.ct_grid.direction[2, 0] == -1
    ct, pet = large.ct_grid.extent_mm, large.pet_grid.extent_mm
    assert (pet[0] < ct[0] - 10).all()
    assert (pet[1] > ct[1] + 10).all()


@pytest.mark.parametrize("oddity", ["oblique", "flipped", "large_pet"])
def test_an_odd_scan_shows_the_same_person(oddity):
    plain, odd = patient("none"), patient(oddity)
    for organ in ("Brain", "GTVp", "Mandible", "Parotid_L"):
        a, b = (p.ct_grid.to_lps_mm(np.argwhere(p.organs[organ])).mean(axis=0) for p in (plain, odd))
        assert np.linalg.norm(a - b) < 2.5, organ


def test_a_flipped_scan_is_the_plain_one_read_backwards():
    plain, flipped = patient("none"), patient("flipped")
    differs = plain.organs["Skull"] != flipped.organs["Skull"][::-1, :, ::-1]
    assert differs.sum() < 0.005 * plain.organs["Skull"].sum()  # rounding at the surface


def test_centres_see_different_extents():
    short, long = make_patient(3, 1, "CHMR", SPACING), make_patient(3, 1, "CHUP", SPACING)
    assert long.ct_grid.extent_mm[0, 2] < short.ct_grid.extent_mm[0, 2] - 25
    assert not short.ct_grid.matches(long.ct_grid)
