import pytest

from hnseg.prepare.organs import PDDCA, canonical, wanted


@pytest.mark.parametrize(
    ("organ", "spellings"),
    [
        (
            "BrainStem",
            [
                "Tronc_Cérébral",
                "Hirnstamm",
                "hersenstam",
                "brainstem",
                "Brainstem",
                "Brain_Stem",
                "BRAIN STEM",
                "Brain-stem",
                "OAR_Brainstem",
            ],
        ),
        (
            "Chiasm",
            ["chiasma optique", "chiasm", "OpticChiasm", "Optic_Chiasm", "optic chiasma", "Opt Chiasma", "Chiasma"],
        ),
        ("Mandible", ["Unterkiefer", "mandible", "MANDIBLE", "Bone_Mandible", "OAR_Bone_Mandible"]),
        (
            "OpticNerve_L",
            [
                "Sehnerv_L",
                "Nrv_Optic_L",
                "Optic-Nerve-Lt",
                "OpticNrv_L",
                "opticnerve_l",
                "Left optic nerve",
                "L_OpticNerve",
            ],
        ),
        ("OpticNerve_R", ["Optic_Nerve_Rt", "Optic Nerve Right", "OpticNerveR", "Opt Nerve R"]),
        ("Parotid_L", ["LeftParotid", "Parotid-Lt", "Patroid_L", "parotid gland left", "Lt. Parotid", "PAROTID_LT"]),
        (
            "Parotid_R",
            ["Parótida_R", "parotide right", "RightParotid", "Parotid_Rt", "R Parotid", "Parotis_R", "OAR_Parotid_R"],
        ),
        ("Submandibular_L", ["Glnd_Submand_L", "Submandibular-Lt", "submandibular_gland_left", "L SMG"]),
        (
            "Submandibular_R",
            ["Unterkieferspeicheldrüse R", "Submandibular_Rt", "Right Submandibular Gland", "Submand_R"],
        ),
    ],
)
def test_spellings_of_an_organ(organ, spellings):
    assert {spelling: canonical(spelling) for spelling in (organ, *spellings)} == dict.fromkeys(
        (organ, *spellings), organ
    )


@pytest.mark.parametrize(
    "name",
    ["Brain", "OpticNerve", "Optic", "Parotid", "Parotids", "Submandibular", "Mandible_L", "Chiasm_R", "SpinalCord",
     "Brainstem_PRV", "BrainStem_PRV03", "Parotid_L_PTV", "Lens_L", "Larynx", "L", "R", "", "_", "PTV70", "Orbit_L",
     "Sublingual_L", "OAR", "Left_Parotid_Right"],
)  # fmt: skip
def test_what_is_no_organ_for_sure_is_none(name):
    assert canonical(name) is None


def test_all_nine_in_the_fixed_order():
    assert len(PDDCA) == 9
    assert list(PDDCA) == sorted(PDDCA)
    assert [canonical(name) for name in PDDCA] == list(PDDCA)


def test_own_aliases_come_first_and_are_read_leniently():
    aliases = {"tronc cerebral": "BrainStem", "Cord": "SpinalCord", "Parotid_L": "ParotidSuperficial_L"}
    assert canonical("Tronc_Cerebral", aliases) == "BrainStem"
    assert canonical("CORD", aliases) == "SpinalCord"
    assert canonical("parotid-l", aliases) == "ParotidSuperficial_L"
    assert canonical("", {"-": "BrainStem"}) is None


def test_wanted_names_are_met_in_any_spelling_of_an_organ_else_as_spelt():
    labels = ("Brainstem", "Left_Parotid", "Larynx", "PTV70", "Cochlea_L")
    assert wanted("brain stem", labels) == "Brainstem"
    assert wanted("Parotid_L", labels) == "Left_Parotid"
    assert wanted("Larynx", labels) == "Larynx"
    assert wanted("larynx", labels) is None
    assert wanted("PTV7_0", labels) is None
    assert wanted("Parotid_R", labels) is None
    assert wanted("voice box", labels, {"Voice Box": "Larynx"}) == "Larynx"
    assert wanted("cord", labels, {"Cord": "SpinalCord"}) is None
