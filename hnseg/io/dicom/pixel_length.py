"""Where a file's values end, and whether its pixels can be all there, without reading them."""

from __future__ import annotations

import os
import struct
from typing import IO

from hnseg.io.dicom.opening import truncated

_PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)  # Float, Double Float and plain Pixel Data
_UNDEFINED = 0xFFFFFFFF
_ITEM, _END = 0xFFFEE000, 0xFFFEE0DD
_DEFLATED = b"1.2.840.10008.1.2.1.99"


class PixelWatch:
    """Stops parsing at the pixel data, and refuses a value that is said to be longer than the file.

    Attributes:
        length: of the pixel data in bytes as the file says it, 0xFFFFFFFF for encapsulated; None: none were reached.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._size = os.fstat(stream.fileno()).st_size
        # positions in a deflated data set are not positions in the file; zlib itself finds it cut short
        self._deflated = _DEFLATED in stream.read(1024)
        stream.seek(0)
        self._start = 0
        self.length: int | None = None

    def __call__(self, tag: int, _vr: str | None, length: int) -> bool:
        if tag in _PIXELS:
            self._start, self.length = self._stream.tell(), length
        if length != _UNDEFINED and not self._deflated and self._stream.tell() + length > self._size:
            raise truncated("a value reaches beyond its end")
        return tag in _PIXELS

    def check(self, stream: IO[bytes], needed: int) -> None:
        """Refuse uncompressed pixels of fewer than ``needed`` bytes, and encapsulated ones that do not end.

        Raises:
            RefusedDicomError: ``truncated``.
        """
        if self.length == _UNDEFINED:
            if not self._deflated:
                _walk_fragments(stream, self._start)
        elif self.length is not None and self.length < needed:
            raise truncated(f"Pixel Data (7FE0,0010) has {self.length} bytes where its size asks for {needed}")


def _walk_fragments(stream: IO[bytes], start: int) -> None:
    """From item to item of encapsulated pixels to their end; PS3.5 section A.4. The bytes themselves are not read."""
    stream.seek(start)
    while True:
        head = stream.read(8)
        if len(head) < 8:
            raise truncated("its compressed pixels have no end")
        group, element, length = struct.unpack("<HHI", head)
        tag = group << 16 | element
        if tag == _END:
            return
        if tag != _ITEM:
            raise truncated("its compressed pixels are not made of fragments")
        stream.seek(length, os.SEEK_CUR)
