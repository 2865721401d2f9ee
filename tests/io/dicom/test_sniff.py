import os
from pathlib import Path

import pytest

from hnseg.io.dicom.sniff import LOOKED_AT, holds_dicom


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("IM0001", b"\0" * 128 + b"DICM", True),
        ("slice.DCM", b"", True),
        ("image.nii.gz", b"\x1f\x8b" + b"\0" * 200, False),
        ("short", b"DICM", False),
    ],
)
def test_dicom_is_known_by_its_mark_or_name(name: str, content: bytes, found: bool, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / name).write_bytes(content)
    assert holds_dicom(tmp_path) is found


def test_a_large_folder_of_other_things_is_given_up_on(tmp_path: Path) -> None:
    for number in range(LOOKED_AT):
        (tmp_path / f"a{number:05d}").touch()
    (tmp_path / "z.dcm").touch()
    assert not holds_dicom(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dcm")
    assert not holds_dicom(tmp_path)
