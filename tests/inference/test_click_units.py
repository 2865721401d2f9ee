import numpy as np
import pytest

from hnseg.inference.click_units import units_of
from tests.inference.click_fakes import VOXEL_ML, make_case


@pytest.fixture
def case(tmp_path):
    """13 slices: 6 positive pixels in slice 3, 5 in slice 4, none elsewhere."""
    label = np.zeros((13, 6, 8), np.uint8)
    label[3, 2, :6] = 1
    label[4, 2, :5] = 1
    return make_case(tmp_path / "P1", label, hot=[(3, 1, 2)])


def test_slices_with_enough_and_slices_without_any(case):
    shown, empty = units_of(case, 2, 6, 4)
    assert [unit.slice for unit in shown] == [3]
    assert [unit.slice for unit in empty] == [0, 5, 9, 12]
    assert not {3, 4} & {
        unit.slice for unit in empty
    }  # five pixels are too few for one list and too many for the other
    assert [unit.slice for unit in units_of(case, 2, 1, 4)[0]] == [3, 4]
    unit = shown[0]
    assert unit.image.shape == (2, 6, 8)
    assert unit.image[1, 1, 2] == 9
    assert unit.truth.sum() == 6
    assert unit.spacing_mm == (2.0, 2.0)
    assert unit.voxel_ml == pytest.approx(VOXEL_ML)
    assert unit.present == [1]


@pytest.mark.parametrize("most", [0, 1, 11, 99])
def test_never_more_empty_slices_than_asked_for_or_there(case, most):
    slices = [unit.slice for unit in units_of(case, 2, 6, most)[1]]
    assert len(slices) == len(set(slices)) == min(most, 11)
    assert slices == sorted(slices)


def test_a_case_is_one_unit(case):
    shown, empty = units_of(case, 3, 11, 4)
    assert [unit.slice for unit in shown] == [None]
    assert shown[0].image.shape == (2, 13, 6, 8)
    assert empty == []
    assert units_of(case, 3, 12, 4) == ([], [])


def test_a_case_can_show_one_structure_and_lack_another(tmp_path):
    label = np.zeros((3, 6, 6), np.uint8)
    label[1, 1, 1] = 2
    both = make_case(tmp_path / "both", label, names=("GTVp", "GTVn"))
    assert [len(units) for units in units_of(both, 3, 1, 4)] == [1, 1]
    unknown = make_case(tmp_path / "unknown", label, names=("GTVp", "GTVn"), annotated=(False, True))
    assert [len(units) for units in units_of(unknown, 3, 1, 4)] == [1, 0]
    assert [len(units) for units in units_of(make_case(tmp_path / "no", label * 0), 3, 0, 4)] == [0, 1]
