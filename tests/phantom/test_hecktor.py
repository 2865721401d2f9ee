import csv
import json
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from hnseg.io.phantom_marker import MARKER, is_phantom
from hnseg.io.volume import read_volume
from hnseg.phantom import hecktor
from hnseg.phantom.cohort import members
from hnseg.phantom.hecktor import write_hecktor

COARSE = 4.0
LAYOUTS = {
    2020: [
        "hecktor_train/hecktor_nii/CHGJ001/CHGJ001_ct.nii.gz", "hecktor_train/hecktor_nii/CHGJ001/CHGJ001_pt.nii.gz",
        "hecktor_train/hecktor_nii/CHGJ001/CHGJ001_ct_gtvt.nii.gz", "hecktor_train/bbox.csv",
        "hecktor_test/hecktor_nii_test/CHUV001/CHUV001_ct.nii.gz",
        "hecktor_test/hecktor_nii_test/CHUV001/CHUV001_pt.nii.gz", "hecktor_test/bbox_test.csv",
    ],
    2021: [
        "hecktor_nii/CHGJ001_ct.nii.gz", "hecktor_nii/CHGJ001_pt.nii.gz", "hecktor_nii/CHGJ001_gtvt.nii.gz",
        "hecktor_nii_test/CHUP001_ct.nii.gz", "hecktor_nii_test/CHUP001_pt.nii.gz", "hecktor2021_bbox_training.csv",
        "hecktor2021_bbox_testing.csv", "hecktor2021_patient_info_training.csv",
        "hecktor2021_patient_info_testing.csv", "hecktor2021_patient_endpoint_training.csv", "phantom_hazard.csv",
    ],
    2022: [
        "hecktor2022_training/imagesTr/MDA-001__CT.nii.gz", "hecktor2022_training/imagesTr/MDA-001__PT.nii.gz",
        "hecktor2022_training/labelsTr/MDA-001.nii.gz", "hecktor2022_testing/imagesTs/MDA-002__CT.nii.gz",
        "hecktor2022_testing/imagesTs/MDA-002__PT.nii.gz", "hecktor2022_clinical_info_training.csv",
        "hecktor2022_clinical_info_testing.csv", "hecktor2022_endpoint_training.csv", "phantom_hazard.csv",
    ],
    2025: [
        *(f"hecktor2025_training/Task 1/MDA-001/MDA-001{end}.nii.gz" for end in ("", "__CT", "__PT")),
        *(f"hecktor2025_training/Task 2/MDA-001/MDA-001__{n}.nii.gz" for n in ("CT", "PT", "CTPlanning", "RTDOSE")),
        *(f"hecktor2025_training/Task 3/MDA-001/MDA-001__{n}.nii.gz" for n in ("CT", "PT")),
        *(f"hecktor2025_training/Task {i}/HECKTOR_2025_Training_Task_{i}.csv" for i in (1, 2, 3)),
        "phantom_hazard.csv",
    ],
}  # fmt: skip
COLUMNS = {
    "bbox_training": "PatientID,x1,x2,y1,y2,z1,z2",
    "info_2021": 'PatientID,CenterID,"Gender (1=M,0=F)",Age,TNM edition,T-stage,N-stage,M-stage,TNM group,'
    '"HPV status (0=-, 1=+)",Performance status,Tobacco,Alcohol,Chemotherapy,Estimated weight (kg) for SUV',
    "info_2022": "PatientID,Task 1,Task 2,CenterID,Gender,Age,Weight,Tobacco,Alcohol,Performance status,"
    '"HPV status (0=-, 1=+)",Surgery,Chemotherapy',
}


def files(root):
    return sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file())


def rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cohort_2021(tmp_path_factory):
    return write_hecktor(tmp_path_factory.mktemp("phantom") / "h", 2021, 4, 3, test_patients=1, coarse=COARSE)


@pytest.mark.parametrize("year", LAYOUTS)
def test_file_names_of_each_edition(tmp_path, year):
    root = write_hecktor(tmp_path / "raw", year, 1, 0, test_patients=0 if year == 2025 else 1, coarse=6.0)
    assert files(root) == sorted([*LAYOUTS[year], MARKER])


def test_the_same_call_writes_the_same_bytes(tmp_path, cohort_2021):
    time.sleep(1.1)  # gzip headers count seconds
    again = write_hecktor(tmp_path / "again", 2021, 4, 3, test_patients=1, coarse=COARSE)
    assert files(again) == files(cohort_2021)
    for name in files(again):
        assert (again / name).read_bytes() == (cohort_2021 / name).read_bytes(), name


def test_what_was_killed_goes_on_and_what_is_there_stays(tmp_path, cohort_2021):
    root = tmp_path / "raw"
    told = []

    def die(done, total):
        told.append((done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_hecktor(root, 2021, 4, 3, test_patients=1, coarse=COARSE, progress=die)
    assert told == [(1, 5), (2, 5)]
    assert is_phantom(root)
    kept = {path: path.stat().st_mtime_ns for path in root.rglob("*.nii.gz")}
    assert len(kept) == 6
    next(iter(kept)).unlink()  # one file of a patient is lost: it comes back, the others stay

    write_hecktor(root, 2021, 4, 3, test_patients=1, coarse=COARSE)
    for name in files(cohort_2021):
        assert (root / name).read_bytes() == (cohort_2021 / name).read_bytes(), name
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in list(kept.items())[1:])


def test_a_finished_cohort_is_left_alone_and_quickly(cohort_2021, monkeypatch):
    monkeypatch.setattr(hecktor, "write_phantom_nifti", lambda *_: pytest.fail("wrote again"))
    monkeypatch.setattr(hecktor, "write_table", lambda *_: pytest.fail("wrote again"))
    write_hecktor(cohort_2021, 2021, 4, 3, test_patients=1, coarse=COARSE)


def test_the_progress_bar_is_drawn_when_asked_for(tmp_path, capsys):
    write_hecktor(tmp_path / "quiet", 2020, 1, 0, coarse=8.0)
    assert capsys.readouterr().out == ""
    write_hecktor(tmp_path / "told", 2020, 1, 0, coarse=8.0, progress=True)
    assert "phantom patients" in capsys.readouterr().out


def test_workers_write_the_same(tmp_path, cohort_2021):
    root = write_hecktor(tmp_path / "two", 2021, 4, 3, test_patients=1, coarse=COARSE, workers=2)
    for name in files(cohort_2021):
        assert (root / name).read_bytes() == (cohort_2021 / name).read_bytes(), name


def test_another_phantom_or_foreign_files_are_not_written_over(tmp_path, cohort_2021):
    with pytest.raises(ValueError, match=r"different: seed.*choose another folder .data.root=DIR"):
        write_hecktor(cohort_2021, 2021, 4, 4, test_patients=1, coarse=COARSE)
    (tmp_path / "patients.csv").write_text("x")
    with pytest.raises(ValueError, match="not a phantom"):
        write_hecktor(tmp_path, 2021, 1, 0, coarse=COARSE)
    assert files(tmp_path) == ["patients.csv"]


def test_the_marker_says_what_this_is(cohort_2021):
    marker = json.loads((cohort_2021 / MARKER).read_text())
    assert "not patients" in marker["what"]
    assert (marker["seed"], marker["layout"], marker["patients"]) == (3, "hecktor2021", 4)
    assert is_phantom(cohort_2021 / "hecktor_nii" / "CHGJ001_ct.nii.gz")
    assert not is_phantom(Path(__file__).parent)


def test_images_read_back_where_they_were_made(cohort_2021):
    """Through hnseg's own reader and through nibabel, for straight, oblique and flipped scans."""
    for member in members(2021, 4)[0]:
        patient = member.make(3, COARSE)
        for ending, made in (("ct", patient.ct), ("pt", patient.pet), ("gtvt", patient.gtvp)):
            path = cohort_2021 / "hecktor_nii" / f"{member.case_id}_{ending}.nii.gz"
            image = nib.load(path)
            assert image.header["descrip"].item() == b"hnseg phantom, not a patient"
            np.testing.assert_allclose(image.get_sform(), image.get_qform(), atol=1e-3)
            corner = np.array(made.grid.shape_zyx)[::-1] - 1
            ras = image.affine[:3, :3] @ corner + image.affine[:3, 3]
            np.testing.assert_allclose(ras * (-1, -1, 1), made.grid.to_lps_mm(corner[::-1]), atol=0.01)
            read = read_volume(path)
            points = read.grid.to_index_zyx(made.grid.to_lps_mm(np.array([[1, 2, 3], [4, 9, 5]])))
            values = [read.array[tuple(np.round(p).astype(int))] for p in points]
            assert values == [made.array[1, 2, 3], made.array[4, 9, 5]]


def test_masks_mean_what_the_edition_says(tmp_path, cohort_2021):
    mask = nib.load(cohort_2021 / "hecktor_nii" / "CHGJ001_gtvt.nii.gz")
    assert mask.get_data_dtype() == np.uint8
    assert set(np.unique(mask.dataobj)) == {0, 1}
    root = write_hecktor(tmp_path / "raw", 2022, 3, 1, coarse=3.0)
    values = [set(np.unique(nib.load(p).dataobj)) for p in sorted((root / "hecktor2022_training/labelsTr").iterdir())]
    assert all(1 in v for v in values)
    assert {0, 1, 2} in values


def test_tables_have_the_real_columns_and_gaps(tmp_path, cohort_2021):
    def head(name):
        return (cohort_2021 / name).read_text().splitlines()[0]

    assert head("hecktor2021_bbox_training.csv") == COLUMNS["bbox_training"]
    assert head("hecktor2021_patient_info_training.csv") == COLUMNS["info_2021"]
    assert head("hecktor2021_patient_endpoint_training.csv") == "PatientID,Progression,Progression free survival"
    info = rows(cohort_2021 / "hecktor2021_patient_info_training.csv")
    assert [r["PatientID"] for r in info] == [m.case_id for m in members(2021, 4)[0]]
    assert any(value == "" for row in info for value in row.values())
    root = write_hecktor(tmp_path / "raw", 2022, 1, 1, coarse=6.0)
    assert (root / "hecktor2022_clinical_info_training.csv").read_text().splitlines()[0] == COLUMNS["info_2022"]
    assert (root / "hecktor2022_endpoint_training.csv").read_text().splitlines()[0] == "PatientID,Relapse,RFS"


def test_written_boxes_hold_the_written_primary(cohort_2021):
    for row in rows(cohort_2021 / "hecktor2021_bbox_training.csv"):
        mask = read_volume(cohort_2021 / "hecktor_nii" / f"{row['PatientID']}_gtvt.nii.gz")
        tumour = mask.grid.to_lps_mm(np.argwhere(mask.array))
        low, high = (np.array([float(row[f"{a}{i}"]) for a in "xyz"]) for i in (1, 2))
        assert ((tumour > low) & (tumour < high)).all()


@pytest.mark.parametrize("wrong", [{"coarse": 0.0}, {"workers": 0}, {"seed": -1}])
def test_impossible_numbers_are_refused(tmp_path, wrong):
    with pytest.raises(ValueError, match="coarse"):
        write_hecktor(tmp_path / "raw", 2020, 1, **{"seed": 0, **wrong})
    assert not (tmp_path / "raw").exists()


def test_a_coarse_patient_is_quick(tmp_path):
    start = time.process_time()
    write_hecktor(tmp_path / "raw", 2020, 4, 0, coarse=3.0)
    assert (time.process_time() - start) / 4 < 1.5  # about 0.3 s of processor time where it was measured
