import pytest

from hnseg.io.dicom.structure_look import COLOURS, interpreted_type, structure_colours


def test_no_two_structures_of_a_scan_look_alike():
    names = [name for name in COLOURS if name not in ("GTV", "GTVt")]  # other names of GTVp
    colours = list(structure_colours([*names, *(f"Other{i}" for i in range(12))]).values())
    for i, first in enumerate(colours):
        assert all(0 <= value <= 255 for value in first)
        assert max(first) >= 140  # to be seen on a dark image
        for second in colours[:i]:
            assert sum((a - b) ** 2 for a, b in zip(first, second, strict=True)) ** 0.5 > 45


def test_a_colour_belongs_to_a_name_and_not_to_its_place():
    assert structure_colours(["Chiasm", "Parotid_L"])["Parotid_L"] == structure_colours(["Parotid_L"])["Parotid_L"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GTVp", "GTV"),
        ("gtv", "GTV"),
        ("iGTV", "GTV"),
        ("CTV_54", "CTV"),
        ("PTV70", "PTV"),
        ("Tumour", "GTV"),
        ("Lesion 2", "GTV"),
        ("Parotid_L", "ORGAN"),
        ("Brain", "ORGAN"),
    ],
)
def test_types_follow_names(name, expected):
    assert interpreted_type(name) == expected
