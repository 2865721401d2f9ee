import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnseg.intake.aliases import NAMES
from hnseg.intake.spellings import PAIRED, UNPAIRED, written
from hnseg.intake.structure_names import structure_name
from hnseg.prepare.organs import PDDCA

HELPERS = (
    "PRV", "PRV05", "03", "05mm", "3mm", "exp", "opt", "ring", "avoid", "sub", "PTV", "CTV", "ptv70", "wall", "dummy",
    "hot", "2", "old",
)  # fmt: skip
SIGNS = ("_", " ", "-", ".")


@pytest.mark.parametrize(
    ("structure", "spellings"),
    [
        ("Parotid_L", ["Parotis li.", "Lt Parotid", "PAROTID_L", "ParotidGland_Left", "Parotide_G", "Parotide gauche",
                       "oar_parotid_l", "Parótida izq", "Glandula parotis links", "Ghiandola parotide sx",
                       "parotidleft"]),
        ("Parotid_R", ["Parotide D", "Parotis re", "Parotis rechts", "rechte Parotis", "R Parotid"]),
        ("OpticNerve_R", ["OpticNrv_R", "Nrv_Optic_R", "N. opticus re", "Nervo ottico dx", "Nerf optique D",
                          "Sehnerv re."]),
        ("Submandibular_L", ["Glnd_Submand_L", "glande sous-maxillaire G", "Submandibular Gland, Left"]),
        ("BrainStem", ["Brainstem", "tronc cérébral", "Tronc_Cerebral", "Hirnstamm", "hersenstam", "troncoencefalo"]),
        ("Chiasm", ["OpticChiasm", "Chiasma opticum", "quiasma"]),
        ("Mandible", ["Bone_Mandible", "Unterkiefer", "mandibola", "onderkaak"]),
        ("SpinalCord", ["Spinal Cord", "SPINAL_CORD", "Rückenmark", "RUECKENMARK", "Myelon", "Moelle épinière",
                        "midollo", "Médula", "ruggenmerg", "Spinal-Cord", "OAR_SpinalCord", "cord"]),
        ("SpinalCanal", ["Spinal_Canal", "Spinalkanal"]),
        ("Brain", ["Brain", "Gehirn", "cerveau", "encefalo", "hersenen"]),
        ("Larynx", ["Larynx", "Kehlkopf", "laringe"]),
        ("Esophagus", ["Oesophagus", "Ösophagus", "Œsophage", "Speiseröhre", "Speiserohre", "slokdarm"]),
        ("OralCavity", ["Cavity_Oral", "oral cavity", "Mundhöhle", "Mundhoehle", "Cavité buccale", "mondholte"]),
        ("Cochlea_L", ["Cochlea-Lt", "Coclea li", "CochleaL", "leftcochlea"]),
        ("Cochlea_R", ["Cochlea_R", "CochleaR", "Cochlée D"]),
        ("Eye_R", ["Eye_R", "REye", "Auge re", "Oeil D", "oog re", "Bulbus rechts"]),
        ("Lens_L", ["Lens_L", "LLens", "Linse li", "cristallin G"]),
        ("Thyroid", ["Glnd_Thyroid", "Schilddrüse", "Thyroïde"]),
        ("Lips", ["Lips", "Lippen", "lèvres"]),
        ("PharynxConstrictor", ["Musc_Constrict", "Pharynx Constrictors", "pharyngeal constrictor"]),
        ("PharynxConstrictor_S", ["Musc_Constrict_S", "PCM_sup", "PharynxConstrictor_S"]),
        ("PharynxConstrictor_I", ["Musc_Constrict_I", "Inferior Pharyngeal Constrictor"]),
        ("Trachea", ["Trachea", "Luftröhre", "tráquea"]),
        ("BrachialPlexus_L", ["BrachialPlex_L", "Plexus brachialis li", "Plexus brachial G"]),
        ("Lacrimal_R", ["Glnd_Lacrimal_R", "Tränendrüse re", "Lacrimal-Rt"]),
        ("Pituitary", ["Pituitary", "Hypophyse"]),
        ("TemporalLobe_R", ["Lobe_Temporal_R", "Temporallappen re", "Temporal Lobe Right"]),
        ("GTVt", ["GTVt", "GTVp", "GTV-T", "GTV_P", "GTV primary", "Tumor", "GTVp1", "Primärtumor", "tumeur primaire"]),
        ("GTVn", ["GTVn", "GTV-N", "GTVn1", "GTVn 2", "GTVn_L", "GTV_node_left_3", "GTV nodes"]),
    ],
)  # fmt: skip
def test_what_hospitals_call_a_structure(structure, spellings):
    assert {spelling: structure_name(spelling, {}) for spelling in spellings} == dict.fromkeys(spellings, structure)


@pytest.mark.parametrize(
    "text",
    ["", " ", "_", "L", "GTV", "GTV_Mass", "GTVp_70", "GTVn_03", "GTVn+5mm", "GTVt_L", "Medulla", "Orbit_L", "Cerebrum",
     "Cochlear", "COCHLEAR", "Cochlea", "Eyes", "Parotids", "Parotid D", "Parotid_D", "Left_Parotid_Right",
     "L_Parotid_R", "l_Parotid_L", "Mandible_L", "Lips_L", "SpinalCord_L", "~Brain", "Brain^Ex", "zBrain",
     "Cord+3mm", "Cord 5 mm",
     "-Brain", "Brain-PTV", "Brain - GTV", "PTV", "PTV70", "CTVn", "BODY", "Eye_AL", "Larynx_Glottis", "Parotid L (1)",
     "Tongue", "brainsteml", "first segment"],
)  # fmt: skip
def test_what_is_not_known_for_sure_is_none(text):
    assert structure_name(text, {}) is None


def test_every_name_of_hnseg_is_its_own_spelling():
    assert len(set(NAMES)) == len(NAMES) > 40
    assert {name: structure_name(name, {}) for name in NAMES} == {name: name for name in NAMES}


def spellings_with_sides():
    one = [(spelling, name) for name, all_of in UNPAIRED.items() for spelling in written(all_of)]
    two = [
        (f"{spelling} {word}", f"{name}_{side}")
        for name, all_of in PAIRED.items()
        for spelling in written(all_of)
        for word, side in (("L", "L"), ("re", "R"), ("gauche", "L"), ("rt", "R"))
    ]
    return one + two + [(name, name) for name in PDDCA]


SPELLINGS = spellings_with_sides()


@given(st.sampled_from(SPELLINGS), st.sampled_from(SIGNS), st.sampled_from([str.upper, str.lower, str.title]))
def test_capitals_and_signs_do_not_matter(pair, sign, case):
    spelling, name = pair
    assert structure_name(case(spelling).replace(" ", sign), {}) == name


@given(st.sampled_from(SPELLINGS), st.sampled_from(SIGNS), st.sampled_from(HELPERS), st.booleans())
def test_helpers_are_never_taken_for_the_organ(pair, sign, helper, before):
    spelling, name = pair
    text = f"{helper}{sign}{spelling}" if before else f"{spelling}{sign}{helper}"
    numbered = name in ("GTVt", "GTVn") and helper == "2" and not before
    assert structure_name(text, {}) == (name if numbered else None)


def test_a_mark_is_no_spinal_cord():
    assert structure_name("Mark", {}) is None  # German for the cord, English for anything, and a name


def test_a_users_aliases_come_first_and_are_read_leniently():
    aliases = {
        "GTV": "GTVt",
        "Moelle": "",
        "Parotis li": "ParotidSuperficial_L",
        "PTV 70": "PTV70",
        "Cord+3mm": "CordPRV",
    }
    assert structure_name("gtv", aliases) == "GTVt"
    assert structure_name("MOELLE", aliases) is None
    assert structure_name("Parotis_LI", aliases) == "ParotidSuperficial_L"
    assert structure_name("Parotis re", aliases) == "Parotid_R"
    assert structure_name("ptv70", aliases) == "PTV70"
    assert structure_name("Cord+3mm", aliases) == "CordPRV"
    assert structure_name("~GTV", aliases) is None, "a part of it is not it"
    assert structure_name("Cord 3 mm", aliases) is None
