"""From when to when the injected activity decayed before the scan that voxels are corrected to.

With Decay Correction START voxels hold what was there at *the start of the scan*, which no single attribute says
reliably (QIBA's vendor-neutral pseudo-code for SUV of 2018 and the extracts of calculate-suv show how vendors differ).
What is taken, and why:

* **Series Date and Time, where it can be that start**: not later than the earliest Acquisition Time of all files of the
  series, and not earlier than a scan can have begun. PS3.3 C.8.9.4.1.5 makes it the zero of Frame Reference Time, so a
  series of which only later beds were kept still starts there: a start is believed up to the earliest file's Frame
  Reference Time, plus half an hour for preparing the patient, before that file was acquired.
* **else the earliest Acquisition Time of all files**: a series that is stored as younger than its own acquisition was
  written afterwards (reconstructed again, or CPS), and one far older than it carries a dummy. Not each file's own
  time: every bed is corrected to one start.
* in that second case, **for Siemens and CPS with a Frame Reference Time above 0**, back from that frame: its pixel
  values belong to the moment of its mean count rate, which lies Frame Reference Time behind the start. After PETsyngo's
  several injections the earliest acquisition alone is wrong. CPS writes 0: then the acquisition itself is the start.
  Other vendors count that time from elsewhere, so nothing is taken back for them.

The injection is Radiopharmaceutical Start DateTime, else Radiopharmaceutical Start Time on the day of the scan or,
where that lies behind the scan, the day before (midnight). Guards, for a wrong time gives a wrong SUV that looks right:

* An uptake of more than 6 half-lives (1.6 % left; 11 h for F-18) is refused. So a clock that is an hour or a half day
  off, which would pass as an injection yesterday, is an injection after the scan.
* Dates may be shifted when a study is pseudonymised, not always all alike. If the date of the DateTime does not fit the
  scan its time of day is used, provided that the half-life is below 12 h: then only one day is possible. For
  longer-lived nuclides a time without a date says nothing and is refused.
* If DateTime and Time are a minute or more apart on the clock, one is wrong and nobody knows which: refused.
* An injection at 00:00:00 exactly, and a scan all of whose times are that, is what emptying a header leaves: missing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hnseg.io.dicom.dicom_time import DAY, nearest_turn, parse_date, parse_datetime, parse_offset, parse_time
from hnseg.io.dicom.objects import PetTags, RefusedDicomError

SERIES_DATE, SERIES_TIME = "SeriesDate (0008,0021)", "SeriesTime (0008,0031)"
ACQUISITION_DATE, ACQUISITION_TIME = "AcquisitionDate (0008,0022)", "AcquisitionTime (0008,0032)"
START_TIME, START_DATETIME = "RadiopharmaceuticalStartTime (0018,1072)", "RadiopharmaceuticalStartDateTime (0018,1078)"
TIMEZONE = "TimezoneOffsetFromUTC (0008,0201)"

NO_DAY = date(2000, 1, 2)
"""Stands for the day of the scan where nothing says it; only differences within a day mean anything then."""
PREPARATION = timedelta(minutes=30)
"""Longest wait between the start of a series and its first frame: shorter than an uptake, so that a series that was
made before the injection is not taken for the scan's start; longer than beds take to move and clocks differ."""
MOST_HALF_LIVES = 6.0
SHORT_LIVED_S = 12 * 3600.0
SAME_TIME = timedelta(minutes=1)
FRAMES_FROM_START = ("SIEMENS", "CPS", "CTI")


@dataclass(frozen=True)
class Decay:
    """How long the activity decayed before the time that voxels are corrected to, and what was chosen about it."""

    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Moment:
    at: datetime
    dated: bool
    note: str = ""


def earliest_frame(files: Sequence[PetTags]) -> PetTags:
    """Attributes of the file that was acquired first, and among equals of the one with the lowest Frame Reference Time.

    Raises:
        RefusedDicomError: ``no_scan_time`` where a file has no Acquisition Time, or where none has a date and the times
            cannot be put in order for it; ``bad_time``.
    """
    acquired = [_acquired(pet) for pet in files]
    if not all(moment.dated for moment in acquired):
        of_day = [_of_day(moment.at) for moment in acquired]
        if max(of_day) - min(of_day) > DAY / 2:
            raise RefusedDicomError(
                "no_scan_time", f"acquisition times lie on both sides of midnight; {ACQUISITION_DATE} must say the day"
            )
        acquired = [_Moment(datetime.combine(NO_DAY, datetime.min.time()) + time, False) for time in of_day]
    order = [(moment.at, pet.frame_reference_time_ms or 0.0) for moment, pet in zip(acquired, files, strict=True)]
    return files[order.index(min(order))]


def decay(pet: PetTags, half_life_s: float) -> Decay:
    """Decay from injection to the start of the scan, for Decay Correction START.

    Args:
        pet: attributes of the earliest frame of the series; see `earliest_frame`.
        half_life_s: of the radionuclide.

    Raises:
        RefusedDicomError: ``no_scan_time``, ``no_injection_time``, ``bad_time``, ``injection_after_scan``,
            ``implausible_uptake``, ``contradictory_times``; each names the tags.
    """
    start = _start(pet, half_life_s)
    uptake, note = _uptake(pet, start, half_life_s)
    return Decay(uptake.total_seconds(), tuple(text for text in (start.note, note) if text))


def mean_count_rate_s(duration_s: float, half_life_s: float) -> float:
    """When in a frame the activity equals its mean over the frame: ln(x / (1 - exp(-x))) / lambda with
    x = lambda * duration (PS3.3 C.8.9.4.1.5)."""
    rate = math.log(2) / half_life_s
    decayed = rate * duration_s
    return math.log(decayed / -math.expm1(-decayed)) / rate


def _acquired(pet: PetTags) -> _Moment:
    of_day = parse_time(pet.acquisition_time, ACQUISITION_TIME)
    if of_day is None:
        raise RefusedDicomError(
            "no_scan_time", f"{ACQUISITION_TIME} is missing; without it the start of the scan is unknown"
        )
    day = parse_date(pet.acquisition_date, ACQUISITION_DATE)
    return _Moment(datetime.combine(day or NO_DAY, datetime.min.time()) + of_day, day is not None)


def _start(pet: PetTags, half_life_s: float) -> _Moment:
    acquired, of_day = _acquired(pet), parse_time(pet.series_time, SERIES_TIME)
    if not of_day:  # missing, or the 00:00:00 of an emptied header
        if acquired.at.time() == datetime.min.time():
            raise RefusedDicomError("no_scan_time", f"{ACQUISITION_TIME} is 00:00:00 and {SERIES_TIME} says no more")
        return _first_frame(pet, acquired, half_life_s, f"{SERIES_TIME} is missing")
    day = parse_date(pet.series_date, SERIES_DATE)
    midnight = datetime.combine(day or NO_DAY, datetime.min.time())
    waited = acquired.at - (midnight + of_day)
    if day is None or not acquired.dated:
        waited = nearest_turn(waited)
    if waited < timedelta(0):
        return _first_frame(pet, acquired, half_life_s, f"{SERIES_TIME} lies behind the acquisition")
    if waited > timedelta(milliseconds=max(pet.frame_reference_time_ms or 0.0, 0.0)) + PREPARATION:
        return _first_frame(pet, acquired, half_life_s, f"{SERIES_TIME} lies too long before the acquisition")
    return _Moment(acquired.at - waited, acquired.dated)


def _first_frame(pet: PetTags, acquired: _Moment, half_life_s: float, why: str) -> _Moment:
    """The start of the scan where the series itself does not say it."""
    reference_ms, duration_ms = pet.frame_reference_time_ms or 0.0, pet.frame_duration_ms or 0.0
    note = f"decay counted to the earliest {ACQUISITION_TIME}: {why}"
    known = any(name in pet.manufacturer.upper() for name in FRAMES_FROM_START)
    if not known or reference_ms <= 0 or duration_ms <= 0:
        return _Moment(acquired.at, acquired.dated, note)
    back = timedelta(seconds=reference_ms / 1000 - mean_count_rate_s(duration_ms / 1000, half_life_s))
    if back <= timedelta(0):  # counted in another way: a scan does not start after its first frame
        return _Moment(acquired.at, acquired.dated, note)
    return _Moment(acquired.at - back, acquired.dated, f"{note}, less what FrameReferenceTime (0054,1300) says")


def _uptake(pet: PetTags, start: _Moment, half_life_s: float) -> tuple[timedelta, str]:
    stamped, of_day = _stamped(pet), parse_time(pet.start_time, START_TIME) or None
    since, note = None, ""
    if stamped is not None:
        since, of_stamp = start.at - stamped, _of_day(stamped)
        if start.dated and timedelta(0) <= since <= timedelta(seconds=MOST_HALF_LIVES * half_life_s):
            if of_day is not None and abs(nearest_turn(of_stamp - of_day)) >= SAME_TIME:
                raise RefusedDicomError(
                    "contradictory_times", f"{START_DATETIME} and {START_TIME} are not the same time of day"
                )
            return since, ""
        note = f"the date of {START_DATETIME} does not fit the scan; only the time of day was used"
        of_day = of_day or of_stamp
    if of_day is None:
        raise RefusedDicomError(
            "no_injection_time", f"{START_DATETIME} and {START_TIME} are missing; SUV needs the time of injection"
        )
    if half_life_s >= SHORT_LIVED_S:
        raise _undated(since, start.dated, half_life_s)
    return _since_time_of_day(start, of_day, half_life_s), note


def _of_day(at: datetime) -> timedelta:
    return at - datetime.combine(at.date(), datetime.min.time())


def _stamped(pet: PetTags) -> datetime | None:
    """Start DateTime on the clock of the scan; None where it is missing or holds no time."""
    stamp = parse_datetime(pet.start_datetime, START_DATETIME)
    if stamp is None or not stamp.of_day:
        return None
    local = parse_offset(pet.timezone, TIMEZONE)
    turned = local - stamp.offset if local is not None and stamp.offset is not None else timedelta(0)
    return datetime.combine(stamp.day, datetime.min.time()) + stamp.of_day + turned


def _undated(since: timedelta | None, dated: bool, half_life_s: float) -> RefusedDicomError:
    half_life = f"with a half-life of {half_life_s / 3600:.3g} h"
    if not dated:
        return RefusedDicomError("no_scan_time", f"{ACQUISITION_DATE} is missing, which SUV needs {half_life}")
    if since is None:
        return RefusedDicomError("no_injection_time", f"{START_DATETIME} is missing, which SUV needs {half_life}")
    if since < timedelta(0):
        return RefusedDicomError("injection_after_scan", f"{START_DATETIME} lies behind the start of the scan")
    return _too_long(since)


def _since_time_of_day(start: _Moment, of_day: timedelta, half_life_s: float) -> timedelta:
    uptake = (_of_day(start.at) - of_day) % DAY
    if uptake.total_seconds() <= MOST_HALF_LIVES * half_life_s:
        return uptake
    if uptake > DAY / 2:
        raise RefusedDicomError(
            "injection_after_scan",
            f"{START_TIME} or {START_DATETIME} lies {(DAY - uptake).total_seconds() / 60:.0f} minutes behind the start "
            f"of the scan (or {uptake.total_seconds() / 3600:.1f} h before it, which is too long for an uptake)",
        )
    raise _too_long(uptake)


def _too_long(uptake: timedelta) -> RefusedDicomError:
    hours = uptake.total_seconds() / 3600
    return RefusedDicomError(
        "implausible_uptake",
        f"from the injection ({START_DATETIME}, {START_TIME}) to the start of the scan {hours:.1f} h passed, "
        f"more than {MOST_HALF_LIVES:g} half-lives",
    )
