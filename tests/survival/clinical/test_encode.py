import numpy as np
import pytest

from hnseg.survival.clinical import ClinicalRecord, ClinicalTable, encode, feature_names
from hnseg.survival.clinical.variables import VARIABLES

FULL = ClinicalRecord(
    "A", "CHUM", age=61.5, weight_kg=80, gender="male", tobacco=True, alcohol=False, performance_status=2, hpv=False,
    surgery=False, chemotherapy=True, tnm_edition=7, t_stage="T3", n_stage="N2b", m_stage="M0", tnm_group="IVA",
    site="oropharynx",
)  # fmt: skip
ALL = tuple(VARIABLES)


def row(variables=ALL, **known):
    return encode(ClinicalTable((ClinicalRecord("P", **known),), tuple(variables))).loc["P"]


def stages(**known):
    """t, n, group as lists of their columns."""
    found = row(**known)
    return [[found[f"{name}_from_{level}"] for level in levels]
            for name, levels in (("t_stage", (2, 3, 4)), ("n_stage", (1, 2, 3)), ("tnm_group", (2, 3, 4)))]  # fmt: skip


def test_a_patient_by_hand():
    found = encode(ClinicalTable((FULL,), ALL))
    assert found.loc["A"].to_dict() == {
        "age": 61.5, "weight_kg": 80, "gender_male": 1, "tobacco": 1, "alcohol": 0, "performance_status": 2,
        "hpv_positive": 0, "surgery": 0, "chemotherapy": 1, "tnm_edition_8": 0,
        "t_stage_from_2": 1, "t_stage_from_3": 1, "t_stage_from_4": 0,
        "n_stage_from_1": 1, "n_stage_from_2": 1, "n_stage_from_3": 0, "m_stage_1": 0,
        "tnm_group_from_2": 1, "tnm_group_from_3": 1, "tnm_group_from_4": 1,
    }  # fmt: skip
    assert set(found.dtypes) == {np.dtype(float)}


def test_what_is_not_known_is_nan_in_every_column_and_never_zero():
    assert row().isna().all()
    for variable in ALL:
        known = {name: getattr(FULL, name) for name in ALL if name != variable}
        lost = row(**known).isna()
        assert set(lost.index[lost]) == set(feature_names([variable])), variable


def test_columns_follow_from_variables_not_from_rows():
    names = feature_names(ALL)
    for records in ((FULL,), (ClinicalRecord("B"),), (FULL, ClinicalRecord("B", t_stage="T1")), ()):
        found = encode(ClinicalTable(records, ALL))
        assert list(found.columns) == names
        assert len(found) == len(records)
    assert list(encode(ClinicalTable((FULL,), ("hpv", "age"))).columns) == ["age", "hpv_positive"]


def test_names_hospital_and_site_are_no_features():
    other = ClinicalRecord("Z", "USZ", **{name: getattr(FULL, name) for name in ALL if name != "site"}, site=None)
    both = encode(ClinicalTable((FULL, other), ALL))
    assert both.loc["A"].equals(both.loc["Z"])
    assert not any("site" in name or "centre" in name for name in both.columns)


@pytest.mark.parametrize(("t", "coded"), [("Tis", [0, 0, 0]), ("T1", [0, 0, 0]), ("T2", [1, 0, 0]), ("T4b", [1, 1, 1])])
def test_stages_are_coded_cumulatively(t, coded):
    assert stages(t_stage=t)[0] == coded


def test_the_coding_spans_one_hot_columns_without_the_first_level():
    found = np.array([stages(tnm_edition=7, t_stage=f"T{t}", n_stage=f"N{t - 1}")[0] for t in (1, 2, 3, 4)])
    one_hot = np.eye(4)[:, 1:]
    together = np.hstack([np.ones((4, 1)), found])
    residual = one_hot - together @ np.linalg.lstsq(together, one_hot, rcond=None)[0]
    np.testing.assert_allclose(residual, 0, atol=1e-12)


def test_edition_8_of_the_hpv_positive_is_brought_to_edition_7_as_far_as_it_goes():
    """T2 N1 M0, stage I of edition 8 with HPV: N1, N2a or N2b of edition 7, and so III or IVA."""
    _, n, group = stages(tnm_edition=8, hpv=True, t_stage="T2", n_stage="N1", m_stage="M0", tnm_group="I")
    assert n[0] == 1
    assert np.isnan(n[1])
    assert n[2] == 0
    assert group[:2] == [1, 1]
    assert np.isnan(group[2])


@pytest.mark.parametrize(
    ("known", "group"),
    [
        (
            {"tnm_edition": 8, "hpv": True, "t_stage": "T2", "n_stage": "N2", "m_stage": "M0", "tnm_group": "II"},
            [1, 1, 1],
        ),
        ({"tnm_edition": 8, "hpv": True, "t_stage": "T1", "n_stage": "N0", "tnm_group": "I"}, [0, 0, 0]),
        ({"tnm_edition": 8, "hpv": True, "tnm_group": "IV"}, [1, 1, 1]),  # there only M1 is IV
        ({"tnm_edition": 7, "hpv": True, "t_stage": "T2", "n_stage": "N1", "tnm_group": "III"}, [1, 1, 0]),
        ({"tnm_edition": 8, "hpv": False, "t_stage": "T2", "n_stage": "N1", "tnm_group": "III"}, [1, 1, 0]),
        ({"tnm_edition": 8, "n_stage": "N3b", "tnm_group": "IVB"}, [1, 1, 1]),  # the scale with HPV has no b
        ({"tnm_edition": 8, "hpv": True, "site": "larynx", "tnm_group": "II"}, [1, 0, 0]),
    ],
)
def test_groups_on_the_scale_of_edition_7(known, group):
    assert stages(**known)[2] == group


def test_a_group_alone_of_the_other_scale_says_nothing_on_ours():
    assert np.isnan(stages(tnm_edition=8, hpv=True, tnm_group="I")[2]).all()
