"""70 kg, 350 MBq of F-18, one half-life (1 h 49 min 46.2 s) before the scan: 70 000 g / 175 MBq = 4e-4 g/Bq."""

from dataclasses import replace

import numpy as np
import pytest

from hnseg.io.dicom.nuclides import HALF_LIVES_S, is_pet_half_life
from hnseg.io.dicom.objects import PetTags, RefusedDicomError, Series
from hnseg.io.dicom.suv import suv_factor, suv_factors, suv_notes
from hnseg.types import Grid
from tests.io.dicom.making import make_headers

SCAN = {"series_date": "20190708", "series_time": "111946.2", "acquisition_date": "20190708"}
PET = PetTags(
    units="BQML",
    decay_correction="START",
    corrected_image=("NORM", "ATTN", "DECY"),
    weight_kg=70.0,
    total_dose_bq=350e6,
    half_life_s=6586.2,
    start_time="093000",
    acquisition_time="111946.2",
    frame_reference_time_ms=0.0,
    frame_duration_ms=120000.0,
    **SCAN,
)


def series(*pets):
    grid = Grid((len(pets), 2, 2), (3.0, 4.0, 4.0))
    files = tuple(replace(header, pet=pet) for header, pet in zip(make_headers(grid, "pt"), pets, strict=True))
    return Series("pt", files, grid, np.zeros((len(pets), 2)))


def factor(**changes):
    pet = replace(PET, **changes)
    return suv_factor(pet, pet)


def refused(**changes):
    with pytest.raises(RefusedDicomError) as caught:
        factor(**changes)
    return caught.value.reason, caught.value.message


def test_becquerels_are_divided_by_what_was_left_of_the_dose_a_gram():
    assert factor() == pytest.approx(4e-4, rel=1e-12)
    assert factor(start_datetime="20190708093000.00") == pytest.approx(4e-4, rel=1e-12)


def test_voxels_corrected_to_the_injection_are_divided_by_the_whole_dose():
    assert factor(decay_correction="ADMIN") == pytest.approx(2e-4, rel=1e-12)
    timeless = {"start_time": "", "series_time": "", "acquisition_time": "", "half_life_s": None}
    assert factor(decay_correction="ADMIN", **timeless) == pytest.approx(2e-4, rel=1e-12)
    assert suv_factors(series(replace(PET, decay_correction="ADMIN", **timeless))) == pytest.approx([2e-4])


def test_several_radiopharmaceuticals_are_refused_unless_the_vendor_made_the_suv():
    reason, message = refused(radiopharmaceuticals=2)
    assert reason == "several_radiopharmaceuticals"
    assert "RadiopharmaceuticalInformationSequence (0054,0016) has 2 items" in message
    assert refused(radiopharmaceuticals=3, decay_correction="ADMIN")[0] == "several_radiopharmaceuticals"
    assert factor(radiopharmaceuticals=2, units="GML") == 1.0
    with pytest.raises(RefusedDicomError, match="0054,0016"):
        suv_factors(series(PET, replace(PET, radiopharmaceuticals=2)))


@pytest.mark.parametrize("value", ["NONE", "", "SOMETHING"])
def test_voxels_that_are_not_decay_corrected_are_refused(value):
    reason, message = refused(decay_correction=value)
    assert reason == "not_decay_corrected"
    assert "DecayCorrection (0054,1102)" in message
    assert "SOMETHING" not in message


def test_counts_of_philips_take_its_own_factor_and_need_nothing_else():
    assert factor(units="CNTS", philips_suv_factor=0.000551, philips_activity_factor=1.6) == 0.000551
    bare = PetTags(units="CNTS", corrected_image=("DECY", "ATTN"), philips_suv_factor=0.000728)
    assert suv_factors(series(bare, replace(bare, philips_suv_factor=0.0008))).tolist() == [0.000728, 0.0008]
    assert suv_notes(series(bare)) == ()


@pytest.mark.parametrize("none", [None, 0.0, float("nan"), -1.0])
def test_counts_with_the_activity_factor_alone_become_becquerels_first(none):
    assert factor(units="CNTS", philips_suv_factor=none, philips_activity_factor=2.5) == pytest.approx(1e-3, rel=1e-12)
    reason, message = refused(units="CNTS", philips_suv_factor=none, philips_activity_factor=none)
    assert reason == "no_philips_factor"
    assert "(7053,1000)" in message
    assert "(7053,1009)" in message


def test_the_philips_factors_mean_nothing_to_becquerels():
    assert factor(philips_suv_factor=0.0035, philips_activity_factor=4.7) == pytest.approx(4e-4, rel=1e-12)


@pytest.mark.parametrize("suv_type", ["", "BW"])
@pytest.mark.parametrize("corrected", [(), ("DECY", "ATTN")])
def test_suv_by_body_weight_is_taken_as_it_is(suv_type, corrected):
    pet = PetTags(units="GML", suv_type=suv_type, corrected_image=corrected)
    assert suv_factors(series(pet, pet)).tolist() == [1.0, 1.0]
    assert suv_notes(series(pet)) == ()


@pytest.mark.parametrize("suv_type", ["LBM", "LBMJANMA", "LBMJAMES128", "BSA", "IBW"])
def test_suv_by_other_measures_is_refused_by_name(suv_type):
    reason, message = refused(units="GML", suv_type=suv_type)
    assert reason == "suv_type"
    assert suv_type in message
    assert "SUVType (0054,1006)" in message


@pytest.mark.parametrize("units", ["", "PROPCNTS", "CM2ML", "KBQML", "Secretname"])
def test_other_units_are_refused_by_name_and_free_text_is_not_shown(units):
    reason, message = refused(units=units)
    assert reason == "units"
    assert "Units (0054,1001)" in message
    assert (units in message) == (units != "Secretname")
    assert "Secretname" not in refused(units="GML", suv_type="Secretname")[1]


@pytest.mark.parametrize("units", ["BQML", "CNTS", "GML"])
def test_images_without_decay_or_attenuation_correction_are_refused(units):
    pet = {"units": units, "philips_suv_factor": 1.0}
    assert refused(**pet, corrected_image=("ATTN",))[0] == "not_decay_corrected"
    reason, message = refused(**pet, corrected_image=("NORM", "DECY"))
    assert reason == "not_attenuation_corrected"
    assert "CorrectedImage (0028,0051)" in message


@pytest.mark.parametrize("units", ["BQML", "CNTS"])
def test_becquerels_and_counts_must_say_what_was_corrected(units):
    assert refused(units=units, philips_suv_factor=1.0, corrected_image=())[0] == "not_decay_corrected"


@pytest.mark.parametrize(
    ("change", "reason", "tag"),
    [
        ({"weight_kg": None}, "no_weight", "PatientWeight (0010,1030)"),
        ({"weight_kg": 0.0}, "no_weight", "PatientWeight (0010,1030) is 0 kg"),
        ({"weight_kg": -70.0}, "bad_weight", "PatientWeight (0010,1030) is -70 kg"),
        ({"weight_kg": 70000.0}, "bad_weight", "PatientWeight (0010,1030) is 70000 kg"),
        ({"weight_kg": float("nan")}, "bad_weight", "PatientWeight (0010,1030)"),
        ({"total_dose_bq": None}, "no_dose", "RadionuclideTotalDose (0018,1074) is missing or not a number"),
        ({"total_dose_bq": 0.0}, "no_dose", "RadionuclideTotalDose (0018,1074)"),
        ({"total_dose_bq": -350e6}, "bad_dose", "RadionuclideTotalDose (0018,1074)"),
        ({"total_dose_bq": 350.0}, "bad_dose", "is 350 Bq"),
        ({"total_dose_bq": 350e3}, "bad_dose", "is 350000 Bq"),
        ({"total_dose_bq": float("inf")}, "bad_dose", "RadionuclideTotalDose (0018,1074)"),
        ({"half_life_s": None}, "no_half_life", "RadionuclideHalfLife (0018,1075) is missing or not a number"),
        ({"half_life_s": 0.0}, "no_half_life", "RadionuclideHalfLife (0018,1075)"),
        ({"half_life_s": -6586.2}, "bad_half_life", "RadionuclideHalfLife (0018,1075)"),
        ({"half_life_s": 109.77}, "bad_half_life", "is 109.77 s"),
        ({"half_life_s": 1.83}, "bad_half_life", "is 1.83 s"),
        ({"half_life_s": float("nan")}, "bad_half_life", "RadionuclideHalfLife (0018,1075)"),
        ({"start_time": ""}, "no_injection_time", "(0018,1072)"),
        ({"acquisition_time": ""}, "no_scan_time", "AcquisitionTime (0008,0032)"),
    ],
)
def test_what_is_missing_or_impossible_is_named_and_never_guessed(change, reason, tag):
    assert refused(**change)[0] == reason
    assert tag in refused(**change)[1]
    with pytest.raises(RefusedDicomError) as caught:
        suv_factors(series(PET, PET) if not change else series(*[replace(PET, **change)] * 2))
    assert caught.value.reason == reason


def test_half_lives_of_pet_nuclides_are_known_and_slips_of_unit_are_not():
    assert all(
        is_pet_half_life(value) for value in (6586.2, 6588.0, 6586.199707, 6500.0, 4057.74, 4080.0, 1224.0, 75.0)
    )
    slips = {name for name, seconds in HALF_LIVES_S.items() for unit in (60, 3600) if is_pet_half_life(seconds / unit)}
    assert slips == {"Ga-66", "Ge-68"}, "these two meet Cu-62 and F-18, whose half-lives no PET centre takes them for"


def test_every_bed_is_corrected_to_the_start_of_the_first():
    beds = [replace(PET, acquisition_time=t, series_time="150000") for t in ("113000", "111946.2", "112500")]
    assert suv_factors(series(*beds)) == pytest.approx([4e-4] * 3, rel=1e-12)
    assert "lies behind the acquisition" in suv_notes(series(*beds))[0]


@pytest.mark.parametrize(
    ("change", "tag"),
    [
        ({"weight_kg": 71.0}, "PatientWeight (0010,1030)"),
        ({"units": "GML"}, "Units (0054,1001)"),
        ({"start_time": "093001"}, "(0018,1072)"),
        ({"total_dose_bq": 351e6}, "(0018,1074)"),
    ],
)
def test_files_of_one_series_must_agree_on_the_injection(change, tag):
    with pytest.raises(RefusedDicomError) as caught:
        suv_factors(series(PET, replace(PET, **change)))
    assert caught.value.reason == "mixed_pet"
    assert tag in caught.value.message


def test_files_of_one_series_all_have_the_philips_factor_or_none():
    counts = replace(PET, units="CNTS", philips_suv_factor=5e-4, philips_activity_factor=1.0)
    with pytest.raises(RefusedDicomError) as caught:
        suv_factors(series(counts, replace(counts, philips_suv_factor=0.0)))
    assert (caught.value.reason, "(7053,1000)" in caught.value.message) == ("mixed_pet", True)


def test_a_pet_without_any_of_its_attributes_is_refused():
    with pytest.raises(RefusedDicomError, match="Units"):
        suv_factors(series(PET, None))


def test_ge_one_minute_of_uptake_more_is_worth_two_thirds_of_a_percent():
    """GE in Bq/ml: 60 s / 6586.2 s of a doubling."""
    later = factor(manufacturer="GE MEDICAL SYSTEMS", series_time="112046.2", acquisition_time="112046.2")
    assert later == pytest.approx(4e-4 * (1 + 0.0063346), rel=1e-6)


def test_siemens_rewritten_and_cps_run_to_where_the_first_frame_says():
    """A Siemens frame that began 10 minutes behind the start (120 s long, mean count rate after 59.9369 s); a CPS one
    has Frame Reference Time 0."""
    moved = {"series_time": "150000", "acquisition_time": "112946.2"}
    assert factor(manufacturer="SIEMENS", frame_reference_time_ms=659_936.855, **moved) == pytest.approx(4e-4, rel=1e-7)
    cps = factor(manufacturer="CPS", series_time="150000", frame_reference_time_ms=0.0)
    assert cps == pytest.approx(4e-4, rel=1e-12)
