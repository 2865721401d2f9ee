import numpy as np
import pytest

from hnseg.phantom.clinical import n_stage, stage_group, t_stage
from hnseg.phantom.lesions import Lesion
from hnseg.phantom.noise import SmoothNoise, generator

NOISE = SmoothNoise.draw(generator(0, 0, "lesions"), 10.0)


def lesion(diameter_mm, place="level II left", name="GTVn"):
    radius = diameter_mm / 2
    return Lesion(name, place, (0, 0, 0), (radius, radius, radius), np.eye(3), 5.0, 0.0, NOISE, NOISE)


@pytest.mark.parametrize(("diameter", "stage"), [(15, "T1"), (25, "T2"), (45, "T3"), (65, "T4")])
def test_t_stage_follows_the_diameter(diameter, stage):
    assert t_stage(lesion(diameter, "tonsil left", "GTVp")) == stage


@pytest.mark.parametrize(
    ("nodes", "stage"),
    [
        ([], "N0"),
        ([lesion(20)], "N1"),
        ([lesion(40)], "N2a"),
        ([lesion(20), lesion(15)], "N2b"),
        ([lesion(20), lesion(15, "level III right")], "N2c"),
        ([lesion(70)], "N3"),
    ],
)
def test_n_stage_follows_number_side_and_size(nodes, stage):
    assert n_stage(nodes, lesion(30, "tonsil left", "GTVp")) == stage


@pytest.mark.parametrize(
    ("t", "n", "distant", "group"),
    [("T1", "N0", False, "Stage I"), ("T2", "N0", False, "Stage II"), ("T2", "N1", False, "Stage III"),
     ("T1", "N2b", False, "Stage IVA"), ("T4", "N0", False, "Stage IVA"), ("T1", "N3", False, "Stage IVB"),
     ("T1", "N0", True, "Stage IVC")],
)  # fmt: skip
def test_stage_groups(t, n, distant, group):
    assert stage_group(t, n, distant) == group
