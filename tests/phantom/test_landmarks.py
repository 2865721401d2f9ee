import numpy as np
import pytest

from hnseg.phantom.landmarks import write_landmarks
from hnseg.phantom.patient import make_patient


@pytest.fixture(scope="module")
def patient():
    return make_patient(2, 1, "CHUP", (3.0, 2.5, 2.5))


@pytest.fixture(scope="module")
def written(patient, tmp_path_factory):
    path = tmp_path_factory.mktemp("landmarks") / "Landmarks_0001.fcsv"
    write_landmarks(patient.plan.pose, path)
    return path.read_text().splitlines()


@pytest.fixture(scope="module")
def lps_mm(written):
    """Name to position, read as 3D Slicer reads RAS."""
    rows = [line.split(",") for line in written[3:]]
    return {row[11]: np.array([-float(row[1]), -float(row[2]), float(row[3])]) for row in rows}


def away_mm(patient, organ, point):
    """From the nearest voxel of an organ."""
    voxels = patient.ct_grid.to_lps_mm(np.argwhere(patient.organs[organ]))
    return np.linalg.norm(voxels - point, axis=1).min()


def test_the_file_is_what_slicer_writes(written):
    assert written[1] == "# CoordinateSystem = 0"
    assert [line.split(",")[11] for line in written[3:]] == ["chin", "mand_r", "mand_l", "odont_proc", "occ_bone"]
    assert all(len(line.split(",")) == 14 for line in written[3:])
    assert all("not a patient" in line for line in written[3:])


@pytest.mark.parametrize(
    ("name", "organ"),
    [("chin", "Mandible"), ("mand_l", "Mandible"), ("mand_r", "Mandible"), ("odont_proc", "Vertebrae"),
     ("occ_bone", "Skull")],
)  # fmt: skip
def test_landmarks_lie_on_their_bones(patient, lps_mm, name, organ):
    assert away_mm(patient, organ, lps_mm[name]) < 4.0


def test_landmarks_are_at_the_ends_of_their_bones(patient, lps_mm):
    mandible = patient.ct_grid.to_lps_mm(np.argwhere(patient.organs["Mandible"]))
    left = mandible[:, 0] > lps_mm["chin"][0]
    assert lps_mm["chin"][1] == pytest.approx(mandible[:, 1].min(), abs=4)
    assert lps_mm["mand_l"][2] == pytest.approx(mandible[left, 2].max(), abs=4)
    assert lps_mm["mand_r"][2] == pytest.approx(mandible[~left, 2].max(), abs=4)
    assert lps_mm["mand_l"][0] - lps_mm["mand_r"][0] > 80
    skull = patient.ct_grid.to_lps_mm(np.argwhere(patient.organs["Skull"]))
    level = np.abs(skull[:, 2] - lps_mm["occ_bone"][2]) < 4
    assert lps_mm["occ_bone"][1] == pytest.approx(skull[level, 1].max(), abs=5)
