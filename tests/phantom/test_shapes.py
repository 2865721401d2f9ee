import numpy as np
import pytest

from hnseg.phantom.combine import Grown, HalfSpace, Intersection, Mirrored, Rough, Union, Without
from hnseg.phantom.noise import SmoothNoise, generator
from hnseg.phantom.shapes import Column, Ellipsoid, RoundBox, Tube

BALL = Ellipsoid((10.0, 0.0, 0.0), (5.0, 5.0, 5.0))


def at(shape, *point):
    return float(shape.distance(*(np.full(1, v, np.float32) for v in point))[0])


def test_a_ball_has_exact_distances():
    assert at(BALL, 10, 0, 12) == pytest.approx(7, abs=1e-3)
    assert at(BALL, 10, 0, 4) == pytest.approx(-1, abs=1e-3)
    assert at(BALL, 10, 0, 0) == pytest.approx(-5, abs=1e-2)


def test_an_ellipsoid_is_exact_at_its_surface_and_turns_with_its_axes():
    turned = Ellipsoid((0, 0, 0), (10, 4, 4), np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]))
    assert at(turned, 0, 0, 10) == pytest.approx(0, abs=1e-3)
    assert at(turned, 4, 0, 0) == pytest.approx(0, abs=1e-3)
    assert np.allclose(turned.bounds()[1], (4, 4, 10))


def test_a_tube_thickens_between_its_points():
    tube = Tube(((0, 0, 0), (0, 0, 10)), (2, 4))
    assert at(tube, 3, 0, 5) == pytest.approx(0, abs=1e-3)
    assert at(tube, 0, 0, 14) == pytest.approx(0, abs=1e-3)


def test_a_stretched_tube_reaches_further_along_that_axis():
    tube = Tube(((0, 0, 0), (10, 0, 0)), (2, 2), stretch=(1, 1, 3))
    assert at(tube, 5, 0, 5.9) < 0 < at(tube, 5, 2.1, 0)


def test_a_round_box_is_as_large_as_it_says():
    box = RoundBox((0, 0, 0), (5, 6, 7), 1.0)
    assert at(box, 5, 0, 0) == pytest.approx(0, abs=1e-5)
    assert at(box, 8, 10, 0) > 5 - 0.5
    assert at(box, 0, 0, 0) == pytest.approx(-5, abs=1e-5)


@pytest.mark.parametrize("power", [2, 4])
def test_a_column_reaches_its_front_back_and_sides(power):
    column = Column(((10, -8, 12, 2, 6), (-10, -8, 12, 2, 6)), power)
    for point in [(0, -8, 0), (0, 12, 0), (6, 2, 0), (-6, 2, 0), (0, 2, 10)]:
        assert at(column, *point) == pytest.approx(0, abs=0.02)
    assert at(column, 0, -5, 0) == pytest.approx(-3, abs=0.1)


def test_combinations_keep_their_promises():
    assert at(Union((BALL, Mirrored(BALL))), -10, 0, 0) < 0
    assert at(Without(BALL, (Grown(BALL, -2.0),)), 10, 0, 0) > 0
    assert at(Intersection((BALL, HalfSpace((1.0, 0.0, 0.0), 10.0))), 9, 0, 0) == pytest.approx(1, abs=1e-3)
    seam = Union((BALL, Ellipsoid((20, 0, 0), (5, 5, 5))), blend_mm=6.0)
    assert at(seam, 15, 1, 0) < at(Union(seam.shapes), 15, 1, 0)


def test_bounds_hold_the_whole_shape():
    rough = Rough(BALL, SmoothNoise.draw(generator(0, 0, "lesions"), 6.0), 0.5)
    shapes = [BALL, rough, Tube(((0, 0, 0), (4, 5, 6)), (3, 2), (1, 2, 1)), RoundBox((1, 2, 3), (4, 5, 6), 2.0)]
    shapes += [Mirrored(BALL), Grown(BALL, 2.0), Union((BALL, Mirrored(BALL)), 4.0)]
    grid = np.meshgrid(*[np.arange(-30, 31, 1.0, dtype=np.float32)] * 3, indexing="ij")
    for shape in shapes:
        inside = shape.distance(*grid) < 0
        points = np.stack([axis[inside] for axis in grid], axis=1)
        low, high = shape.bounds()
        assert len(points)
        assert (points >= low).all()
        assert (points <= high).all()
