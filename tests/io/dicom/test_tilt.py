"""Scans of a tilted gantry: the line of positions leans against the normal of the slices."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hnseg.geometry.shear import take_out_shear
from hnseg.io.dicom.objects import RefusedDicomError
from hnseg.io.dicom.stack import stack
from hnseg.types import AXIAL_DIRECTION, Grid, Volume
from tests.io.dicom.making import make_headers


def tilted(degrees: float, count: int = 24, step_mm: float = 2.5, along_deg: float = 0.0):
    """Slices of a table that moves along z, whose planes lean by ``degrees`` about the x axis."""
    angle = np.radians(degrees)
    normal, down = np.array([0, -np.sin(angle), np.cos(angle)]), np.array([0, np.cos(angle), np.sin(angle)])
    direction = np.stack([normal, down, [1.0, 0, 0]], axis=1)
    plane = Grid((count, 64, 56), (step_mm, 1.25, 1.5), (-42.0, -40.0, -30.0), direction)
    table = np.array([np.sin(np.radians(along_deg)), 0, 1.0])
    positions = np.array(plane.origin_mm) + np.arange(count)[:, None] * step_mm * table
    return plane, [
        replace(header, image=replace(header.image, position_lps_mm=tuple(position)))
        for header, position in zip(make_headers(plane), positions, strict=True)
    ]


def sphere(points_lps_mm, centre_mm=(0.0, 0.0, 0.0), radius_mm=18.0):
    """1 inside and 0 outside, with a rim of 2 mm between."""
    return ((radius_mm - np.linalg.norm(points_lps_mm - np.asarray(centre_mm), axis=-1)) / 2 + 0.5).clip(0, 1)


def seen(headers, plane):
    """(N, Y, X) what each file shows of the sphere, from its own position."""
    y, x = np.mgrid[: plane.shape_zyx[1], : plane.shape_zyx[2]]
    steps = y[..., None] * 1.25 * plane.direction[:, 1] + x[..., None] * 1.5 * plane.direction[:, 2]
    return np.stack([sphere(np.asarray(header.image.position_lps_mm) + steps) for header in headers])


@pytest.mark.parametrize(("degrees", "along_deg"), [(18.5, 0.0), (-25.0, 0.0), (10.0, 8.0)])
def test_a_sphere_is_round_again(degrees, along_deg):
    plane, headers = tilted(degrees, along_deg=along_deg)
    series = stack(headers[::-1])
    volume = Volume(take_out_shear(seen(series.files, plane), series.shift_px, 0.0), series.grid)
    points = series.grid.to_lps_mm(np.moveaxis(np.indices(series.grid.shape_zyx), 0, -1))
    truth = sphere(points)
    found, expected = volume.array >= 0.5, truth >= 0.5
    assert 2 * (found & expected).sum() / (found.sum() + expected.sum()) > 0.98
    shown = [i for i in range(len(truth)) if expected[i].sum() > 50]
    centroids = np.array(
        [
            np.average(points[i], axis=(0, 1), weights=np.broadcast_to(volume.array[i, ..., None], points[i].shape))
            for i in shown
        ]
    )
    off_axis = centroids @ series.grid.direction[:, 1:]
    assert np.abs(off_axis).max() < 0.1, "the middle of the sphere wanders from slice to slice"


def test_the_tilt_is_measured_told_and_nothing_is_cut_off():
    _, headers = tilted(18.5)
    series = stack(headers)
    assert series.tilt_deg == pytest.approx(18.5, abs=1e-6)
    assert "18.5 degrees" in series.notes[0]
    assert series.grid.spacing_mm[0] == pytest.approx(2.5 * np.cos(np.radians(18.5)))
    drift_px = 23 * 2.5 * np.sin(np.radians(18.5)) / 1.25
    assert series.grid.shape_zyx == (24, 64 + int(np.ceil(drift_px)), 56)
    assert series.shift_px.min() == 0.0
    assert np.ptp(series.shift_px[:, 0]) == pytest.approx(drift_px)
    for i, file in enumerate(series.files):
        where = series.grid.to_lps_mm(np.array([i, *series.shift_px[i]]))
        np.testing.assert_allclose(where, file.image.position_lps_mm, atol=1e-9)


def test_a_tilted_uneven_scan_names_both():
    _, headers = tilted(18.5, 6)
    headers[3] = replace(headers[3], image=replace(headers[3].image, position_lps_mm=(-42.0, -40.0, -30.0 + 8.3)))
    with pytest.raises(
        RefusedDicomError, match=r"gantry tilt is 18\.5 degrees .* uneven: .* 1\.7, 2\.5, 3\.3 mm"
    ) as caught:
        stack(headers)
    assert caught.value.reason == "gantry_tilt"


def shifted(offsets_mm):
    headers = make_headers(Grid((len(offsets_mm), 8, 8), (3.0, 1.0, 1.0)))
    return [
        replace(h, image=replace(h.image, position_lps_mm=tuple(np.add(h.image.position_lps_mm, (0.0, offset, 0.0)))))
        for h, offset in zip(headers, offsets_mm, strict=True)
    ]


@pytest.mark.parametrize("offsets_mm", [[0, 0, 2, 0, 0], [0, 1, -1, 1, -1], [0, 5, 10, 15, 20]])
def test_images_that_wander_in_plane_are_refused(offsets_mm):
    with pytest.raises(RefusedDicomError, match="shifted against each other") as caught:
        stack(shifted(offsets_mm))
    assert caught.value.reason == "shifted_slices"


@pytest.mark.parametrize("offsets_mm", [[0, 0.02, 0.04, 0.06, 0.08], [0.004 * i for i in range(101)]])
def test_rounding_is_no_tilt(offsets_mm):
    """The second leans by 0.08 degrees: 0.4 mm over 300 mm."""
    series = stack(shifted(offsets_mm))
    assert (series.tilt_deg, series.notes) == (0.0, ())
    assert not series.shift_px.any()
    assert series.grid.origin_mm == pytest.approx((0.0, max(offsets_mm) / 2, 0.0))


def test_coarse_cosines_are_no_tilt():
    """An oblique scan of 300 mm whose cosines have three decimals: its line leans by up to 0.03 degrees."""
    for seed in range(4):
        rotation = Rotation.random(rng=np.random.default_rng(seed)).as_matrix() @ AXIAL_DIRECTION
        grid = Grid((101, 8, 8), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), rotation)
        cosines = (*rotation[:, 2].round(3), *rotation[:, 1].round(3))
        series = stack([replace(h, image=replace(h.image, orientation=cosines)) for h in make_headers(grid)])
        assert not series.shift_px.any()
        assert series.grid.matches(grid, 0.3)


def test_a_tilt_that_only_the_tag_knows_is_told():
    headers = [replace(h, image=replace(h.image, gantry_tilt_deg=-12.0)) for h in shifted([0, 0, 0])]
    assert "(0018,1120) says 12 degrees" in stack(headers).notes[0]
