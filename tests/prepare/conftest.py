"""A tiny patient in any layout: a head with a brain, a neck with a tumour, on coarse grids, written with SimpleITK."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk

from hnseg.geometry import to_sitk
from hnseg.types import Grid, Study, Volume

CT_GRID = Grid((40, 32, 32), (8.0, 7.0, 7.0), (-108.5, -112.0, -300.0))
PT_GRID = Grid((46, 40, 40), (7.0, 6.0, 6.0), (-117.0, -118.0, -302.0))
TUMOUR_MM = np.array([10.0, -35.0, -95.0])
BRAIN_MM = np.array([0.0, 0.0, -45.0])


def ellipsoid(grid: Grid, centre_mm: np.ndarray, radii_mm: tuple[float, float, float]) -> np.ndarray:
    positions = grid.to_lps_mm(np.moveaxis(np.indices(grid.shape_zyx), 0, -1))
    return (((positions - centre_mm) / radii_mm) ** 2).sum(axis=-1) <= 1


def body(grid: Grid) -> np.ndarray:
    return ellipsoid(grid, np.array([0.0, 0.0, -150.0]), (90.0, 100.0, 155.0))


def ct_volume(grid: Grid = CT_GRID, seed: int = 0) -> Volume:
    noise = np.random.default_rng(seed).normal(0, 20, grid.shape_zyx)
    return Volume(np.where(body(grid), 40 + noise, -1000).astype(np.int16), grid)


def pt_volume(grid: Grid = PT_GRID, seed: int = 0) -> Volume:
    suv = np.where(body(grid), 0.8, 0.05) + np.random.default_rng(seed).uniform(0, 0.05, grid.shape_zyx)
    suv[ellipsoid(grid, BRAIN_MM, (65.0, 80.0, 60.0))] = 9.0
    suv[ellipsoid(grid, TUMOUR_MM, (14.0, 14.0, 14.0))] = 12.0
    return Volume(suv.astype(np.float32), grid)


def tumour_mask(grid: Grid = CT_GRID) -> Volume:
    return Volume(ellipsoid(grid, TUMOUR_MM, (14.0, 14.0, 14.0)).astype(np.uint8), grid)


def write(volume: Volume, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(to_sitk(volume), str(path))
    return path


def write_study(folder: Path, case_id: str = "CHXX001", seed: int = 0) -> Study:
    images = {
        "ct": write(ct_volume(seed=seed), folder / f"{case_id}_ct.nii.gz"),
        "pt": write(pt_volume(seed=seed), folder / f"{case_id}_pt.nii.gz"),
    }
    mask = write(tumour_mask(), folder / f"{case_id}_gtvt.nii.gz")
    return Study(case_id, images, {"GTVt": (mask, 1)}, centre="CHXX")


def turned(volume: Volume, order: tuple[int, int, int], flips: tuple[int, ...]) -> Volume:
    """The same patient with array axes in another order, some of them reversed."""
    array = np.flip(volume.array.transpose(order), flips)
    direction = np.asarray(volume.direction)[:, order].copy()
    direction[:, list(flips)] *= -1
    start = np.zeros(3)
    for axis in flips:
        start[order[axis]] = volume.grid.shape_zyx[order[axis]] - 1
    spacing = tuple(volume.spacing_mm[axis] for axis in order)
    grid = Grid(array.shape, spacing, tuple(volume.grid.to_lps_mm(start)), direction)  # type: ignore[arg-type]
    return Volume(array, grid)


PERSON_GRID = Grid((64, 56, 100), (5.0, 5.0, 5.0), (-250.0, -120.0, -310.0))


def person(grid: Grid = PERSON_GRID, lungs: bool = True) -> Volume:
    """Head (top at z = 0), neck, shoulders below -240 mm and lungs below -290 mm, in air."""
    x, y, z = np.moveaxis(grid.to_lps_mm(np.moveaxis(np.indices(grid.shape_zyx), 0, -1)), -1, 0)
    head = (x / 75) ** 2 + (y / 95) ** 2 + ((z + 110) / 110) ** 2 <= 1
    neck = ((x / 60) ** 2 + ((y - 20) / 60) ** 2 <= 1) & (z < -150)
    chest = ((x / 210) ** 2 + ((y - 20) / 110) ** 2 <= 1) & (z < -240)
    ct_hu = np.where(head | neck | chest, 40, -1000).astype(np.int16)
    if lungs:
        ct_hu[(((np.abs(x) - 90) / 60) ** 2 + ((y - 20) / 70) ** 2 <= 1) & (z < -290)] = -850
    return Volume(ct_hu, grid)


@pytest.fixture(scope="session")
def patient() -> SimpleNamespace:
    """The functions and facts above, for tests that build patients of their own."""
    return SimpleNamespace(
        brain_mm=BRAIN_MM,
        tumour_mm=TUMOUR_MM,
        ct_grid=CT_GRID,
        pt_grid=PT_GRID,
        ct=ct_volume,
        pt=pt_volume,
        mask=tumour_mask,
        write=write,
        turned=turned,
        person=person,
        person_grid=PERSON_GRID,
        write_study=write_study,
    )


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return write_study(tmp_path / "raw")


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Study]:
    return lambda case_id="CHXX001", seed=0: write_study(tmp_path / "raw", case_id, seed)


@pytest.fixture(scope="session")
def petct_folder() -> Path:
    root = os.environ.get("HNSEG_REAL_DATA")
    folder = Path(root or "") / "petct"
    if not root or not folder.is_dir():
        pytest.skip("HNSEG_REAL_DATA does not name a folder with petct/ in it")
    return folder


@pytest.fixture(scope="session")
def oar_folder() -> Path:
    root = os.environ.get("HNSEG_REAL_DATA")
    folder = Path(root or "") / "oar"
    if not root or not folder.is_dir():
        pytest.skip("HNSEG_REAL_DATA does not name a folder with oar/ in it")
    return folder
