import csv

import pandas as pd
import pytest

from hnseg.io import read_boxes, read_cases, read_rows, write_rows
from hnseg.types import BoxMm

BOXES = "PatientID,x1,x2,y1,y2,z1,z2\nCHGJ007,-70.5,70.1,-200,-56,30.25,174\nCHUM001,1,145,2,146,3,147\n"


def table(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_boxes_by_patient(tmp_path):
    boxes = read_boxes(table(tmp_path, BOXES))
    assert list(boxes) == ["CHGJ007", "CHUM001"]
    assert boxes["CHGJ007"] == BoxMm((-70.5, -200.0, 30.25), (70.1, -56.0, 174.0), "given")


def test_boxes_in_another_order_with_further_columns(tmp_path):
    boxes = read_boxes(table(tmp_path, "z2;z1;centre;y2;y1;x2;x1;PatientID\n6;5;CHB;4;3;2;1;A\n"))
    assert boxes == {"A": BoxMm((1.0, 3.0, 5.0), (2.0, 4.0, 6.0))}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("1,145,", "145,1,", r"line 3 \(CHUM001\): expected x1 < x2, found 145 and 1; correct or swap"),
        ("2,146", "146,146", "expected y1 < y2"),
        ("CHUM001", "CHGJ007", r"line 3: PatientID 'CHGJ007' was there on line 2"),
        ("30.25", "nan", r"line 2 \(CHGJ007\): expected millimetres in column z1, found 'nan'"),
        ("30.25", "", "column z1, found ''"),
        ("30.25", "inf", "column z1, found 'inf'"),
        ("30.25", "thirty", "column z1, found 'thirty'"),
        (",z2", ",zz", "found PatientID, x1, x2, y1, y2, z1, zz; add z2"),
        ("CHUM001", " ", "line 3: expected a name in column PatientID"),
        (",147", ",147,9", "line 3: expected 7 cells, found 8"),
        (",x2", ",x1", "columns x1 appear more than once"),
    ],
)
def test_boxes_that_cannot_be_right_are_refused(tmp_path, old, new, words):
    with pytest.raises(ValueError, match=rf"table\.csv.*{words}"):
        read_boxes(table(tmp_path, BOXES.replace(old, new, 1)))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_cases_as_spreadsheets_save_them(tmp_path, separator, encoding, newline):
    lines = [" case , ct ,note", "", 'A1,"scans/A 1.nii.gz", ', "Jos\u00e9,b.nii.gz,x", ",,", ""]
    text = newline.join(line.replace(",", separator) for line in lines)
    assert read_cases(table(tmp_path, text, encoding)) == [
        {"case": "A1", "ct": "scans/A 1.nii.gz", "note": ""},
        {"case": "Jos\u00e9", "ct": "b.nii.gz", "note": "x"},
    ]


def test_quotes_protect_separators_and_line_breaks(tmp_path):
    rows = read_cases(table(tmp_path, 'case,note,last\nA,"one, two\nthree",4\nB,x\n'))
    assert rows == [{"case": "A", "note": "one, two\nthree", "last": "4"}, {"case": "B", "note": "x", "last": ""}]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,ct\nA,b\n", "expected columns case, found name, ct; add case"),
        ("case,ct\nA,b\nA,c\n", "line 3: case 'A' was there on line 2"),
        ("case,ct\n,b\n", "line 2: expected a name in column case"),
        ("case,ct\n", "at least one row"),
        ("", "found an empty file"),
        ("\n\n", "found an empty file"),
    ],
)
def test_case_tables_that_cannot_be_used_are_refused(tmp_path, text, words):
    with pytest.raises(ValueError, match=rf"table\.csv.*{words}"):
        read_cases(table(tmp_path, text))


def test_another_encoding_a_folder_and_a_missing_table_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected UTF-8 text; save the table as 'CSV UTF-8'"):
        read_cases(table(tmp_path, "case,ct\nJos\u00e9,b\n", "latin-1"))
    with pytest.raises(ValueError, match=r"none\.csv: expected a CSV table \(No such file"):
        read_rows(tmp_path / "none.csv")
    with pytest.raises(ValueError, match="Is a directory"):
        read_rows(tmp_path)


def test_written_rows_come_back_and_pandas_agrees(tmp_path):
    path = tmp_path / "new" / "scores.csv"
    rows = [{"case": "A", "dice": 0.1 + 0.2, "note": 'a, "b"\nc'}, {"case": "B", "hd95_mm": float("inf"), "dice": None}]
    write_rows(path, rows)
    assert read_rows(path) == [
        {"case": "A", "dice": "0.30000000000000004", "note": 'a, "b"\nc', "hd95_mm": ""},
        {"case": "B", "dice": "", "note": "", "hd95_mm": "inf"},
    ]
    frame = pd.read_csv(path, float_precision="round_trip")
    assert frame["dice"][0] == 0.1 + 0.2
    assert frame["hd95_mm"][1] == float("inf")


def test_columns_give_the_order_and_refuse_others(tmp_path):
    path = tmp_path / "scores.csv"
    write_rows(path, [], ["case", "dice"])
    assert path.read_text() == "case,dice\n"
    with pytest.raises(ValueError, match="dice"):
        write_rows(path, [{"case": "A", "dice": 1}], ["case"])
    assert path.read_text() == "case,dice\n"
    with path.open(newline="") as file:
        assert next(csv.reader(file)) == ["case", "dice"]
