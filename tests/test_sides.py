import pytest

from hnseg.sides import mirrored_name, other_side, sided

NINE = (
    *("BrainStem", "Chiasm", "Mandible", "OpticNerve_L", "OpticNerve_R"),
    *("Parotid_L", "Parotid_R", "Submandibular_L", "Submandibular_R"),
)


def test_the_nine_organs_change_sides_in_pairs() -> None:
    swapped = other_side(NINE)
    assert swapped == (0, 1, 2, 4, 3, 6, 5, 8, 7)
    assert tuple(swapped[place] for place in swapped) == tuple(range(9))
    assert sided(NINE) == list(NINE[3:])


@pytest.mark.parametrize(
    ("name", "mirrored"),
    [
        ("Parotid_L", "Parotid_R"),
        ("parotid_left", "parotid_right"),
        ("Right Parotid", "Left Parotid"),
        ("Parotid-Lt", "Parotid-Rt"),
        ("Glnd_Submand_R", "Glnd_Submand_L"),
        ("OPTIC_RT", "OPTIC_LT"),
        ("Chiasm", "Chiasm"),
        ("Larynx", "Larynx"),
        ("GTVp", "GTVp"),
        ("PTV70", "PTV70"),
    ],
)
def test_a_mirror_changes_the_word_for_the_side(name: str, mirrored: str) -> None:
    assert mirrored_name(name) == mirrored
    assert mirrored_name(mirrored) == name


def test_a_side_without_its_partner_is_refused() -> None:
    with pytest.raises(ValueError, match="Parotid_L a Parotid_R, which is not among"):
        other_side(("BrainStem", "Parotid_L"))
