import numpy as np
import pytest

from hnseg.evaluate.tolerances import NIKOLOV2021_MM, OTHERS_MM, tolerance_of
from hnseg.prepare.organs import PDDCA


def test_every_organ_of_pddca_has_a_tolerance_the_same_on_both_sides() -> None:
    assert tuple(NIKOLOV2021_MM) == PDDCA
    for name in PDDCA:
        assert tolerance_of(name) == tolerance_of(name.replace("_L", "_R")) > 0


@pytest.mark.parametrize(
    ("structure", "expected"),
    [("BrainStem", 2.5), ("Parotid-Lt", 2.85), ("mandible", 1.01), ("GTVt", OTHERS_MM), ("GTVp", 1.0), ("Brain", 1.0)],
)
def test_other_spellings_of_an_organ_have_its_tolerance_and_tumours_one_millimetre(structure, expected) -> None:
    assert tolerance_of(structure) == expected


def test_one_number_is_for_all_and_a_mapping_for_those_in_it() -> None:
    assert tolerance_of("BrainStem", 3) == tolerance_of("GTVt", 3.0) == 3
    own = {"BrainStem": 4.0, "GTVt": 0.0}
    assert [tolerance_of(name, own) for name in ("BrainStem", "GTVt", "Mandible", "Larynx")] == [4.0, 0.0, 1.01, 1.0]


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf, "wide"])
def test_what_is_no_distance_is_refused(wrong) -> None:
    for given in (wrong, {"BrainStem": wrong}):
        with pytest.raises(ValueError, match="tolerance_mm of BrainStem"):
            tolerance_of("BrainStem", given)
