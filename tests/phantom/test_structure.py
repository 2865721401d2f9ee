import numpy as np
import pytest

from hnseg.phantom.noise import SmoothNoise, generator
from hnseg.phantom.shapes import Ellipsoid
from hnseg.phantom.space import Pose, Space
from hnseg.phantom.structure import Layer, Structure, both_sides, paint
from hnseg.types import Grid

GRID = Grid((20, 20, 20), (2.0, 2.0, 2.0), (-19.0, -19.0, -19.0))
STILL = SmoothNoise.draw(generator(0, 0, "warp"), 150.0)
SPACE = Space(GRID, Pose((0.0, 0.0, 0.0), 1.0, (0.0, 0.0, 0.0), 1.0, (STILL, STILL, STILL), 0.0))
BALL = Ellipsoid((0, 0, 0), (14, 14, 14))


def test_partial_volume_keeps_the_amount():
    image, _, _ = paint([Structure.of("ball", BALL, 100.0, 2.0)], SPACE, "pet_suv", 0.0)
    assert image.sum() * 8 == pytest.approx(2.0 * 4 / 3 * np.pi * 14**3, rel=0.01)


def test_later_structures_cover_earlier_ones_and_labels_say_whose_material_it_is():
    core = Structure.of("core", Ellipsoid((0, 0, 0), (6, 6, 6)), -50.0, 0.0)
    image, labels, names = paint([Structure.of("ball", BALL, 100.0, 2.0), core], SPACE, "ct_hu", -1000.0)
    assert names == ("ball", "core")
    assert image[10, 10, 10] == pytest.approx(-50)
    assert (labels[10, 10, 10], labels[10, 10, 15], labels[0, 0, 0]) == (2, 1, 0)


def test_layers_begin_at_their_depth():
    shell = Structure(BALL, (Layer("shell", 1, 0, grow_mm=4.0), Layer("inner", 2, 0)))
    _, labels, _ = paint([shell], SPACE, "ct_hu", 0.0)
    x = GRID.to_lps_mm(np.array([[10, 10, i] for i in range(20)]))[:, 0]
    assert set(labels[10, 10, np.abs(x) < 13]) == {2}
    assert set(labels[10, 10, (np.abs(x) > 14) & (np.abs(x) < 18)]) == {1}


def test_nothing_leaves_the_skin():
    body = Structure(BALL, (Layer("body", 0, 0),), skin_mm=2.0)
    muscle = Structure.of("muscle", Ellipsoid((10, 0, 0), (8, 4, 4)), 50.0, 1.0)
    _, labels, _ = paint([body, muscle], SPACE, "ct_hu", -1000.0)
    world = GRID.to_lps_mm(np.argwhere(labels == 2))
    assert len(world)
    assert np.linalg.norm(world, axis=1).max() < 12.01


def test_the_left_side_has_the_larger_x():
    pair = both_sides("gland", Ellipsoid((10, 0, 0), (4, 4, 4)), ct_hu=0, pet_suv=1, right_suv=3)
    suv, labels, names = paint(pair, SPACE, "pet_suv", 0.0)
    left, right = (GRID.to_lps_mm(np.argwhere(labels == i + 1))[:, 0].mean() for i in range(2))
    assert names == ("gland_L", "gland_R")
    assert left > 5 > -5 > right
    assert suv[labels == 2].mean() > 2 * suv[labels == 1].mean()


def test_folds_and_texture_vary_a_layer():
    noise = SmoothNoise.draw(generator(2, 0, "anatomy"), 8.0)
    plain = Structure(BALL, (Layer("a", 40, 5), Layer("b", 20, 2, grow_mm=-5.0)))
    folded = Structure(BALL, (Layer("a", 40, 5), Layer("b", 20, 2, grow_mm=-5.0, folds=(noise, 2.0))))
    rough = Structure(BALL, (Layer("a", 40, 5, texture=(noise, 10.0, 0.2)),))
    assert (paint([plain], SPACE, "ct_hu", 0.0)[1] != paint([folded], SPACE, "ct_hu", 0.0)[1]).sum() > 20
    values = paint([rough], SPACE, "ct_hu", 0.0)
    assert values[0][values[1] == 1].std() > 5
