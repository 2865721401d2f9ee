import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest

from hnseg.survival.plain_state import ARRAYS_NAME, JSON_NAME, MOST_JSON_BYTES, read_state, write_state
from tests.survival.hostile_files import Bomb, archive, npy, refuse

STATE = {
    "name": "cox",
    "numbers": [1, 2.5, True, None],
    "nested": {"weights": np.arange(6.0).reshape(2, 3), "more": [{"counts": np.array([3, 4])}]},
    "scalar": np.array(2.0),
    "none": np.zeros((0, 3), np.float32),
    "flags": np.array([True, False]),
}


@pytest.fixture
def folder(tmp_path):
    write_state(tmp_path, STATE)
    return tmp_path


def test_what_is_written_is_read_bit_by_bit(folder):
    found = read_state(folder)
    assert found["numbers"] == STATE["numbers"]
    assert type(found["numbers"][2]) is bool
    for array, expected in [
        (found["nested"]["weights"], STATE["nested"]["weights"]),
        (found["nested"]["more"][0]["counts"], np.array([3, 4])),
        *((found[name], STATE[name]) for name in ("scalar", "none", "flags")),
    ]:
        assert array.dtype == expected.dtype
        assert array.shape == expected.shape
        assert array.tobytes() == expected.tobytes()
        assert array.flags.writeable


def test_numpy_reads_the_arrays_without_pickle(folder):
    with np.load(folder / ARRAYS_NAME, allow_pickle=False) as arrays:
        assert sorted(arrays) == ["a0", "a1", "a2", "a3", "a4"]


@pytest.mark.parametrize("value", [{1, 2}, np.array(["text"]), np.array([None]), b"bytes", {"$array": 1}])
def test_only_plain_data_are_written(tmp_path, value):
    with pytest.raises(AssertionError):
        write_state(tmp_path, {"value": value})


def test_a_number_that_is_not_finite_has_no_place_in_json(tmp_path):
    with pytest.raises(ValueError):
        write_state(tmp_path, {"value": float("nan")})


@pytest.mark.parametrize("name", [JSON_NAME, ARRAYS_NAME])
def test_a_file_that_is_not_there_is_named(folder, name):
    (folder / name).unlink()
    refuse(folder, f"{name}: no such file")


def test_a_pickle_in_place_of_the_arrays_is_not_run(folder):
    (folder / ARRAYS_NAME).write_bytes(pickle.dumps(Bomb()))
    refuse(folder, "not the arrays of a saved model")


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_array_of_objects_is_not_run(folder, wrapped):
    content = npy(np.array([Bomb()], object), pickled=True) if wrapped else pickle.dumps(Bomb())
    archive(folder / ARRAYS_NAME, [("a0.npy", content)])
    refuse(folder, "not the arrays of a saved model")


@pytest.mark.parametrize("dtype", ["<U8", "<M8[s]", "<c16", ">f8", "<f2", [("x", "<f8")], "|V8"])
def test_arrays_of_other_types_are_refused(folder, dtype):
    archive(folder / ARRAYS_NAME, [("a0.npy", npy(np.zeros(3, dtype)))])
    refuse(folder, "is an array of")


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ("(1000000000000,)", "not as large as its shape"),
        ("(4294967296, 4294967296)", "not as large as its shape"),
        ("(2,)", "not as large as its shape"),
        ("(-1,)", "is an array of <f8 of shape"),
        ("(-3, -1)", "is an array of <f8 of shape"),
        ("(1, 1, 1, 1, 3)", "is an array of <f8 of shape"),
        ("(3.0,)", "shape is not valid"),
    ],
)
def test_a_shape_that_is_not_the_size_of_the_data_is_refused(folder, shape, sentence):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    archive(folder / ARRAYS_NAME, [("a0.npy", npy(np.zeros(3), header))])
    refuse(folder, sentence)


def test_code_in_an_array_header_is_not_run(folder):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': exec('raise SystemExit')}"
    archive(folder / ARRAYS_NAME, [("a0.npy", npy(np.zeros(3), header))])
    refuse(folder, "not the arrays of a saved model")


def test_a_zip_bomb_is_not_unpacked(folder):
    with zipfile.ZipFile(folder / ARRAYS_NAME, "w", zipfile.ZIP_DEFLATED) as file, file.open("a0.npy", "w") as member:
        header = "{'descr': '<f8', 'fortran_order': False, 'shape': (8388608,), }"
        member.write(npy(np.zeros(0), header))
        for _ in range(64):
            member.write(bytes(1 << 20))
    assert (folder / ARRAYS_NAME).stat().st_size < 1 << 20
    refuse(folder, "overlap or are compressed")


def test_members_that_share_their_bytes_are_refused(folder):
    """Many names in the directory for one member: each alone is sound."""
    path = folder / ARRAYS_NAME
    archive(path, [(f"a{number}.npy", npy(np.zeros(2000)) if number == 0 else b"") for number in range(9)])
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\x01\x02")
    entry = content[start : start + 46 + len("a0.npy")]
    copies = b"".join(entry[:46] + f"a{number}.npy".encode() for number in range(9))
    end = content[-22:]
    end[12:16] = struct.pack("<I", len(copies))
    path.write_bytes(content[:start] + copies + end)
    refuse(folder, "not the arrays of a saved model")


def test_a_directory_of_millions_of_members_is_not_read(folder):
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 65535, 65535, 200 << 20, 0, 0)
    with (folder / ARRAYS_NAME).open("wb") as file:
        file.truncate(200 << 20)
        file.seek(0, io.SEEK_END)
        file.write(end)
    refuse(folder, "no plain zip file")
    large = struct.pack("<4sIQI", b"PK\x06\x07", 0, 0, 1)
    (folder / ARRAYS_NAME).write_bytes(bytes(100) + large + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0))
    refuse(folder, "no plain zip file")


@pytest.mark.parametrize("name", ["../a0.npy", "/tmp/a0.npy", "a0.npy/../../x", "a0", "a0.npz", "b0.npy", "a٣.npy"])
def test_names_that_lead_elsewhere_are_refused(folder, name):
    archive(folder / ARRAYS_NAME, [(name, npy(np.zeros(3)))])
    refuse(folder, "not the arrays of a saved model")


def test_an_array_twice_too_many_or_missing_is_refused(folder):
    with pytest.warns(UserWarning, match="Duplicate"):
        archive(folder / ARRAYS_NAME, [("a0.npy", npy(np.zeros(3)))] * 2)
    refuse(folder, "twice")
    archive(folder / ARRAYS_NAME, [(f"a{number}.npy", npy(np.zeros(3))) for number in range(6)])
    refuse(folder, "1 arrays that model.json does not name")
    archive(folder / ARRAYS_NAME, [(f"a{number}.npy", npy(np.zeros(3))) for number in range(4)])
    refuse(folder, "refers to an array 'a4'")


def test_a_damaged_byte_is_noticed(folder):
    content = bytearray((folder / ARRAYS_NAME).read_bytes())
    content[content.index(STATE["nested"]["weights"].tobytes()) + 9] ^= 1
    (folder / ARRAYS_NAME).write_bytes(content)
    refuse(folder, "CRC")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[" * 100_000 + "]" * 100_000, "no readable JSON|nested deeper"),
        ('{"a":' * 60 + "1" + "}" * 60, "nested deeper than 24"),
        ('{"a": NaN}', "no finite number"),
        ('{"a": 1e999}', "no finite number"),
        ('{"a": 1' + "0" * 6000 + "}", "no readable JSON"),
        ('{"a": 1, "a": 2}', "there twice"),
        ('{"a": {"$array": "a0", "more": 1}}', "refers to an array"),
        ('{"a": {"$array": ["a0"]}}', "refers to an array"),
        ('{"a": {"$array": "../../etc/passwd"}}', "refers to an array"),
        ('{"a": ', "no readable JSON"),
        ("\x00\xff", "no readable JSON"),
    ],
)
def test_json_that_no_saved_model_has_is_refused(folder, text, sentence):
    (folder / JSON_NAME).write_text(text, encoding="latin-1")
    refuse(folder, sentence)


def test_json_of_a_gigabyte_is_not_read(folder):
    with (folder / JSON_NAME).open("wb") as file:
        file.write(b"[" * 4096)
        file.truncate(1 << 30)
    refuse(folder, "larger than the 1 MiB")
    (folder / JSON_NAME).write_text("[" + "[]," * (MOST_JSON_BYTES // 3 - 9) + "[]]")
    refuse(folder, "expected an object|arrays that model.json does not name")


def test_json_that_is_no_object_is_refused(tmp_path):
    write_state(tmp_path, {})
    (tmp_path / JSON_NAME).write_text(json.dumps([1]))
    refuse(tmp_path, "expected an object, found list")
