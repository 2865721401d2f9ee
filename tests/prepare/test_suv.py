import numpy as np
import pytest

from hnseg.prepare.suv import suv_complaint
from hnseg.types import Grid, Volume

GRID = Grid((10, 20, 20), (4.0, 4.0, 4.0))


def head(scale=1.0, brain_suv=9.0) -> Volume:
    """A PET that shows soft tissue in six slices and a brain in the four above, in air."""
    array = np.full(GRID.shape_zyx, 0.02, np.float32)
    array[:6, 4:16, 4:16], array[6:, 4:16, 4:16] = 0.7, brain_suv
    return Volume(array * np.float32(scale), GRID)


def ct() -> Volume:
    array = np.full(GRID.shape_zyx, -1000, np.int16)
    array[:, 4:16, 4:16] = 40
    return Volume(array, GRID)


def test_a_head_alone_may_be_as_bright_as_a_brain():
    assert suv_complaint(head()) is None
    assert suv_complaint(head(brain_suv=15.0)) is None


@pytest.mark.parametrize("with_ct", [False, True])
def test_activity_is_no_suv(with_ct):
    assert "as in Bq/ml" in str(suv_complaint(head(scale=5000), ct() if with_ct else None))


def test_with_a_ct_half_of_a_body_is_not_so_bright():
    assert suv_complaint(head(), ct()) is None
    assert "above 3.5," in str(suv_complaint(head(scale=5), ct()))


@pytest.mark.parametrize(
    ("scale", "offset", "words"),
    [(0.1, 0, "as if it had been scaled"), (1, -1, "lowest value is -0.98"), (12, 0, "108")],
)
def test_values_that_no_suv_has(scale, offset, words):
    pet = head(scale)
    assert words in str(suv_complaint(Volume(pet.array + np.float32(offset), GRID)))


def test_small_negative_values_of_a_reconstruction_are_no_complaint():
    noisy = head()
    noisy.array[0, 0, 0] = -0.11
    assert suv_complaint(noisy) is None
    noisy.array[0, 0, 0] = -0.6
    assert "lowest value is -0.6" in str(suv_complaint(noisy))
