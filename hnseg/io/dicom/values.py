"""Values of DICOM attributes as scanners and exporters write them: what is malformed is not there, and never fatal.

Only a text that is far too long is: cut, it could be another patient's.
"""

from __future__ import annotations

import math
import re
import struct
from decimal import Decimal
from typing import Any

from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from hnseg.io.dicom.objects import RefusedDicomError

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_UID = re.compile(r"[0-9.]{1,64}")
_FORMATS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
_LONGEST = 1 << 16  # characters of a value that are looked at; the longest that is used has a few hundred
_LONGEST_TEXT = 1024  # characters that are kept: the longest names and ids of PS3.5 section 6.2 have 64 to 200
_LONGEST_LETTER = 8  # bytes, with the escape sequence of a character set in front of each letter


class Values:
    """Attributes of a data set by tag, read from the bytes of the file."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def texts(self, tag: int) -> tuple[str, ...]:
        """The values of an attribute of plain letters (CS, DA, TM, DT, LO of a vendor), without padding.

        Raises:
            RefusedDicomError: ``too_long``.
        """
        parts = self._parts(tag)
        if sum(map(len, parts)) > _LONGEST_TEXT:
            raise _too_long(tag)
        return parts

    def text(self, tag: int) -> str:
        """The first value; empty where there is none."""
        return next(iter(self.texts(tag)), "")

    def uid(self, tag: int) -> str:
        """A UID of digits and dots; empty where there is none or it is another thing (PS3.5 section 9.1)."""
        found = next(iter(self._parts(tag)), "")
        return found if _UID.fullmatch(found) else ""

    def written(self, tag: int) -> str:
        """Text in the file's own character set: names and ids of people.

        Raises:
            RefusedDicomError: ``too_long``.
        """
        if self._bytes(tag) > _LONGEST_TEXT * _LONGEST_LETTER:  # decoding it would already take gigabytes
            raise _too_long(tag)
        try:
            found = str(self._dataset[tag].value or "").strip(" \0")
        except MemoryError:
            raise
        except Exception:
            return self.text(tag)
        if len(found) > _LONGEST_TEXT:
            raise _too_long(tag)
        return found

    def numbers(self, tag: int, count: int) -> tuple[float, ...] | None:
        """Exactly ``count`` finite numbers, decimal strings of any length included, or None."""
        found = self._raw(tag)
        if isinstance(found, tuple):
            values = tuple(float(value) for value in found)
        else:
            parts = self._parts(tag)
            if not all(_NUMBER.fullmatch(part) for part in parts):
                return None
            values = tuple(float(part) for part in parts)
        return values if len(values) == count and all(math.isfinite(value) for value in values) else None

    def number(self, tag: int) -> float | None:
        """One finite number, or None."""
        values = self.numbers(tag, 1)
        return values[0] if values else None

    def integer(self, tag: int) -> int | None:
        """One whole number of at most 32 bits, or None."""
        value = self.number(tag)
        return int(value) if value is not None and value.is_integer() and abs(value) < 1 << 32 else None

    def items(self, tag: int) -> tuple[Values, ...]:
        """The items of a sequence; none where it is damaged."""
        try:
            return tuple(Values(item) for item in self._dataset[tag].value)
        except MemoryError:
            raise
        except Exception:
            return ()

    def _parts(self, tag: int) -> tuple[str, ...]:
        """The values of an attribute of letters, of any length."""
        found = self._raw(tag)
        if found is None or isinstance(found, tuple):
            return ()
        parts = tuple(part.strip(" \0") for part in found.split("\\"))
        return parts if any(parts) else ()

    def _bytes(self, tag: int) -> int:
        """Length of a value that was not looked at before; 0 of any other."""
        element = self._dataset.get_item(tag) if tag in self._dataset else None
        return len(element.value) if element is not None and isinstance(element.value, bytes) else 0

    def _raw(self, tag: int) -> str | tuple[Any, ...] | None:
        """Letters as they are in the file, or the numbers of a binary value."""
        try:
            element = self._dataset.get_item(tag)
            content = element.value if element is not None else None
        except KeyError:
            return None
        if not isinstance(content, bytes):
            return _converted(content)
        letters = _FORMATS.get(_vr(element))
        if letters is None:
            return content[:_LONGEST].decode("latin-1")
        try:
            count = len(content) // struct.calcsize(letters)
            return struct.unpack(f"{'<' if element.is_little_endian else '>'}{count}{letters}", content)
        except struct.error:
            return None


def _too_long(tag: int) -> RefusedDicomError:
    name = f"{keyword_for_tag(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})".strip()
    return RefusedDicomError(
        "too_long", f"{name} has more than {_LONGEST_TEXT} characters; correct it, or leave the file out"
    )


def _converted(content: Any) -> str | tuple[Any, ...] | None:
    """What pydicom made of the bytes before: it replaces an element by its value at the first look."""
    parts = tuple(content) if isinstance(content, MultiValue) else (content,)
    if all(isinstance(part, int | float | Decimal) for part in parts):
        return parts
    return "\\".join(parts) if all(isinstance(part, str) for part in parts) else None


def _vr(element: Any) -> str:
    if element.VR not in (None, "UN"):
        return str(element.VR)
    try:
        return str(dictionary_VR(element.tag))
    except KeyError:  # private
        return "UN"
