"""Is what a header promises possible at all? Asked before a single voxel is decompressed."""

from __future__ import annotations

import math
import os
from pathlib import Path

from hnseg.io.errors import UnreadableImageError

# DEFLATE stores at most 258 bytes in 2 bits, about 1032 : 1 (RFC 1951); the rest is room for gzip's own header
_MAX_DEFLATE_RATIO = 1040

# limit and use of a container or a Slurm job, cgroup v2, then v1 (where no limit is a number near 2 ** 63)
_CGROUPS = (
    ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def available_memory_bytes() -> int:
    """Memory that can be taken without swapping, within the limit of the container; 8 GiB where nobody tells."""
    return min([found for found in (_meminfo_bytes(), _cgroup_bytes()) if found is not None], default=8 << 30)


def check_declared_size(path: Path, shape: tuple[int, ...], itemsize: int, copies: int = 2) -> None:
    """Refuse a header that declares an image which would not fit into memory ``copies`` times.

    Raises:
        UnreadableImageError: naming the size that was declared and the memory that is there.
    """
    declared, available = math.prod(shape) * itemsize, available_memory_bytes()
    if declared * copies > available:
        raise UnreadableImageError(
            path,
            f"its header declares {' x '.join(map(str, shape))} voxels, which need "
            f"{_in_words(declared * copies)} of memory where {_in_words(available)} are free",
            "check that the header is right, or crop the image or use a machine with more memory",
        )


def check_stored_size(path: Path, declared_bytes: int, stored_bytes: int, compressed: bool) -> None:
    """Refuse a file that is too short for what its header promises, as far as the size of the file alone tells.

    Raises:
        UnreadableImageError: naming both sizes.
    """
    if declared_bytes <= stored_bytes * (_MAX_DEFLATE_RATIO if compressed else 1):
        return
    held = f"{_in_words(stored_bytes)}{' compressed' if compressed else ''}"
    raise truncated(path, f"expected {_in_words(declared_bytes)} of voxels after its header, found {held}")


def truncated(path: Path, problem: str) -> UnreadableImageError:
    """The error for a file whose voxels are missing or damaged."""
    return UnreadableImageError(path, f"the file is cut short or damaged: {problem}", "copy or download it again")


def _meminfo_bytes() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) << 10
    except OSError:
        pass
    try:  # no /proc: macOS; total memory is the best that the standard library knows
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def _cgroup_bytes() -> int | None:
    for folder, limit_name, used_name, cache_key in _CGROUPS:
        try:
            limit = (Path(folder) / limit_name).read_text().strip()
            used = int((Path(folder) / used_name).read_text())
            counters = (Path(folder) / "memory.stat").read_text().splitlines()
        except OSError:
            continue
        if limit == "max":
            return None
        # the page cache counts as used there, but the kernel gives it back when asked
        cached = next((int(line.split()[1]) for line in counters if line.split()[0] == cache_key), 0)
        return max(int(limit) - used + cached, 0)
    return None


def _in_words(size_bytes: int) -> str:
    size, unit = float(size_bytes), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
