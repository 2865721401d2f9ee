import numpy as np
import pytest

from hnseg.phantom.dose import PRESCRIBED_GY, planned_dose


def test_the_dose_covers_the_target_and_falls_off(patients):
    patient = patients[0]
    dose = planned_dose(patient)
    target = (patient.gtvp.array | patient.gtvn.array) > 0
    body = patient.organs["Body"]
    assert dose.grid.matches(patient.ct_grid)
    assert dose.array[target].min() == pytest.approx(PRESCRIBED_GY)
    assert dose.array[~body].max() == 0
    assert 0 < dose.array[patient.organs["Brain"]].mean() < 0.5 * PRESCRIBED_GY
    assert np.isfinite(dose.array).all()
