import pytest

from hnseg.augment.sides import other_side

ORGANS = (
    "BrainStem", "Chiasm", "Mandible", "OpticNerve_L", "OpticNerve_R",
    "Parotid_L", "Parotid_R", "Submandibular_L", "Submandibular_R",
)  # fmt: skip


def test_the_nine_organs_change_sides_in_pairs():
    swapped = other_side(ORGANS)
    assert swapped == (0, 1, 2, 4, 3, 6, 5, 8, 7)
    assert tuple(swapped[place] for place in swapped) == tuple(range(9))


@pytest.mark.parametrize("names", [(), ("GTVp", "GTVn"), ("_", "L", "Left")])
def test_names_without_a_side_stay(names):
    assert other_side(names) == tuple(range(len(names)))


def test_a_side_without_its_partner_is_refused():
    with pytest.raises(ValueError, match="Parotid_L a Parotid_R, which is not among"):
        other_side(("BrainStem", "Parotid_L"))
