import csv
import json
import shutil
import time

import nibabel as nib
import numpy as np
import pytest

from hnseg.io.phantom_marker import MARKER, is_phantom
from hnseg.io.volume import read_volume
from hnseg.phantom import turku, write_turku
from hnseg.phantom.nifti import DESCRIPTION
from hnseg.phantom.pet import STEP_SUV
from hnseg.phantom.stack import stack_grid, stack_mask, stack_pet
from hnseg.phantom.turku import is_healthy, mask_path, patient_number, pet_path

COARSE = 16.0


def files(root):
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def table(root):
    with (root / "cases.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_turku(tmp_path_factory.mktemp("turku") / "raw", 6, 3, coarse=COARSE)


def test_names_are_as_irregular_as_the_real_ones(cohort):
    images = [
        "2_anon/2_nifti_pet/2_nifti_pet", "2_anon/2_maski/2_maski",
        "12_anon/12_nifti_pet/12_nifti_pet", "12/12_maskit",
        "23/23_nifti_pet/23_nifti_pet", "23/23_maski/23_nifti_maski_edit",
        "24/24_nifti_pet/24_nifti_pet", "24/24_maski/24_maski",
        "38/38_nifti_pet/38_nifti_pet", "38/38_nifti_maski/38_nifti_maski_edit",
        "67/67_nifti_pet/67_nifti_pet", "67/67_nifti_maski/67_nifti_maski",
    ]  # fmt: skip
    pairs = [f"positiiviset/{name}.{ending}" for name in images for ending in ("hdr", "img")]
    assert files(cohort) == sorted([*pairs, "cases.csv", MARKER])
    assert is_phantom(cohort / "positiiviset" / "12")
    marker = json.loads((cohort / MARKER).read_text())
    assert {name: marker[name] for name in ("layout", "seed", "patients", "test_patients", "coarse")} == {
        "layout": "turku", "seed": 3, "patients": 6, "test_patients": 0, "coarse": COARSE,
    }  # fmt: skip


def test_the_table_names_every_pair_in_the_order_of_the_numbers(cohort):
    rows = table(cohort)
    assert [row["case"] for row in rows] == ["2", "12", "23", "24", "38", "67"]
    assert list(rows[0]) == ["case", "pet", "mask"]
    listed = {row[name] for row in rows for name in ("pet", "mask")}
    assert listed == {name for name in files(cohort) if name.endswith(".img")}


def test_files_hold_what_was_painted_and_say_that_they_are_no_patients(cohort):
    for place, row in ((0, table(cohort)[0]), (5, table(cohort)[5])):
        plan = turku._Job(cohort, 3, COARSE, place).plan
        grid = stack_grid(plan, COARSE)
        pet, mask = read_volume(cohort / row["pet"]), read_volume(cohort / row["mask"])
        assert (pet.array.dtype, mask.array.dtype) == (np.float32, np.uint8)
        assert pet.grid.matches(grid)
        assert mask.grid.matches(grid)
        np.testing.assert_allclose(pet.array, stack_pet(plan, grid).array, atol=0.51 * STEP_SUV)
        np.testing.assert_array_equal(mask.array, stack_mask(plan, grid).array)
        assert mask.array.any()
        for name in (row["pet"], row["mask"]):
            image = nib.load(cohort / name)
            assert image.header["descrip"].item().decode() == DESCRIPTION
            assert image.shape == grid.shape_zyx[::-1]
            np.testing.assert_allclose(image.get_fdata().T, read_volume(cohort / name).array, rtol=1e-6)


def test_the_same_call_writes_the_same_bytes_with_any_number_of_workers(tmp_path, cohort):
    time.sleep(1.1)  # a header could hold the time
    again = write_turku(tmp_path / "again", 6, 3, coarse=COARSE, workers=2)
    assert files(again) == files(cohort)
    for name in files(again):
        assert (again / name).read_bytes() == (cohort / name).read_bytes(), name


def test_what_was_lost_comes_back_and_the_rest_stays(tmp_path, cohort):
    root = tmp_path / "raw"
    shutil.copytree(cohort, root)
    people = root / "positiiviset"
    lost = [people / "12/12_maskit.hdr", people / "67/67_nifti_pet/67_nifti_pet.img", root / "cases.csv"]
    for path in lost:
        path.unlink()
    again = {*lost, people / "12/12_maskit.img", people / "67/67_nifti_pet/67_nifti_pet.hdr"}  # the other halves
    kept = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file() and path not in again}
    told = []
    write_turku(root, 6, 3, coarse=COARSE, progress=lambda *counts: told.append(counts))
    assert told == [(5, 6), (6, 6)]
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in kept.items())
    for path in again:
        assert path.read_bytes() == (cohort / path.relative_to(root)).read_bytes()


def test_a_killed_call_leaves_no_table_and_goes_on(tmp_path, cohort):
    def die(done, total):
        raise KeyboardInterrupt

    root = tmp_path / "raw"
    with pytest.raises(KeyboardInterrupt):
        write_turku(root, 2, 3, coarse=COARSE, progress=die)
    assert is_phantom(root)
    assert len(files(root)) == 5  # marker and first patient, no table
    assert files(write_turku(root, 2, 3, coarse=COARSE)) == [
        name for name in files(cohort) if name.startswith(("positiiviset/2_", "positiiviset/12", MARKER, "cases.csv"))
    ]


def test_a_finished_cohort_is_left_alone(cohort, monkeypatch):
    monkeypatch.setattr(turku, "write_phantom_pair", lambda *_: pytest.fail("wrote again"))
    monkeypatch.setattr(turku, "write_table", lambda *_: pytest.fail("wrote again"))
    write_turku(cohort, 6, 3, coarse=COARSE)


def test_another_phantom_is_refused(cohort):
    with pytest.raises(ValueError, match=r"another phantom \(different: coarse\)"):
        write_turku(cohort, 6, 3, coarse=4.0)


@pytest.mark.parametrize("wrong", [(0, 0), (101, 0), (4, 1)])
def test_impossible_cohorts_leave_nothing_behind(tmp_path, wrong):
    patients, tested = wrong
    with pytest.raises(ValueError, match="1 to 100 patients, for whom there are numbers, and no testing part"):
        write_turku(tmp_path / "raw", patients, 0, tested)
    assert not (tmp_path / "raw").exists()


def test_a_hundred_patients_have_a_hundred_numbers_and_eleven_no_tumour():
    numbers = [patient_number(place) for place in range(100)]
    assert len(set(numbers)) == 100
    assert (min(numbers), max(numbers)) == (2, 108)
    assert sum(is_healthy(place) for place in range(100)) == 11
    assert len({path(n) for n in numbers for path in (pet_path, mask_path)}) == 200
