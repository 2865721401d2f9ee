import base64
import hashlib
import hmac
import os
import re
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnseg.intake.pseudonyms import Pseudonyms, load_key, read_mapping
from hnseg.io.dicom.objects import RefusedDicomError
from hnseg.prepare.findings import usable_case_id

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=64).filter(str.strip)


def test_a_case_is_the_keyed_hash_of_the_patient_id():
    digest = hmac.new(KEY, b"12345678", hashlib.sha256).digest()
    assert Pseudonyms(KEY).case("12345678", "1.2.3") == "P" + base64.b32encode(digest).decode()[:10]


@given(TEXTS, TEXTS)
def test_names_are_stable_usable_and_say_nothing_without_the_key(patient_id, study_uid):
    names = Pseudonyms(KEY)
    case = names.case(patient_id, study_uid)
    assert case == Pseudonyms(bytes(KEY)).case(f" {patient_id} ", "another study")
    assert re.fullmatch("P[A-Z2-7]{10}", case)
    assert usable_case_id(case)
    assert case != Pseudonyms(OTHER).case(patient_id, study_uid)
    assert re.fullmatch("f-[A-Z2-7]{8}", names.token(patient_id))
    assert names.token(patient_id) != Pseudonyms(OTHER).token(patient_id)
    assert names.token(patient_id)[2:] != case[1:9], "a token must not lead to a patient"


def test_the_study_stands_in_for_an_empty_id():
    names = Pseudonyms(KEY)
    assert names.case(" ", "1.2.3") == names.case("", "1.2.3") != names.case("", "1.2.4")
    with pytest.raises(RefusedDicomError) as refused:
        names.case("", "")
    assert refused.value.reason == "no_patient"


def test_nothing_shows_the_key_or_an_id():
    shown = repr(Pseudonyms(b"secret" * 4, {"4711-0815": {"case": "A"}}))
    assert "secret" not in shown
    assert "4711" not in shown


def test_short_keys_are_refused():
    with pytest.raises(ValueError, match="at least 16 bytes, this one has 15"):
        Pseudonyms(b"x" * 15)


@pytest.fixture
def table(tmp_path):
    def write(text):
        (tmp_path / "names.csv").write_text(text, encoding="utf-8")
        return tmp_path / "names.csv"

    return write


def test_a_users_own_mapping_wins(table):
    path = table("patient_id,case,centre,split\n00123,HN-001,CHUM,train\n124,HN-002,,\n")
    names = Pseudonyms(KEY, read_mapping(path))
    assert names.case("00123 ", "1.2") == "HN-001"
    assert (names.centre("00123"), names.part("00123")) == ("CHUM", "train")
    assert (names.centre("124"), names.part("124")) == ("", "")
    for unknown in ("123", "", "HN-001"):
        with pytest.raises(RefusedDicomError, match=r"PatientID \(0010,0020\)") as refused:
            names.case(unknown, "1.2")
        assert refused.value.reason == "not_in_mapping"
    assert Pseudonyms(KEY).centre("00123") == Pseudonyms(KEY).part("00123") == ""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("patient_id,case\n4711abc,A\n4711abc,B\n", "line 3: the same patient id was on line 2"),
        ("patient_id,case\n4711abc,A\n4712abc,a\n", "line 3: the same case name was on line 2"),
        ("patient_id,case\n4711abc,../A\n", "line 2: the case name can be no folder"),
        ("patient_id,case\n4711abc,\n", "line 2: the case name can be no folder"),
        ("patient_id,case\n,A\n", "line 2: expected a patient id"),
        ("patient_id,case,split\n4711abc,A,4711abc\n", "line 2: split is neither"),
        ("patient_id,case\n4711abc,A,4711abc\n", "line 2: expected 2 cells"),
        ("4711abc,A\n4712abc,B\n", "expected the columns patient_id and case"),
        ("4711abc,4711abc\n", "expected the columns patient_id and case"),
        ("", "names.csv"),
    ],
)
def test_errors_of_a_mapping_name_the_line_and_never_the_id(table, text, says):
    path = table(text)
    with pytest.raises(ValueError, match=says) as error:
        read_mapping(path)
    told = str(error.value).replace(str(path), "")
    assert "4711" not in told
    assert "4712" not in told


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path):
    path = tmp_path / "private" / "import.key"
    key = load_key(path)
    assert len(key) == 32
    assert load_key(path) == key
    assert load_key(tmp_path / "another.key") != key
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_that_others_can_read_is_refused(tmp_path, mode):
    path = tmp_path / "import.key"
    load_key(path)
    path.chmod(mode)
    with pytest.raises(ValueError, match="chmod 600"):
        load_key(path)


def test_a_short_key_is_refused(tmp_path):
    path = tmp_path / "import.key"
    path.write_bytes(b"x" * 15)
    path.chmod(0o600)
    with pytest.raises(ValueError, match="at least 16 bytes, this one has 15"):
        load_key(path)
    path.write_bytes(b"x" * 16)
    assert load_key(path) == b"x" * 16


def test_a_key_that_is_a_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a file with a key"):
        load_key(tmp_path)
