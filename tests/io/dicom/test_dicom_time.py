from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnseg.io.dicom.dicom_time import (
    DateAndTime,
    nearest_turn,
    parse_date,
    parse_datetime,
    parse_offset,
    parse_time,
)
from hnseg.io.dicom.objects import RefusedDicomError

TAG = "SomeTime (0008,0000)"


def hms(hours, minutes=0, seconds=0.0):
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


@pytest.mark.parametrize("text", ["20201217", " 20201217 ", "20201217\0", "2020.12.17"])
def test_a_date_is_read_as_dicom_and_acr_nema_write_it(text):
    assert parse_date(text, TAG) == date(2020, 12, 17)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("104830.351370", hms(10, 48, 30.35137)),
        ("123514.999995", hms(12, 35, 14.999995)),
        ("084500.00", hms(8, 45)),
        ("0845", hms(8, 45)),
        ("08:45:01.5", hms(8, 45, 1.5)),
        ("000000", hms(0)),
        ("235960", hms(24)),
        ("130348. ", hms(13, 3, 48)),
    ],
)
def test_a_time_keeps_microseconds_and_may_end_at_minutes(text, expected):
    assert parse_time(text, TAG) == expected


@given(st.integers(0, 86_399_999_999))
def test_every_time_of_day_survives_being_written(microseconds):
    seconds, fraction = divmod(microseconds, 1_000_000)
    text = f"{seconds // 3600:02d}{seconds // 60 % 60:02d}{seconds % 60:02d}.{fraction:06d}"
    assert parse_time(text, TAG) == timedelta(microseconds=microseconds)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20201217083045.000000 ", DateAndTime(date(2020, 12, 17), hms(8, 30, 45), None)),
        ("20201217083045.25+0130", DateAndTime(date(2020, 12, 17), hms(8, 30, 45.25), hms(1, 30))),
        ("202012170830-0500", DateAndTime(date(2020, 12, 17), hms(8, 30), -hms(5))),
        ("20201217", DateAndTime(date(2020, 12, 17), None, None)),
    ],
)
def test_a_date_and_time_has_a_day_a_time_and_perhaps_an_offset(text, expected):
    assert parse_datetime(text, TAG) == expected


@pytest.mark.parametrize("parse", [parse_date, parse_time, parse_datetime, parse_offset])
@pytest.mark.parametrize("text", ["", "  ", "\0"])
def test_what_is_empty_is_missing(parse, text):
    assert parse(text, TAG) is None


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_date, "20201317"),
        (parse_date, "2020"),
        (parse_date, "00000000"),
        (parse_date, "20201201-20201217"),
        (parse_time, "10"),
        (parse_time, "246000"),
        (parse_time, "106100"),
        (parse_time, "101061"),
        (parse_time, "10.5"),
        (parse_time, "Smith^John"),
        (parse_time, "10\u0662200"),
        (parse_datetime, "202012"),
        (parse_datetime, "2020121708"),
        (parse_datetime, "20201217083045+9900"),
        (parse_offset, "0100"),
        (parse_offset, "+01"),
    ],
)
def test_what_is_no_date_or_time_is_refused_by_its_tag_and_without_its_value(parse, text):
    with pytest.raises(RefusedDicomError) as caught:
        parse(text, TAG)
    assert caught.value.reason == "bad_time"
    assert TAG in caught.value.message
    assert text not in str(caught.value.args)
    assert caught.value.__cause__ is None


def test_an_offset_has_a_sign():
    assert parse_offset("+0530", TAG) == hms(5, 30)
    assert parse_offset("-0530", TAG) == -hms(5, 30)


def test_times_of_day_differ_by_at_most_half_a_day():
    assert nearest_turn(hms(0, 5) - hms(23, 55)) == hms(0, 10)
    assert nearest_turn(hms(23, 55) - hms(0, 5)) == -hms(0, 10)
    assert nearest_turn(hms(49)) == hms(1)
