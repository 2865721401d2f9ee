from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from hnseg.phantom.centres import CENTRES
from hnseg.phantom.patient import make_patient
from hnseg.phantom.plan import plan_patient


def brain_by_the_rule(pet):
    """The organisers' brain on a PET: largest component above SUV 3 that the top third of slices shows."""
    parts, _ = ndimage.label(ndimage.gaussian_filter(pet.array, 3) > 3)
    seen = np.bincount(parts[2 * len(parts) // 3 :].ravel())
    seen[0] = 0
    return pet.grid.to_lps_mm(np.argwhere(parts == seen.argmax()))


@pytest.mark.parametrize("code", sorted(CENTRES))
def test_the_box_holds_the_primary_and_agrees_with_the_rule_on_the_pet(code):
    p = make_patient(11, 4, code, (6.0, 6.0, 6.0), (5.0, 5.0, 5.0))
    low, high = np.array(p.box.low_mm), np.array(p.box.high_mm)
    tumour = p.ct_grid.to_lps_mm(np.argwhere(p.gtvp.array))
    assert ((tumour > low) & (tumour < high)).all()
    assert (high - low <= 144.001).all()
    assert (high - low > 138).all()

    brain = brain_by_the_rule(p.pet)
    middle = (low + high) / 2
    assert middle[0] == pytest.approx(brain[:, 0].mean(), abs=10)
    assert middle[1] == pytest.approx(brain[:, 1].mean() - 30, abs=20)
    assert high[2] == pytest.approx(brain[:, 2].min() + 30, abs=18)


def test_the_box_moves_to_a_primary_that_the_rule_would_lose():
    plan = plan_patient(3, 0, "CHGJ")
    front = replace(plan.lesions[0], center=(10.0, -108.0, -60.0), radii_mm=(8.0, 8.0, 8.0))
    p = make_patient(3, 0, "CHGJ", (5.0, 5.0, 5.0))
    p = replace(p, plan=replace(plan, lesions=(front,)))
    tumour = p.ct_grid.to_lps_mm(np.argwhere(p.gtvp.array))
    assert len(tumour)
    assert (tumour > p.box.low_mm).all()


def test_the_box_stays_in_the_image_and_is_whole_voxels():
    p = make_patient(2, 1, "CHUS", (3.0, 2.5, 2.5))
    low, high = p.ct_grid.extent_mm
    assert (np.array(p.box.low_mm) >= low - 1e-3).all()
    assert (np.array(p.box.high_mm) <= high + 1e-3).all()
    size = np.subtract(p.box.high_mm, p.box.low_mm) / (2.5, 2.5, 3.0)
    np.testing.assert_allclose(size, np.round(size), atol=1e-3)
