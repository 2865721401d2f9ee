import csv
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from hnseg.intake.links import refuse_private, write_links
from hnseg.intake.plan import CasePlan
from hnseg.intake.pseudonyms import Pseudonyms
from hnseg.io.dicom.objects import FileHeader, PatientTags, RefusedDicomError, Series
from hnseg.io.dicom.scan import Scan
from hnseg.types import Grid

NAMES = Pseudonyms(bytes(32))


def header(path, modality, series_uid, sop_uid):
    return FileHeader(Path(path), modality, "", sop_uid, series_uid, "1.9", "1.8", "", PatientTags("0815", "Doe^J"))


def scanned():
    files = tuple(header(f"/in/ct{i}", "CT", "1.1", f"1.1.{i}") for i in range(2))
    drawn = header("/in/rs", "RTSTRUCT", "1.2", "1.2.1")
    series = Series("ct", files, Grid((2, 4, 4), (1.0, 1.0, 1.0)), np.zeros((2, 2)))
    plan = CasePlan("P7", "P7", (drawn.patient,), series, None, (drawn,))
    bad = (Path("/in/notes.txt"), RefusedDicomError("no_dicom", "it is not a DICOM file"))
    return plan, Scan((*files, drawn), (bad,))


def test_every_name_and_what_it_stands_for(tmp_path):
    plan, found = scanned()
    path = tmp_path / "private" / "links.csv"
    write_links(path, [plan], found, NAMES)
    with path.open(encoding="utf-8", newline="") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    assert rows == [
        ("kind", "name", "patient_id", "path"),
        ("case", "P7", "0815", "/in/ct0"),
        ("series", NAMES.token("1.1"), "0815", "/in/ct0"),
        ("series", NAMES.token("1.2"), "0815", "/in/rs"),
        ("object", NAMES.token("1.2.1"), "0815", "/in/rs"),
        ("file", NAMES.token("/in/notes.txt"), "", "/in/notes.txt"),
    ]
    assert "Doe" not in path.read_text(encoding="utf-8")


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_only_the_owner_can_read_it(tmp_path):
    plan, found = scanned()
    path = tmp_path / "links.csv"
    path.write_text("old")
    path.chmod(0o644)
    write_links(path, [plan], found, NAMES)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_not_among_the_cases(tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    (tmp_path / "elsewhere").symlink_to(output)
    for inside in (output / "links.csv", output / "a" / "links.csv", output, tmp_path / "elsewhere" / "links.csv",
                   output / ".." / "out" / "links.csv"):  # fmt: skip
        with pytest.raises(ValueError, match="lies inside"):
            refuse_private(inside, output)
    refuse_private(tmp_path / "links.csv", output)
    refuse_private(tmp_path / "out2" / "links.csv", output)
