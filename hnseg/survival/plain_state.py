"""Nested plain data with arrays in two files: ``model.json`` and ``arrays.npz``, which may come from anybody.

Nothing in them is run and no name in them is imported. What reading costs is bounded by limits that are looked at
before anything is unpacked: the JSON's size and depth, the number of arrays, and that each array is stored
uncompressed, is of a plain number type and as large as its header says.
"""

from __future__ import annotations

import json
import math
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from hnseg.io import atomic_path

JSON_NAME, ARRAYS_NAME = "model.json", "arrays.npz"
MOST_JSON_BYTES = 1 << 20
MOST_ARRAY_BYTES = 1 << 30
MOST_ARRAYS = 50_000
MOST_DEPTH = 24
DTYPES = ("<f8", "<f4", "<i8", "<i4", "|b1", "|u1")

_REFERENCE = "$array"
_MEMBER = re.compile(r"a\d{1,6}\.npy", re.ASCII)
_END, _END_BYTES = b"PK\x05\x06", 22
_LARGE_END, _LARGE_END_BYTES = b"PK\x06\x07", 20
_DIRECTORY_ENTRY_BYTES = 128  # what NumPy writes for such a name takes less


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write nested dictionaries and lists of JSON types and numeric arrays, each file whole or not at all.

    Raises:
        AssertionError: something else is in it.
        DiskFullError: no room.
    """
    arrays: dict[str, NDArray[Any]] = {}
    text = json.dumps(_without_arrays(state, arrays), indent=1, allow_nan=False)
    assert len(text) <= MOST_JSON_BYTES
    assert len(arrays) <= MOST_ARRAYS
    with atomic_path(folder / ARRAYS_NAME) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]
    with atomic_path(folder / JSON_NAME) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_state(folder: Path) -> dict[str, Any]:
    """What :func:`write_state` wrote.

    Raises:
        ValueError: the files are not there, are damaged, or hold what no such state has.
    """
    path = folder / JSON_NAME
    arrays = _read_arrays(folder / ARRAYS_NAME)
    state = _with_arrays(_read_json(path), arrays, MOST_DEPTH, path)
    if arrays:
        raise ValueError(f"{folder / ARRAYS_NAME}: {len(arrays)} arrays that {JSON_NAME} does not name; copy it again")
    if not isinstance(state, dict):
        raise ValueError(f"{path}: expected an object, found {type(state).__name__}; this is no saved model")
    return state


def _without_arrays(value: Any, arrays: dict[str, NDArray[Any]]) -> Any:
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = np.ascontiguousarray(value).reshape(value.shape)
        assert arrays[name].dtype.str in DTYPES, f"arrays of {value.dtype} are not written"
        return {_REFERENCE: name}
    if isinstance(value, Mapping):
        assert _REFERENCE not in value
        assert all(isinstance(key, str) for key in value)
        return {key: _without_arrays(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_arrays(item, arrays) for item in value]
    assert value is None or isinstance(value, str | int | float), f"{type(value).__name__} is no plain data"
    return value


def _with_arrays(value: Any, arrays: dict[str, NDArray[Any]], depth: int, path: Path) -> Any:
    if depth == 0:
        raise ValueError(f"{path}: nested deeper than {MOST_DEPTH} levels; this is no saved model")
    if isinstance(value, list):
        return [_with_arrays(item, arrays, depth - 1, path) for item in value]
    if not isinstance(value, dict):
        return value
    if _REFERENCE not in value:
        return {key: _with_arrays(item, arrays, depth - 1, path) for key, item in value.items()}
    name = value[_REFERENCE]
    if len(value) > 1 or not isinstance(name, str) or name not in arrays:
        raise ValueError(f"{path}: refers to an array {str(name)[:20]!r} that {ARRAYS_NAME} lacks; copy both again")
    return arrays.pop(name)


def _read_json(path: Path) -> Any:
    if _bytes(path) > MOST_JSON_BYTES:
        raise ValueError(
            f"{path}: larger than the {MOST_JSON_BYTES >> 20} MiB of any saved model; it is something else"
        )
    try:
        return json.loads(
            path.read_text(encoding="utf-8"), object_pairs_hook=_unique, parse_constant=_finite, parse_float=_finite
        )
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: no readable JSON of a saved model ({str(error)[:80]}); copy it again") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text[:20]} is no finite number")
    return number


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    size = _bytes(path)
    if size > MOST_ARRAY_BYTES:
        raise ValueError(
            f"{path}: larger than the {MOST_ARRAY_BYTES >> 20} MiB of any saved model; it is something else"
        )
    _refuse_large_directory(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > size:
                raise ValueError("arrays overlap or are compressed")
            arrays = {member.filename.removesuffix(".npy"): _read_array(archive, member) for member in members}
    # what zipfile raises of a hostile file: NotImplementedError of an unknown compression, RuntimeError of encryption
    except (ValueError, OSError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: not the arrays of a saved model ({str(error)[:120]}); copy it again") from error
    if len(arrays) < len(members):
        raise ValueError(f"{path}: an array is there twice; this is no saved model")
    return arrays


def _refuse_large_directory(path: Path) -> None:
    """A zip file's list of members is read at once; its length is told by its last 22 bytes."""
    with path.open("rb") as file:
        file.seek(max(0, _bytes(path) - _END_BYTES - _LARGE_END_BYTES))
        tail = file.read()
    end = tail[-_END_BYTES:]
    plain = len(end) == _END_BYTES and end.startswith(_END) and end[-2:] == b"\0\0"
    members, directory = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
    small = members <= MOST_ARRAYS and directory <= members * _DIRECTORY_ENTRY_BYTES
    if not plain or not small or tail[:-_END_BYTES].startswith(_LARGE_END):
        raise ValueError(f"{path}: not the arrays of a saved model (no plain zip file of a few arrays); copy it again")


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    if not _MEMBER.fullmatch(member.filename) or member.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"the name or the compression of {member.filename[:40]!r}")
    with archive.open(member) as file:
        if npy.read_magic(file) != (1, 0):
            raise ValueError(f"the array format of {member.filename}")
        shape, fortran, dtype = npy.read_array_header_1_0(file, max_header_size=4096)
        if dtype.str not in DTYPES or fortran or min(shape, default=0) < 0 or len(shape) > 4:
            raise ValueError(f"{member.filename} is an array of {dtype.str} of shape {shape}")
        if math.prod(shape) * dtype.itemsize != member.file_size - file.tell():
            raise ValueError(f"{member.filename} is not as large as its shape {shape} says")
        return np.frombuffer(file.read(), dtype).reshape(shape).copy()


def _bytes(path: Path) -> int:
    if not path.is_file():
        raise ValueError(f"{path}: no such file; give the folder of a saved model")
    return path.stat().st_size
