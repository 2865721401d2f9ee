"""Dates and times as DICOM writes them (PS3.5 section 6.2: DA, TM, DT), read strictly.

Nothing is filled in: a date without a day, or a time without minutes, is no time that a decay could be computed with.
The dots and colons of ACR-NEMA (PS3.5 section 6.2, notes on DA and TM) are read too.

No error shows a value: dates and times identify patients.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from hnseg.io.dicom.objects import RefusedDicomError

PADDING = " \0"
DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})", re.ASCII)
TIME = re.compile(r"(\d{2}):?(\d{2})(?::?(\d{2})(?:\.(\d*))?)?", re.ASCII)
OFFSET = re.compile(r"([+-])(\d{2})(\d{2})", re.ASCII)
DATE_AND_TIME = re.compile(r"(\d{8})([\d.]*)([+-]\d{4})?", re.ASCII)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class DateAndTime:
    """A DT value.

    Attributes:
        day: the date.
        of_day: time since midnight; None where only a date is written.
        offset: of the clock from UTC; None where the value does not say.
    """

    day: date
    of_day: timedelta | None
    offset: timedelta | None


def parse_date(text: str, tag: str) -> date | None:
    """DA: YYYYMMDD. None where empty; RefusedDicomError ``bad_time``, which names ``tag``, where it is no date."""
    stripped = text.strip(PADDING)
    if not stripped:
        return None
    found = DATE.fullmatch(stripped)
    if not found:
        raise _refused(tag, "a date, YYYYMMDD")
    year, month, day = (int(part) for part in found.groups())
    try:
        return date(year, month, day)
    except ValueError:
        raise _refused(tag, "a date, YYYYMMDD") from None


def parse_time(text: str, tag: str) -> timedelta | None:
    """TM: HHMM, HHMMSS or HHMMSS.FFFFFF, since midnight. None where empty; RefusedDicomError ``bad_time`` otherwise.

    A second of 60 is a leap second, as PS3.5 has it.
    """
    stripped = text.strip(PADDING)
    if not stripped:
        return None
    found = TIME.fullmatch(stripped)
    if not found:
        raise _refused(tag, "a time of at least hours and minutes, HHMMSS.FFFFFF")
    hours, minutes, seconds = (int(part or 0) for part in found.groups()[:3])
    if hours > 23 or minutes > 59 or seconds > 60:
        raise _refused(tag, "a time of at least hours and minutes, HHMMSS.FFFFFF")
    return timedelta(hours=hours, minutes=minutes, seconds=seconds + float(f"0.{found.group(4) or 0}"))


def parse_offset(text: str, tag: str) -> timedelta | None:
    """Offset from UTC: +HHMM or -HHMM. None where empty; RefusedDicomError ``bad_time`` where it is none."""
    stripped = text.strip(PADDING)
    if not stripped:
        return None
    found = OFFSET.fullmatch(stripped)
    if not found or int(found.group(2)) > 14 or int(found.group(3)) > 59:
        raise _refused(tag, "an offset from UTC, +HHMM or -HHMM")
    size = timedelta(hours=int(found.group(2)), minutes=int(found.group(3)))
    return -size if found.group(1) == "-" else size


def parse_datetime(text: str, tag: str) -> DateAndTime | None:
    """DT: YYYYMMDD, or with HHMM, HHMMSS or HHMMSS.FFFFFF, and perhaps +HHMM or -HHMM behind it.

    None where empty; RefusedDicomError ``bad_time``, which names ``tag``, where it is none or stops before the day.
    """
    stripped = text.strip(PADDING)
    if not stripped:
        return None
    found = DATE_AND_TIME.fullmatch(stripped)
    if not found:
        raise _refused(tag, "a date and time, YYYYMMDDHHMMSS.FFFFFF+HHMM")
    day = parse_date(found.group(1), tag)
    assert day is not None
    return DateAndTime(day, parse_time(found.group(2), tag), parse_offset(found.group(3) or "", tag))


def nearest_turn(difference: timedelta) -> timedelta:
    """A difference of two times of day as the clock shows it, whole days apart or not: from -12 h up to 12 h."""
    return (difference + DAY / 2) % DAY - DAY / 2


def _refused(tag: str, expected: str) -> RefusedDicomError:
    return RefusedDicomError("bad_time", f"{tag} is not {expected}")
