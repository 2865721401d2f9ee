import pytest
from pydicom.sr._concepts_dict import concepts

from hnseg.io.dicom.segment_codes import (
    ABNORMAL,
    ANATOMY,
    LEFT,
    LYMPH_NODE,
    NEOPLASM,
    PRIMARY,
    RIGHT,
    SECONDARY,
    TISSUE,
    name_of_code,
    segment_code,
)

PDDCA = (
    "BrainStem", "Chiasm", "Mandible", "OpticNerve_L", "OpticNerve_R", "Parotid_L", "Parotid_R", "Submandibular_L",
    "Submandibular_R",
)  # fmt: skip
OTHERS = ("SpinalCord", "Larynx", "Esophagus", "Brain", "Cochlea_L", "Lens_R", "Eye_L", "OralCavity", "GTVp", "GTVn")
IN_NO_CONTEXT_GROUP = {"80169004", "4866005"}  # cochlea, constrictor muscle of pharynx


@pytest.mark.parametrize("name", [*PDDCA, *OTHERS, "PharynxConstrictor", "Lacrimal_R", "Body", "SpinalCanal", "Lips"])
def test_codes_and_meanings_are_those_of_the_standard(name):
    """pydicom ships the context groups of PS3.16."""
    standard = {code: words for entry in concepts["SCT"].values() for code, (words, _) in entry.items()}
    code = segment_code(name)
    for concept in (code.category, code.property_type, code.side, code.region):
        if concept is not None and concept.value not in IN_NO_CONTEXT_GROUP:
            words = {w.lower() for e in concepts["SCT"].values() for c, (w, _) in e.items() if c == concept.value}
            assert concept.value in standard
            assert concept.meaning.lower() in words


@pytest.mark.parametrize("name", [*PDDCA, *OTHERS])
def test_a_code_leads_back_to_its_name(name):
    code = segment_code(name)
    assert name_of_code(code.property_type.value, code.side.value if code.side else "") == name


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("parotid left", "Parotid_L"),
        ("Parotid-Lt", "Parotid_L"),
        ("RIGHT_PAROTID", "Parotid_R"),
        ("Optic Nerve R", "OpticNerve_R"),
        ("brain_stem", "BrainStem"),
        ("Oesophagus", "Esophagus"),
        ("GTVn_2", "GTVn"),
        ("gtvt", "GTVt"),
    ],
)
def test_spellings_of_one_name_have_one_code(spelling, name):
    assert segment_code(spelling) == segment_code(name)


def test_sides_and_kinds_are_told_apart():
    left, right = segment_code("Lens_L"), segment_code("Lens_R")
    assert (left.side, right.side) == (LEFT, RIGHT)
    assert left.property_type == right.property_type
    assert segment_code("Brain").property_type != segment_code("BrainStem").property_type
    assert segment_code("Brain").category == ANATOMY
    assert segment_code("Brain").side is None


def test_tumours_are_lesions_and_nodal_ones_secondary():
    primary, nodal = segment_code("GTVp"), segment_code("GTVn")
    assert (primary.category, primary.property_type, primary.region) == (ABNORMAL, PRIMARY, None)
    assert (nodal.category, nodal.property_type, nodal.region) == (ABNORMAL, SECONDARY, LYMPH_NODE)
    assert segment_code("GTV").property_type == NEOPLASM


@pytest.mark.parametrize("name", ["PTV70", "Ring 2", "Musc_Masseter_L", "L", "żółta", "R_L_x"])
def test_an_unknown_name_is_tissue(name):
    code = segment_code(name)
    assert (code.category, code.property_type, code.side, code.region) == (TISSUE, TISSUE, None, None)


def test_a_code_of_something_else_has_no_name():
    assert name_of_code("10200004", "7771000") is None  # liver
