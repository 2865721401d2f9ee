import pytest

from hnseg.intake.structure_names import structure_name
from hnseg.phantom.dicom_vendors import VENDORS
from hnseg.phantom.pddca import ORGANS


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_spelling_is_known_as_what_it_is(vendor):
    spellings = VENDORS[vendor].spellings
    assert set(spellings) == {"GTVt", "GTVn", *ORGANS}
    assert {name: structure_name(text, {}) for name, text in spellings.items()} == {name: name for name in spellings}
    assert len(set(spellings.values())) == len(spellings)


@pytest.mark.parametrize("helper", ["BODY", "Brainstem_PRV03", "z_ring", "ISO"])
def test_helpers_are_nothing(helper):
    assert structure_name(helper, {}) is None
