"""Factors of real headers: extracts of four vendors with the factors of calculate-suv's own tests, and two series."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from hnseg.io.dicom.objects import PetTags, Series
from hnseg.io.dicom.suv import suv_factors, suv_notes
from hnseg.types import Grid
from tests.io.dicom.making import header_of, make_headers

ROOT = os.environ.get("HNSEG_REAL_DATA")
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not ROOT, reason="HNSEG_REAL_DATA does not name a folder with real scans"),
]
TEXTS = {
    "Units": "units",
    "DecayCorrection": "decay_correction",
    "RadiopharmaceuticalStartTime": "start_time",
    "RadiopharmaceuticalStartDateTime": "start_datetime",
    "SeriesDate": "series_date",
    "SeriesTime": "series_time",
    "AcquisitionDate": "acquisition_date",
    "AcquisitionTime": "acquisition_time",
}
NUMBERS = {
    "PatientWeight": "weight_kg",
    "RadionuclideTotalDose": "total_dose_bq",
    "RadionuclideHalfLife": "half_life_s",
    "FrameReferenceTime": "frame_reference_time_ms",
    "ActualFrameDuration": "frame_duration_ms",
}
PHILIPS = {"SUVScaleFactor": "philips_suv_factor", "ActivityConcentrationScaleFactor": "philips_activity_factor"}


def pet_tags(extract):
    texts = {field: extract[name] for name, field in TEXTS.items() if name in extract}
    numbers = {field: float(extract[name]) for name, field in NUMBERS.items() if name in extract}
    philips = {field: float(extract["PhilipsPETPrivateGroup"][name]) for name, field in PHILIPS.items()
               if name in extract["PhilipsPETPrivateGroup"]}  # fmt: skip
    return PetTags(corrected_image=tuple(extract["CorrectedImage"]), **texts, **numbers, **philips)


def series(pets):
    grid = Grid((len(pets), 2, 2), (3.0, 4.0, 4.0))
    files = tuple(replace(header, pet=pet) for header, pet in zip(make_headers(grid, "pt"), pets, strict=True))
    return Series("pt", files, grid, np.zeros((len(pets), 2)))


def folder_series(name):
    datasets = [(pydicom.dcmread(path, stop_before_pixels=True), path) for path in sorted(name.rglob("*.dcm"))]
    pets = [header_of(dataset, path).pet for dataset, path in datasets if dataset.Modality == "PT"]
    assert pets, f"no PET below {name.name}"
    return series(pets)


def test_every_extract_gives_the_factor_that_is_expected_of_it():
    folder = Path(ROOT) / "suv_metadata"
    expected = json.loads((folder / "expected.json").read_text())["suvbw_factor"]
    assert len(expected) == 8
    for name, factor in expected.items():
        pets = [pet_tags(extract) for extract in json.loads((folder / f"{name}-instances.json").read_text())]
        np.testing.assert_allclose(suv_factors(series(pets)), factor, rtol=1e-9, err_msg=name)


def test_siemens_and_cps_extracts_hold_by_the_vendors_names_too():
    folder = Path(ROOT) / "suv_metadata"
    expected = json.loads((folder / "expected.json").read_text())["suvbw_factor"]
    vendors = {"SIEMENS": "SIEMENS", "BQML_AC_DT_lessThan_S_DT_SIEMENS": "SIEMENS", "CPS_AND_BQML_AC_DT_-_S_DT": "CPS"}
    for name, maker in vendors.items():
        extracts = json.loads((folder / f"{name}-instances.json").read_text())
        pets = [replace(pet_tags(extract), manufacturer=maker) for extract in extracts]
        np.testing.assert_allclose(suv_factors(series(pets)), expected[name], rtol=1e-9, err_msg=name)


def test_a_ge_series_in_becquerels_decays_from_injection_to_series_time():
    """71 kg, 388.777472 MBq, 45 min 11 s before the scan, half-life 6588 s."""
    found = folder_series(Path(ROOT) / "dicom" / "sts001_ge_fdg_pet")
    expected = 71e3 / (388_777_472 * 0.5 ** (2711 / 6588))
    assert suv_factors(found) == pytest.approx([expected] * len(found.files), rel=1e-12)
    assert suv_notes(found) == ()


def test_a_series_in_suv_is_taken_as_it_is_though_its_injection_is_dated_a_day_after_it():
    found = folder_series(Path(ROOT) / "dicom" / "sts002_ibsi" / "PET")
    assert suv_factors(found).tolist() == [1.0] * 48
    # its own header, were it in Bq/ml: 99 kg, 433.344096 MBq, 1 h 6 min 59 s before the scan by the clock
    pets = [replace(header.pet, units="BQML", decay_correction="START") for header in found.files]
    expected = 99e3 / (433_344_096 * 0.5 ** (4019 / 6588))
    assert suv_factors(series(pets)) == pytest.approx([expected] * 48, rel=1e-12)
    assert "does not fit the scan" in suv_notes(series(pets))[0]
