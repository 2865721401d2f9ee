import numpy as np
import pytest

from hnseg.inference.body_distance import BodyDistance
from hnseg.types import Grid, Volume

GRID = Grid((10, 60, 60), (4.0, 2.0, 2.0), (-59.0, -59.0, 0.0))


def ct(grid=GRID):
    """A cylinder of 40 mm radius with a throat of air in it, and a couch 10 mm below; sizes in mm."""
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape_zyx], indexing="ij"), axis=-1)
    x, y, _ = np.moveaxis(grid.to_lps_mm(index), -1, 0)
    hu = np.full(grid.shape_zyx, -1000, np.int16)
    hu[np.hypot(x, y) <= 40] = 20
    hu[np.hypot(x, y - 10) <= 8] = -1000
    hu[(y > 50) & (y < 56)] = 100
    return Volume(hu, grid)


def test_distance_to_the_body_and_not_to_the_couch():
    body = BodyDistance({"ct": ct()})
    assert body((0.0, 0.0, 20.0)) == 0
    assert body((0.0, 10.0, 20.0)) == 0  # the throat
    assert body((-52.0, 0.0, 20.0)) == pytest.approx(12, abs=4)
    assert body((0.0, 54.0, 20.0)) == pytest.approx(14, abs=4)  # on the couch
    assert body((50.0, 50.0, 4.0)) == pytest.approx(np.hypot(50, 50) - 40, abs=4)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_it_lies_in_the_patient_whatever_the_order_of_the_axes(order):
    scan = ct()
    grid = Grid(
        tuple(np.array(GRID.shape_zyx)[list(order)]),
        tuple(np.array(GRID.spacing_mm)[list(order)]),
        GRID.origin_mm,
        GRID.direction[:, order],
    )
    turned = BodyDistance({"ct": Volume(scan.array.transpose(order), grid)})
    for place in ((0.0, 10.0, 20.0), (-52.0, 0.0, 20.0), (50.0, 50.0, 4.0)):
        assert turned(place) == pytest.approx(BodyDistance({"ct": scan})(place), abs=1e-4)


@pytest.mark.parametrize("unit", [1.0, 8000.0])
def test_pet_alone_in_any_unit(unit):
    scan = ct()
    pet = np.where(scan.array > -500, 0.6, 0.01).astype(np.float32)
    pet[4:6, 20:30, 20:30] = 9.0  # a brain, compared with which air takes up nothing
    body = BodyDistance({"pt": Volume(pet * unit, scan.grid)})
    assert body((0.0, 0.0, 20.0)) == 0
    assert body((-52.0, 0.0, 20.0)) == pytest.approx(12, abs=4)
    assert BodyDistance({"pt": Volume(pet, scan.grid), "ct": scan})((0.0, 54.0, 20.0)) > 8  # the couch takes up some


@pytest.mark.parametrize(
    "images",
    [
        {},
        {"mr": ct()},
        {"ct": Volume(np.full(GRID.shape_zyx, -1000, np.int16), GRID)},
        {"pt": Volume(np.zeros(GRID.shape_zyx, np.float32), GRID)},
    ],
)
def test_where_no_body_is_seen_nothing_lies_outside_it(images):
    assert BodyDistance(images)((-52.0, 0.0, 20.0)) == 0


def test_beyond_the_image_it_does_not_know():
    assert BodyDistance({"ct": ct()})((-300.0, 0.0, 20.0)) == 0
