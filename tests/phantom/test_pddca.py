import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

import hnseg
from hnseg.io.phantom_marker import MARKER, is_phantom
from hnseg.io.volume import read_volume
from hnseg.phantom import make_patient, write_pddca
from hnseg.phantom.pddca import ORGANS, SCANNERS, TEST, TRAINING, VALIDATION, missing_organs, training_number

COARSE = 4.0


def files(root):
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return write_pddca(tmp_path_factory.mktemp("pddca") / "raw", 4, 3, test_patients=1, coarse=COARSE)


def test_files_of_training_and_testing_patients(cohort):
    def patient(number, organs, landmarks):
        made = [f"0522c{number}/img.nrrd", *(f"0522c{number}/structures/{name}.nrrd" for name in organs)]
        return [*made, f"0522c{number}/Landmarks_{number}.fcsv"] if landmarks else made

    assert files(cohort) == sorted([
        *patient("0001", ORGANS, True),
        *patient("0014", ORGANS, True),
        *patient("0002", ORGANS[:8], True),  # no right submandibular gland
        *patient("0003", [name for name in ORGANS if name != "Mandible"], True),
        *patient("0555", ORGANS, False),
        MARKER,
    ])  # fmt: skip
    assert is_phantom(cohort / "0522c0001" / "img.nrrd")
    assert json.loads((cohort / MARKER).read_text())["layout"] == "pddca"


def test_files_hold_what_was_painted(cohort):
    for folder, index, scanner in (("0522c0014", 1, 1), ("0522c0555", 100_000, 0)):
        z, y, x = (COARSE * mm for mm in SCANNERS[scanner].ct_spacing_mm)
        patient = make_patient(3, index, SCANNERS[scanner], (z, y, x))
        image = read_volume(cohort / folder / "img.nrrd")
        assert image.array.dtype == np.int16
        np.testing.assert_array_equal(image.array, patient.ct.array)
        assert image.grid.matches(patient.ct_grid)
        for name in ORGANS:
            mask = read_volume(cohort / folder / "structures" / f"{name}.nrrd")
            assert mask.array.dtype == np.uint8
            assert mask.grid.matches(image.grid)
            np.testing.assert_array_equal(mask.array, patient.organs[name].astype(np.uint8))


def test_every_organ_has_voxels_where_they_are_largest():
    patient = make_patient(1, 2, max(SCANNERS, key=lambda scanner: np.prod(scanner.ct_spacing_mm)))
    assert all(patient.organs[name].sum() > 30 for name in ORGANS)


@pytest.mark.parametrize("scanner", SCANNERS, ids=lambda scanner: scanner.code)
def test_every_organ_is_whole(scanner):
    z, y, x = (2 * mm for mm in scanner.ct_spacing_mm)
    patient = make_patient(1, 2, scanner, (z, y, x))
    for name in ORGANS:
        mask = patient.organs[name]
        for axis in range(3):
            assert not np.take(mask, [0, -1], axis=axis).any(), name


def test_the_same_call_writes_the_same_bytes_with_any_number_of_workers(tmp_path, cohort):
    time.sleep(1.1)  # gzip headers count seconds
    again = write_pddca(tmp_path / "again", 4, 3, test_patients=1, coarse=COARSE, workers=2)
    assert files(again) == files(cohort)
    for name in files(again):
        assert (again / name).read_bytes() == (cohort / name).read_bytes(), name


def test_what_was_lost_comes_back_and_the_rest_stays(tmp_path, cohort):
    root = tmp_path / "raw"
    shutil.copytree(cohort, root)
    lost = [root / "0522c0002" / name for name in ("img.nrrd", "structures/Chiasm.nrrd", "Landmarks_0002.fcsv")]
    for path in lost:
        path.unlink()
    kept = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    told = []
    write_pddca(root, 4, 3, test_patients=1, coarse=COARSE, progress=lambda *counts: told.append(counts))
    assert told == [(5, 5)]
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in kept.items())
    for path in lost:
        assert path.read_bytes() == (cohort / path.relative_to(root)).read_bytes()


def test_names_are_those_of_the_published_lists():
    published = json.loads((Path(hnseg.__file__).parent / "data/published/pddca_jain2020.json").read_text())
    for part, numbers in (("train", TRAINING), ("val", VALIDATION), ("test", TEST)):
        assert published[part] == [f"0522c{number:04d}" for number in numbers]
    numbers = [training_number(place) for place in range(33)]
    assert sorted(numbers) == sorted([*TRAINING, *VALIDATION])


@pytest.mark.parametrize("patients", range(2, 34))
def test_small_cohorts_have_patients_on_both_lists(patients):
    numbers = {training_number(place) for place in range(patients)}
    assert len(numbers & set(VALIDATION)) == (patients + 2) // 4


def test_as_many_organs_are_missing_as_in_the_real_data():
    annotated = {name: sum(name not in missing_organs(place) for place in range(25)) for name in ORGANS}
    assert annotated == {**dict.fromkeys(ORGANS, 25), "Mandible": 20, "Submandibular_L": 20, "Submandibular_R": 18}
    assert not missing_organs(0)
    assert not missing_organs(1)


@pytest.mark.parametrize("wrong", [(0, 0), (34, 0), (1, 16), (1, -1)])
def test_there_are_no_more_patients_than_names(tmp_path, wrong):
    patients, tested = wrong
    with pytest.raises(ValueError, match="1 to 33 training patients and up to 15 testing patients"):
        write_pddca(tmp_path / "raw", patients, 0, tested)
    assert not (tmp_path / "raw").exists()
