"""The public tables, whole: every cell of every patient is understood, and sums are those of the files' columns."""

import csv
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from hnseg.survival.clinical import encode, match, read_clinical, read_endpoint, read_mapping

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        "HNSEG_REAL_DATA" not in os.environ, reason="HNSEG_REAL_DATA names no folder with clinical/*.csv"
    ),
]
FOLDER = Path(os.environ.get("HNSEG_REAL_DATA", "")) / "clinical"
FILES = {
    "head_neck_pet_ct": "head_neck_pet_ct_clinical.csv",
    "hnscc_mdacc": "hnscc_mdacc_clinical.csv",
    "synthetic_hn": "synthetic_hn_150.csv",
}


def raw(name):
    with (FOLDER / FILES[name]).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=";" if name == "head_neck_pet_ct" else ","))


def read(name):
    return read_clinical(FOLDER / FILES[name], read_mapping(name))


@pytest.mark.parametrize(
    ("name", "endpoint", "patients", "events"),
    [("head_neck_pet_ct", "overall_survival", 298, 56), ("head_neck_pet_ct", "locoregional_failure", 298, 43),
     ("head_neck_pet_ct", "distant_failure", 296, 38), ("hnscc_mdacc", "overall_survival", 156, 43),
     ("hnscc_mdacc", "disease_specific_survival", 156, 27), ("hnscc_mdacc", "recurrence_or_residual", 154, 38),
     ("synthetic_hn", "overall_survival", 149, 57)],
)  # fmt: skip
def test_every_endpoint(name, endpoint, patients, events):
    found = read_endpoint(FOLDER / FILES[name], read_mapping(name), endpoint)
    assert (len(found.outcome), int(found.outcome.event.sum())) == (patients, events)
    both = match(read(name), found)
    assert both.table.patients == both.outcome.patients == found.outcome.patients
    assert len(found.outcome) + len(both.left_out) == len(raw(name))


def test_the_endpoints_time_is_its_own_where_it_happened():
    outcome = read_endpoint(
        FOLDER / FILES["head_neck_pet_ct"], read_mapping("head_neck_pet_ct"), "locoregional_failure"
    ).outcome
    rows = {row["id"]: row for row in raw("head_neck_pet_ct")}
    for patient, event, days in zip(outcome.patients, outcome.event, outcome.time_days, strict=True):
        column = "Time - diagnosis to LR (days)" if event else "Time - diagnosis to last follow-up(days)"
        assert days == float(rows[patient][column])


def test_the_two_distant_failures_without_time_are_left_out_by_name():
    found = read_endpoint(FOLDER / FILES["head_neck_pet_ct"], read_mapping("head_neck_pet_ct"), "distant_failure")
    assert [failure.case_id for failure in found.left_out] == ["HN-HGJ-021", "HN-HGJ-086"]


def test_head_neck_pet_ct_by_its_columns():
    table = read("head_neck_pet_ct")
    rows = raw("head_neck_pet_ct")
    assert Counter(table.centres.values()) == {"CHUS": 101, "HGJ": 91, "CHUM": 65, "HMR": 41}
    assert Counter(record.hpv for record in table.records) == {None: 174, True: 78, False: 46}
    assert sum(record.gender == "male" for record in table.records) == sum(row["sex"] in "Mm" for row in rows)
    assert sum(record.surgery is None for record in table.records) == 207
    assert sum(record.chemotherapy is True for record in table.records) == 250
    assert Counter(record.t_stage for record in table.records)[None] == 10  # Tx
    groups = Counter(record.tnm_group for record in table.records)
    assert groups == {"IVA": 130, "III": 61, "IV": 57, "II": 27, "IVB": 17, "I": 4, None: 2}
    nasopharynx = [record for record in table.records if record.n_stage == "N3b"]
    assert [record.site for record in nasopharynx] == ["nasopharynx"] * 3  # where edition 7 has N3b


def test_a_days_and_a_months_column_agree():
    """Survival (months) of this table counts from the start of radiotherapy, in months of 30 days."""
    outcome = read_endpoint(
        FOLDER / FILES["hnscc_mdacc"], read_mapping("hnscc_mdacc"), "recurrence_or_residual"
    ).outcome
    months = {row["TCIA code"]: row["Disease-free interval (months)"] for row in raw("hnscc_mdacc")}
    np.testing.assert_allclose(outcome.time_days, [30 * float(months[patient]) for patient in outcome.patients])


def test_features_of_one_hospital_for_a_model_of_another():
    wanted = list(encode(read("head_neck_pet_ct")).columns)
    found = encode(read("synthetic_hn"))
    assert [name for name in wanted if name not in found] == [
        "surgery",
        "chemotherapy",
        "tnm_edition_8",
        "tnm_group_from_2",
        "tnm_group_from_3",
        "tnm_group_from_4",
    ]
    assert found["age"].notna().all()
    shared = encode(read("hnscc_mdacc"))[[name for name in wanted if name != "surgery"]]
    assert shared.notna().mean().min() > 0.2


def test_unknown_cells_are_nan_and_the_rest_are_numbers():
    for name in FILES:
        features, table = encode(read(name)), read(name)
        hpv = np.array([record.hpv is None for record in table.records])
        np.testing.assert_array_equal(features["hpv_positive"].isna(), hpv)
        assert np.isfinite(features["age"]).all()
