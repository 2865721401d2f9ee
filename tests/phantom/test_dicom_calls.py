"""Calls that end early or never begin."""

import pickle

import pytest

from hnseg.io.phantom_marker import is_phantom
from hnseg.phantom import dicom
from hnseg.phantom.dicom import write_dicom


def test_a_killed_call_leaves_no_table(tmp_path):
    def die(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dicom(tmp_path / "raw", 2, 3, coarse=8.0, progress=die)
    assert is_phantom(tmp_path / "raw" / "DICOM")
    assert not (tmp_path / "raw/truth.csv").exists()
    assert not (tmp_path / "raw/truth/case-002").exists()


def test_patients_can_be_written_by_other_processes(tmp_path):
    job = dicom._Job(tmp_path, 3, 8.0, 1)
    assert job.study.patient_id
    assert pickle.loads(pickle.dumps(job)) == job


@pytest.mark.parametrize("wrong", [(0, 0), (2, 1)])
def test_impossible_cohorts_leave_nothing_behind(tmp_path, wrong):
    patients, tested = wrong
    with pytest.raises(ValueError, match="at least 1 patient and no testing part"):
        write_dicom(tmp_path / "raw", patients, 0, tested)
    assert not (tmp_path / "raw").exists()
