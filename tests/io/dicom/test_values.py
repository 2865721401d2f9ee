import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from hnseg.io.dicom.objects import RefusedDicomError
from hnseg.io.dicom.values import Values

POSITION, SLOPE, ROWS, FRAMES, UNITS, NAME, SERIES = (
    *(0x00200032, 0x00281053, 0x00280010, 0x00280008, 0x00541001, 0x00100010, 0x0020000E),
)


def holding(tag, content, vr=None, little=True):
    dataset = Dataset()
    dataset[tag] = RawDataElement(BaseTag(tag), vr, len(content), content, 0, vr is None, little)
    return Values(dataset)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"1.5 ", 1.5),
        (b" 1\0", 1.0),
        (b"-.5e+2", -50.0),
        (b"0.976562500000000001234", 0.976562500000000001234),  # longer than the 16 characters of the standard
        (b"", None),
        (b" ", None),
        (b"abc", None),
        (b"1,5", None),
        (b"1_0", None),
        (b"nan", None),
        (b"inf", None),
        (b"1e999", None),
        (b"1\\2", None),
        (b"\xff\xfe", None),
    ],
)
def test_a_decimal_string_is_a_finite_number_or_nothing(content, expected):
    assert holding(SLOPE, content, "DS").number(SLOPE) == expected
    assert holding(SLOPE, content).number(SLOPE) == expected, "implicit VR"


def test_lists_have_exactly_as_many_values_as_they_should():
    assert holding(POSITION, b"1\\-2.5\\3e1 ", "DS").numbers(POSITION, 3) == (1.0, -2.5, 30.0)
    for content in (b"1\\2", b"1\\2\\3\\4", b"1\\\\3", b"1\\2\\x", b"\\\\"):
        assert holding(POSITION, content, "DS").numbers(POSITION, 3) is None


def test_binary_numbers_in_either_order_and_without_a_known_vr():
    assert holding(ROWS, b"\x02\x01", "US").integer(ROWS) == 258
    assert holding(ROWS, b"\x02\x01", "US", little=False).integer(ROWS) == 513
    assert holding(ROWS, b"\x02\x01", "UN").integer(ROWS) == 258
    assert holding(ROWS, b"\x02\x01").integer(ROWS) == 258
    assert holding(ROWS, b"\x02\x01\x00\x00", "UL").integer(ROWS) == 258
    assert holding(ROWS, b"512 ", "IS").integer(ROWS) == 512
    for content in (b"\x02", b"", b"\x02\x01\x02\x01"):
        assert holding(ROWS, content, "US").integer(ROWS) is None


@pytest.mark.parametrize(
    ("content", "expected"), [(b"12", 12), (b"12.0", 12), (b"12.5", None), (b"1e30", None), (b"x", None)]
)
def test_integers_are_whole_and_not_huge(content, expected):
    assert holding(FRAMES, content, "IS").integer(FRAMES) == expected


def test_text_is_without_padding_and_uids_are_digits_and_dots():
    assert holding(UNITS, b"BQML \0", "CS").text(UNITS) == "BQML"
    assert holding(UNITS, b"A \\ B", "CS").texts(UNITS) == ("A", "B")
    assert holding(UNITS, b"  ", "CS").texts(UNITS) == ()
    assert holding(SERIES, b"1.2.3\0", "UI").uid(SERIES) == "1.2.3"
    for content in (b"../../etc", b"1.2/3", b"1" * 65, b"", b"1.2.\n3"):
        assert holding(SERIES, content, "UI").uid(SERIES) == ""


def test_names_are_read_in_the_character_set_of_the_file():
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset[NAME] = RawDataElement(BaseTag(NAME), "PN", 7, "Müller".encode(), 0, False, True)
    assert Values(dataset).written(NAME) == "Müller"
    assert holding(NAME, b"").written(NAME) == ""
    assert Values(Dataset()).written(NAME) == ""


@pytest.mark.filterwarnings("ignore:The PN component length")
def test_text_that_is_far_too_long_is_refused_and_not_cut():
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    for letter in ("A", "é", "あ"):
        content = (letter * 1025).encode()
        dataset[NAME] = RawDataElement(BaseTag(NAME), "PN", len(content), content, 0, False, True)
        with pytest.raises(RefusedDicomError, match=r"^PatientName \(0010,0010\) has more than 1024") as refusal:
            Values(dataset).written(NAME)
        assert refusal.value.reason == "too_long"
        content = (letter * 1024).encode()
        dataset[NAME] = RawDataElement(BaseTag(NAME), "PN", len(content), content, 0, False, True)
        assert Values(dataset).written(NAME) == letter * 1024
    for read in (Values.text, Values.texts):
        assert read(holding(UNITS, b"A" * 1023 + b"\\B", "CS"), UNITS)
        with pytest.raises(RefusedDicomError, match=r"^Units \(0054,1001\)"):
            read(holding(UNITS, b"A" * 1023 + b"\\BC", "CS"), UNITS)
    assert holding(SERIES, b"1" * 2000, "UI").uid(SERIES) == ""
    assert holding(SLOPE, b" " * 2000 + b"1", "DS").number(SLOPE) == 1.0


def test_a_huge_name_is_refused_before_it_is_decoded(monkeypatch):
    values, decoded = holding(NAME, b"A" * 8193), []
    monkeypatch.setattr(Dataset, "__getitem__", lambda _, tag: decoded.append(tag))
    with pytest.raises(RefusedDicomError):
        values.written(NAME)
    assert decoded == []


def test_what_pydicom_has_converted_reads_as_before():
    dataset = Dataset()
    dataset.Rows, dataset.RescaleSlope, dataset.ImagePositionPatient = 258, "1.5", [1, 2, 3]
    dataset.Units, dataset.ImageType, dataset.SeriesInstanceUID = "BQML", ["A", "B"], "1.2"
    values = Values(dataset)
    assert values.integer(ROWS) == 258
    assert values.number(SLOPE) == 1.5
    assert values.numbers(POSITION, 3) == (1.0, 2.0, 3.0)
    assert values.text(UNITS) == "BQML"
    assert values.texts(0x00080008) == ("A", "B")
    assert values.uid(SERIES) == "1.2"
    assert values.number(0x00280030) is None


def test_a_damaged_sequence_has_no_items():
    tag = 0x00540016
    for content in (b"", b"\x01\x02", b"\xfe\xff\x00\xe0\xff\xff\xff\x7f" + b"\x08\x00" * 3, b"garbage" * 9):
        values = holding(tag, content, "SQ")
        assert all(item.number(0x00181074) is None for item in values.items(tag))
    assert holding(SLOPE, b"1", "DS").items(SLOPE) == ()
