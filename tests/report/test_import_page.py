import json
import re

import pytest

from hnseg.report.canvas import PHANTOM_TEXT
from hnseg.report.import_page import MOST_PICTURES, write_import_page
from hnseg.report.import_words import left_out
from tests.report.html import Page, commands_in
from tests.report.imports import drawn, entry, left, make_import, record

PARIS = drawn("Parotid_L", "Parotis li.", notes=["one contour was left out"])


def page_of(folder, told, **made):
    return Page(write_import_page(make_import(folder, told, **made)).read_text(encoding="utf-8"))


def pictures(page):
    return [address for address in page.addresses if address.startswith("data:image/png")]


def test_a_page_of_every_kind_of_case(tmp_path):
    cases = [
        entry("P1", structures=[PARIS], unknown=["BODY", "z, ring"], notes=["a note of the case"]),
        entry("P2", pt=False, structures=[drawn("Parotid_L", "Lt Parotid", ml=2.5)], unknown=["BODY", "* ring"]),
        entry("P3-1", ct=False, patient="P3"),
        entry("P3-2", patient="P3"),
    ]
    (tmp_path / "ours").mkdir()
    page = page_of(tmp_path / "ours", record(cases))
    assert len(pictures(page)) == 4
    assert "4 cases of 3 patients, nothing left out" in page.text
    assert "1 case without CT: P3-1" in page.text
    assert "1 case without PET: P2" in page.text
    assert "2 cases without any structure" in page.text
    assert "Parotis li., Lt Parotid" in page.text
    assert "1.5 to 2.5" in page.text
    assert '"z, ring",' in page.text
    assert "* ring," not in page.text, "a name of which something is hidden is no alias"
    assert "a note of the case" in page.text
    assert "Parotid_L: one contour was left out" in page.text
    assert commands_in(page.text.partition("What comes next")[2]) == {"check", "train"}
    assert "data.csv=ours/cases.csv" in page.text
    assert str(tmp_path) not in page.text


def test_what_was_left_out_is_grouped_with_its_remedy(tmp_path):
    skipped = [
        left("no_weight", "PatientWeight (0010,1030) is missing; enter it", modality="PT", case="P1"),
        left("no_weight", "PatientWeight (0010,1030) is missing; enter it", modality="PT", case="P9", token="f-B"),
        left("no_weight", "PatientWeight (0010,1030) is 0; enter it", modality="PT", case="P9", token="f-C"),
        left("no_dicom", "it is not a DICOM file", kind="file", modality="", files=1),
        left("empty", "Parotid_L has no voxel", kind="structure", modality="", files=0, case="P1", token="Parotid_L"),
    ]
    page = page_of(tmp_path, record([entry("P1")], skipped))
    text = " ".join(page.text.split())
    assert "no weight 3 PT series; 30 files" in text
    assert "PatientWeight (0010,1030) is missing; enter it. 2 ×; P1, P9" in text
    assert text.index("no weight") < text.index("no dicom"), "the most frequent first"
    assert "f-AAAAAAAA f-B f-C" in text
    assert "No case came out of 1 patient: P9." in text
    assert "It is not a DICOM file." in text
    assert [group.tokens for group in left_out(skipped) if group.reason == "empty"] == [()], "its name is no token"


def test_nothing_came_out(tmp_path):
    page = page_of(
        tmp_path, record([], [left("truncated", "the file is cut short", kind="file", modality="", files=1)])
    )
    assert "no case came out" in page.text
    assert "The file is cut short." in page.text


@pytest.mark.parametrize("phantom", [False, True])
def test_a_phantom_is_marked(tmp_path, monkeypatch, phantom):
    marked = []
    monkeypatch.setattr("hnseg.report.import_page.case_picture", lambda *_, phantom: marked.append(phantom) or b"png")
    page = page_of(tmp_path, record([entry("P1")], phantom=phantom))
    assert marked == [phantom]
    assert (page.text.count(PHANTOM_TEXT) > 5) == phantom


def test_a_missing_file_costs_one_picture_and_shows_no_path(tmp_path):
    folder = make_import(tmp_path, record([entry("P1", structures=[PARIS])]))
    (folder / "P1" / "structures" / "Parotid_L.nii.gz").unlink()
    page = Page(write_import_page(folder).read_text(encoding="utf-8"))
    assert pictures(page) == []
    assert "missing or cannot be read" in page.text
    assert str(tmp_path) not in page.text


def test_many_cases_are_linked(tmp_path, monkeypatch):
    monkeypatch.setattr("hnseg.report.import_page.case_picture", lambda *_, **__: b"png")
    cases = [entry(f"P{number:03d}") for number in range(MOST_PICTURES + 2)]
    (tmp_path / "import.json").write_text(json.dumps(record(cases)))
    page = Page(write_import_page(tmp_path).read_text(encoding="utf-8"))
    assert len(pictures(page)) == MOST_PICTURES
    assert [address for address in page.addresses if address.endswith("/")] == ["P024/", "P025/"]


def test_free_text_is_escaped(tmp_path):
    told = record([entry("P1", unknown=["<script>alert(1)</script>"])])
    page = page_of(tmp_path, told)
    assert page.tags.count("script") == 1
    assert "<script>alert(1)</script>" in page.text


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cases": []}'])
def test_another_file_is_refused(tmp_path, text):
    (tmp_path / "import.json").write_text(text)
    with pytest.raises(ValueError, match=re.escape(str(tmp_path / "import.json"))):
        write_import_page(tmp_path)
