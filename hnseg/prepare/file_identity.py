"""What tells whether a user's file has changed, without reading the whole of a large one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

DIGEST_BYTES = 64 * 1024
COMPANIONS = {".hdr": (".img", ".img.gz"), ".img": (".hdr",), ".mhd": (".raw", ".zraw"), ".nhdr": (".raw", ".raw.gz")}


def file_identity(path: Path) -> list[Any]:
    """Size and a digest of the first and last 64 KiB, without reading the rest of a large file.

    A gzip file ends in the checksum of all it holds, so there nothing can change unnoticed. In any other file a change
    in the middle would, so its time of change is added; copying such a file without its time makes hnseg prepare it
    anew. Files that belong to a header (``.hdr`` and ``.img``, ``.mhd`` and ``.raw``) count with it.
    """
    identity = [_digest(path)]
    for suffix in COMPANIONS.get(path.suffix.lower(), ()):
        companion = path.with_suffix(suffix)
        if companion.exists():
            identity.append(_digest(companion))
    return identity


def _digest(path: Path) -> list[Any]:
    status = path.stat()
    with path.open("rb") as file:
        head = file.read(DIGEST_BYTES)
        file.seek(max(0, status.st_size - DIGEST_BYTES))
        tail = file.read(DIGEST_BYTES)
    digest = hashlib.sha256(head + tail).hexdigest()
    return [status.st_size, digest] if path.suffix == ".gz" else [status.st_size, digest, status.st_mtime_ns]
