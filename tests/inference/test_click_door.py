import numpy as np
import pytest

from hnseg.clicks import ClickChannels, NoClicks, PointEncoding
from hnseg.inference.click_door import ClickDoor, beyond_mm, refuse_unwanted
from hnseg.io.clicks import FileClick
from hnseg.postprocess import ClickFilter, KeepLargest, Postprocess
from hnseg.types import AXIAL_DIRECTION, Click, Grid, Volume

GRID = Grid((10, 40, 50), (4.0, 2.0, 1.0), (100.0, 200.0, 300.0))  # x 99.5 to 149.5, y 199 to 279, z 298 to 338
POSITIVE, NEGATIVE = Click((120.0, 240.0, 320.0), "GTVp"), Click((120.0, 240.0, 320.0), None)


@pytest.fixture
def door():
    hu = np.full(GRID.shape_zyx, -1000, np.int16)
    hu[:, 10:30, 10:40] = 0  # x 110 to 139, y 220 to 258
    return ClickDoor("CHUM-001", {"ct": Volume(hu, GRID)}, GRID, ("GTVp", "GTVn"))


def test_clicks_that_can_be_meant(door):
    door.refuse_wrong([POSITIVE, NEGATIVE, Click((115.0, 216.0, 300.0), "GTVn")])
    door.refuse_wrong([])


@pytest.mark.parametrize(
    ("click", "says"),
    [
        (
            Click((96.5, 240.0, 320.0), "GTVp"),
            r"voxel \(-3\.5, 20\.0, 5\.0\) in x, y, z, lies 3\.0 mm outside the image",
        ),
        (
            Click((120.0, 282.0, 320.0), None),
            r"negative click 2, at LPS \(120\.0, 282\.0, 320\.0\) mm, .* lies 3\.0 mm",
        ),
        (
            Click((120.0, 240.0, 342.0), "GTVp"),
            r"lies 4\.0 mm outside the image of 50 x 40 x 10 voxels; check its frame",
        ),
        (Click((96.5, 195.0, 320.0), "GTVp"), r"lies 5\.0 mm outside"),
        (Click((-120.0, -240.0, 320.0), "GTVp"), r"at LPS \(-120\.0, -240\.0, 320\.0\)"),  # RAS taken for LPS
        (
            Click((102.0, 204.0, 320.0), "GTVp"),
            r"voxel \(2\.0, 2\.0, 5\.0\) .* lies in the air, (1\d|20) mm outside the body",
        ),
        (Click((120.0, 240.0, 320.0), "GTVt"), r"'GTVt', expected one of \['GTVp', 'GTVn'\]"),
        (Click((120.0, float("nan"), 320.0), "GTVp"), "has no place"),
    ],
)
def test_what_cannot_be_meant_says_where_it_fell(door, click, says):
    with pytest.raises(ValueError, match=says) as caught:
        door.refuse_wrong([POSITIVE, click])
    assert str(caught.value).startswith("CHUM-001: ")
    assert "click 2" in str(caught.value)


def test_the_edge_of_an_image_belongs_to_it(door):
    flipped = AXIAL_DIRECTION * [-1, 1, -1]
    for grid in (GRID, Grid(GRID.shape_zyx, GRID.spacing_mm, GRID.origin_mm, flipped)):
        for index, far in (((-0.5, -0.5, -0.5), 0), ((9.5, 39.5, 49.5), 0), ((9.75, 39.5, 49.5), 1), ((0, 0, -2.5), 2)):
            click = Click(tuple(grid.to_lps_mm(np.array(index))), None)
            assert beyond_mm(click, grid) == pytest.approx(far, abs=1e-5)


def test_a_click_that_the_networks_do_not_see(door):
    region = Grid((5, 5, 5), (4.0, 4.0, 4.0), (112.0, 232.0, 312.0))  # x 110 to 130, y 230 to 250, z 310 to 330
    door.refuse_unseen([POSITIVE], region)
    with pytest.raises(
        ValueError, match=r"click 2, .* lies in the image, but 6\.0 mm outside the region .*x 110\.0 to 130"
    ):
        door.refuse_unseen([POSITIVE, Click((136.0, 240.0, 320.0), "GTVp")], region)


def channels(negatives):
    return ClickChannels(PointEncoding(), 1, negatives, 1 + negatives, 3, "random", 2)


FILTER = Postprocess({"filter": ClickFilter()})


@pytest.mark.parametrize(
    ("clicks", "networks", "chain"),
    [
        ([], [NoClicks()], Postprocess()),
        ([POSITIVE], [channels(0)], Postprocess()),
        ([POSITIVE], [NoClicks()], FILTER),
        ([POSITIVE], [channels(0), NoClicks()], Postprocess()),
        ([POSITIVE, NEGATIVE], [channels(1)], Postprocess()),
        ([NEGATIVE], [NoClicks(), channels(1)], FILTER),
    ],
)
def test_clicks_that_something_looks_at(clicks, networks, chain):
    refuse_unwanted(clicks, networks, chain)
    of_file = [FileClick((0, 0, 0), "voxel", click.structure is not None) for click in clicks]
    refuse_unwanted(of_file, networks, chain)


@pytest.mark.parametrize(
    ("clicks", "networks", "chain", "says"),
    [
        ([POSITIVE], [NoClicks()], Postprocess(), "the networks take none and no step of post-processing"),
        ([POSITIVE], [NoClicks()], Postprocess({"keep": KeepLargest()}), "postprocess=click_filter"),
        ([NEGATIVE], [channels(0)], Postprocess(), "negative clicks were given, but the networks know none"),
        ([POSITIVE, NEGATIVE], [channels(1), channels(0)], FILTER, "negative clicks"),
        ([POSITIVE, NEGATIVE], [NoClicks()], FILTER, "negative clicks"),
    ],
)
def test_clicks_that_nothing_would_look_at(clicks, networks, chain, says):
    of_file = [FileClick((0, 0, 0), "voxel", click.structure is not None) for click in clicks]
    for given in (clicks, of_file):
        with pytest.raises(ValueError, match=says):
            refuse_unwanted(given, networks, chain)
