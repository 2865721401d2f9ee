from io import BytesIO

import numpy as np
from PIL import Image
from PIL.ImageColor import getrgb

from hnseg.report.five_examples import Example
from hnseg.report.five_outlines import OUTLINES, enlarged_part, outline_figure, pixel_edges


def mask_of(*pixels, shape=(128, 128)):
    mask = np.zeros(shape, bool)
    for pixel in pixels:
        mask[pixel] = True
    return mask


def ends(mask):
    return {frozenset(map(tuple, edge.tolist())) for edge in pixel_edges(mask)}


def test_the_edges_of_one_pixel_are_its_four_sides():
    a, b, c, d = (1.5, 0.5), (2.5, 0.5), (2.5, 1.5), (1.5, 1.5)  # x, y of the corners of row 1, column 2
    expected = {frozenset(pair) for pair in ((a, b), (b, c), (c, d), (d, a))}
    assert ends(mask_of((1, 2), shape=(4, 5))) == expected


def test_edges_count_every_change_between_neighbours():
    mask = np.random.default_rng(0).random((9, 12)) < 0.5
    padded = np.pad(mask.astype(int), 1)
    changes = sum(np.abs(np.diff(padded, axis=axis)).sum() for axis in (0, 1))
    assert len(ends(mask)) == len(pixel_edges(mask)) == changes
    assert len(pixel_edges(np.zeros((3, 3), bool))) == 0
    # a shared side of two pixels is inside
    assert len(pixel_edges(mask_of((1, 1), (1, 2), shape=(4, 4)))) == 6


def example(**masks):
    image = np.zeros((128, 128), np.float32)
    return Example("p1", 12, image, masks, {"CNNonly": 0.5, "cm1CNN": 0.8})


def test_the_enlarged_part_holds_all_outlines_and_stays_inside():
    corner = enlarged_part(example(truth=mask_of((0, 0)), CNNonly=mask_of((3, 2))))
    assert corner == ((-0.5, 31.5), (-0.5, 31.5))
    (top, bottom), (left, right) = enlarged_part(example(truth=mask_of((20, 60)), CNNonly=mask_of((100, 64))))
    assert bottom - top == right - left == 91
    assert top < 20
    assert bottom > 100
    nothing = enlarged_part(example(truth=mask_of()))
    assert nothing == ((-0.5, 127.5), (-0.5, 127.5))


def test_a_slice_is_shown_from_its_least_to_its_most():
    """In SUV, say: not everything above 1 is black."""
    suv = np.linspace(0, 20, 128 * 128, dtype=np.float32).reshape(128, 128)
    png = outline_figure([example(truth=mask_of((9, 9)))._replace(image=suv)], phantom=False)
    left = np.asarray(Image.open(BytesIO(png)).convert("L"))[:, :380]
    assert ((left > 60) & (left < 200)).mean() > 0.1


def test_the_outlines_that_are_there_are_seen_in_their_colours():
    square = np.zeros((128, 128), bool)
    square[50:60, 40:50] = True
    masks = {name: np.roll(square, 4 * i, axis=1) for i, name in enumerate(OUTLINES) if name != "rand1CNN"}
    png = outline_figure([example(**masks)], phantom=False)
    pixels = np.asarray(Image.open(BytesIO(png)).convert("RGB")).reshape(-1, 3)
    seen = {name: int((pixels == getrgb(color)).all(axis=1).sum()) for name, (color, _) in OUTLINES.items()}
    assert seen.pop("rand1CNN") == 0
    assert min(seen.values()) > 100
