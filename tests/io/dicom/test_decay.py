"""Times of one scan: injected at 09:30:00, acquired from 10:30:00, F-18, unless a test says otherwise."""

import math
from dataclasses import replace

import numpy as np
import pytest

from hnseg.io.dicom.decay import decay, earliest_frame, mean_count_rate_s
from hnseg.io.dicom.objects import PetTags, RefusedDicomError

F18_S, Y90_S, RB82_S = 6586.2, 230580.0, 75.45
PET = PetTags(
    start_time="093000",
    series_date="20190708",
    series_time="103000",
    acquisition_date="20190708",
    acquisition_time="103000",
    frame_reference_time_ms=0.0,
    frame_duration_ms=120000.0,
)


def seconds(half_life_s=F18_S, **changes):
    return decay(replace(PET, **changes), half_life_s).seconds


def refused(half_life_s=F18_S, **changes):
    with pytest.raises(RefusedDicomError) as caught:
        seconds(half_life_s, **changes)
    for value in changes.values():
        assert not value or str(value) not in str(caught.value.args), "the message shows a date or a time"
    return caught.value


def test_decay_runs_to_the_series_time_where_nothing_speaks_against_it():
    assert decay(PET, F18_S).seconds == 3600
    assert decay(PET, F18_S).notes == ()
    assert seconds(series_time="102958.5") == 3598.5


def test_a_series_of_which_only_later_beds_were_kept_starts_where_frame_reference_time_counts_from():
    later = {"acquisition_time": "113000", "frame_reference_time_ms": 3_660_000.0}
    assert seconds(**later) == 3600


def test_a_series_time_behind_the_acquisition_is_when_it_was_written():
    found = decay(replace(PET, series_time="134918", acquisition_time="103100"), F18_S)
    assert found.seconds == 3660
    assert "SeriesTime (0008,0031) lies behind" in found.notes[0]


@pytest.mark.parametrize(
    "dummy",
    [
        {"series_time": "000000"},
        {"series_time": "000000.00", "series_date": ""},
        {"series_time": ""},
        {"series_time": "080000"},
        {"series_date": "20190101"},
        {"series_date": "20300101"},
    ],
)
def test_a_dummy_series_time_gives_way_to_the_acquisition(dummy):
    assert seconds(acquisition_time="103001", **dummy) == 3601


def test_without_a_date_series_and_acquisition_are_compared_on_the_clock():
    night = {"start_time": "230000", "acquisition_time": "000010", "acquisition_date": "", "series_date": ""}
    assert seconds(series_time="235955", **night) == 3595
    assert seconds(series_time="000015", **night) == 3610


@pytest.mark.parametrize("maker", ["SIEMENS", "CPS", "Siemens Healthineers"])
def test_siemens_frames_lie_frame_reference_time_behind_the_start(maker):
    """A frame of 120 s has its mean count rate 59.936854672596 s after it began (a real header of a single bed has it
    so); 659.936... s behind the start of the scan it began 10 minutes behind it."""
    rewritten = {"series_time": "150000", "acquisition_time": "104000", "manufacturer": maker}
    bed = {"frame_reference_time_ms": 659_936.854672596}
    assert seconds(**rewritten, **bed) == pytest.approx(3600, abs=2e-6)
    assert seconds(**rewritten, frame_reference_time_ms=0.0) == 4200
    assert seconds(**rewritten, **bed, frame_duration_ms=None) == 4200
    assert seconds(**rewritten, frame_reference_time_ms=30_000.0) == 4200


def test_other_vendors_count_frame_reference_time_from_elsewhere():
    rewritten = {"series_time": "150000", "frame_reference_time_ms": 1_200_000.0}
    assert seconds(**rewritten, manufacturer="Philips Medical Systems") == 3600
    assert seconds(**rewritten, manufacturer="GE MEDICAL SYSTEMS") == 3600


def test_the_mean_count_rate_of_a_frame_is_that_of_its_integral():
    rate = math.log(2) / RB82_S
    t = np.linspace(0, 300, 200_001)
    mean = np.trapezoid(np.exp(-rate * t), t) / 300
    assert mean_count_rate_s(300, RB82_S) == pytest.approx(-math.log(mean) / rate, rel=1e-6)
    assert mean_count_rate_s(120, F18_S) == pytest.approx(59.936854672596, rel=1e-9)


def test_the_first_bed_counts_and_not_each_file():
    beds = [replace(PET, acquisition_time=f"10{minute}00") for minute in (36, 30, 33)]
    assert earliest_frame(beds) is beds[1]


def test_the_first_bed_may_lie_before_midnight():
    dated = [
        replace(PET, acquisition_time="000300", acquisition_date="20190709"),
        replace(PET, acquisition_time="235800"),
    ]
    assert earliest_frame(dated) is dated[1]
    undated = [replace(pet, acquisition_date="") for pet in dated]
    with pytest.raises(RefusedDicomError) as caught:
        earliest_frame(undated)
    assert (caught.value.reason, "AcquisitionDate (0008,0022)" in caught.value.message) == ("no_scan_time", True)


def test_of_files_acquired_together_the_lowest_frame_reference_time_comes_first():
    beds = [replace(PET, frame_reference_time_ms=t) for t in (486_000.0, 0.0, 243_000.0)]
    assert earliest_frame(beds) is beds[1]


def test_a_file_without_acquisition_time_is_refused():
    with pytest.raises(RefusedDicomError, match=r"AcquisitionTime \(0008,0032\)") as caught:
        earliest_frame([PET, replace(PET, acquisition_time="")])
    assert caught.value.reason == "no_scan_time"


def test_times_that_were_all_emptied_are_missing():
    assert refused(series_time="000000", acquisition_time="000000").reason == "no_scan_time"
    assert refused(start_time="000000.00").reason == "no_injection_time"


@pytest.mark.parametrize("start", [{"start_time": "233000"}, {"start_datetime": "20190707233000"}])
@pytest.mark.parametrize("dated", [True, False])
def test_an_injection_before_midnight_is_one_of_the_day_before(start, dated):
    scan = {"series_time": "003000", "acquisition_time": "003000"}
    undated = {} if dated else {"series_date": "", "acquisition_date": ""}
    assert seconds(**{"start_time": "", **start, **scan, **undated}) == 3600


def test_the_date_of_the_injection_decides_where_the_half_life_is_long():
    """Y-90 imaged two days and an hour after it was given."""
    assert seconds(Y90_S, start_datetime="20190706093000.00") == 49 * 3600
    assert seconds(Y90_S, start_datetime="20190706093000.00", start_time="") == 49 * 3600


@pytest.mark.parametrize("day", ["20190709", "20190707", "20190101", "20251231"])
def test_a_shifted_date_leaves_the_time_of_day_of_a_short_lived_nuclide(day):
    found = decay(replace(PET, start_datetime=f"{day}093000.00"), F18_S)
    assert found.seconds == 3600
    assert "RadiopharmaceuticalStartDateTime (0018,1078) does not fit" in found.notes[0]
    assert seconds(start_datetime=f"{day}093000.00", start_time="") == 3600


def test_a_long_lived_nuclide_needs_dates():
    shifted = refused(Y90_S, start_datetime="20190709093000")
    assert shifted.reason == "injection_after_scan"
    assert refused(Y90_S, start_datetime="20180709093000").reason == "implausible_uptake"
    undated = refused(Y90_S)
    assert (undated.reason, "(0018,1078)" in undated.message) == ("no_injection_time", True)
    for dated in ("20190706093000", "20000102093000"):
        nothing = refused(Y90_S, start_datetime=dated, acquisition_date="")
        assert (nothing.reason, "(0008,0022)" in nothing.message) == ("no_scan_time", True)


@pytest.mark.parametrize("of_day", ["103001", "113000", "220000"])
def test_an_injection_after_the_scan_is_refused_and_not_taken_for_yesterday(of_day):
    assert refused(start_time=of_day).reason == "injection_after_scan"
    assert refused(start_datetime=f"20190708{of_day}", start_time="").reason == "injection_after_scan"
    assert refused(start_datetime=f"20190708{of_day}", start_time=of_day).reason == "injection_after_scan"


def test_an_uptake_of_more_than_six_half_lives_is_refused():
    assert seconds(RB82_S, start_time="102230") == 450
    assert refused(RB82_S, start_time="102220").reason == "implausible_uptake"
    assert refused(RB82_S, start_datetime="20190708102220").reason == "implausible_uptake"
    assert refused(start_time="230000").reason == "implausible_uptake"


def test_two_times_of_injection_that_disagree_are_refused():
    found = refused(start_datetime="20190708083000", start_time="093000")
    assert found.reason == "contradictory_times"
    assert seconds(start_datetime="20190708093040", start_time="093000") == 3560


def test_an_emptied_start_datetime_gives_way_to_the_start_time():
    assert seconds(start_datetime="20190708") == 3600
    assert seconds(start_datetime="20190708000000") == 3600
    assert refused(start_datetime="20190708000000", start_time="").reason == "no_injection_time"


def test_a_start_datetime_with_an_offset_is_brought_to_the_clock_of_the_scan():
    utc = {"start_datetime": "20190708073000+0000", "start_time": ""}
    assert seconds(**utc, timezone="+0200") == 3600
    assert seconds(start_datetime="20190708093000+0200", start_time="093000") == 3600
    night = {"series_time": "003000", "acquisition_time": "003000", "timezone": "+0200", "start_time": ""}
    assert seconds(start_datetime="20190707213000+0000", **night) == 3600


def test_without_a_time_of_injection_nothing_is_assumed():
    found = refused(start_time="")
    assert found.reason == "no_injection_time"
    assert "(0018,1072)" in found.message
    assert "(0018,1078)" in found.message


@pytest.mark.parametrize(
    "name", ["start_time", "start_datetime", "series_time", "acquisition_time", "acquisition_date"]
)
def test_nonsense_in_a_time_is_refused(name):
    assert refused(**{name: "Secretname"}).reason == "bad_time"
