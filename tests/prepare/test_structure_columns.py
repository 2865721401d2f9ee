import pytest

from hnseg.prepare.masks import ANY_VALUE
from hnseg.prepare.structure_columns import StructureColumns, cell_file

LABELS = ("BrainStem", "Parotid_L", "Larynx")


@pytest.fixture
def csv(tmp_path):
    for name in ("a.nrrd", "b.nrrd", "map.nrrd"):
        (tmp_path / name).write_bytes(b"")
    return tmp_path / "cases.csv"


def columns(csv, present, values=None, aliases=None, labels=LABELS):
    found = StructureColumns(csv, set(present), labels, aliases or {})
    found.use_label_map("label", values)
    return found


def masks(found, row, not_annotated=""):
    return {name: (path.name, value) for name, (path, value) in found.masks(row, 2, not_annotated).items()}


def test_columns_in_other_spellings(csv):
    found = columns(csv, ["brain stem", "LeftParotid", "voice box"], aliases={"Voice_Box": "Larynx"})
    row = {"brain stem": "a.nrrd", "LeftParotid": "", "voice box": "b.nrrd"}
    assert masks(found, row) == {"BrainStem": ("a.nrrd", ANY_VALUE), "Larynx": ("b.nrrd", ANY_VALUE)}


def test_label_map_with_values_in_other_spellings_and_more_structures_than_wanted(csv):
    found = columns(csv, ["label"], {"Brainstem": 3, "Parotid-Lt": 4, "Larynx": 9, "Lens_L": 5})
    expected = {"BrainStem": 3, "Parotid_L": 4, "Larynx": 9, "Lens_L": 5}
    assert masks(found, {"label": "map.nrrd"}) == {name: ("map.nrrd", value) for name, value in expected.items()}


def test_what_nobody_looked_for_is_not_annotated(csv):
    found = columns(csv, ["label", "Larynx"])
    assert list(masks(found, {"label": "map.nrrd", "Larynx": ""}, "Brainstem; Larynx;")) == ["Parotid_L"]
    assert list(masks(found, {"label": "", "Larynx": ""}, "")) == []


def test_contradiction_and_unknown_names_are_refused(csv):
    found = columns(csv, ["label", "Larynx"])
    with pytest.raises(ValueError, match="line 2: Larynx has a mask in column 'Larynx' and is called not annotated"):
        masks(found, {"Larynx": "a.nrrd"}, "Larynx")
    with pytest.raises(ValueError, match=r"not annotated are \['Lens'\]"):
        masks(found, {"label": "map.nrrd"}, "Lens;Larynx")


def test_structure_without_a_column(csv):
    found = columns(csv, ["Larynx"])
    with pytest.raises(ValueError, match="no mask column for BrainStem"):
        found.refuse_missing("label", partial=False)
    found.refuse_missing("label", partial=True)
    assert masks(found, {"Larynx": "a.nrrd"}) == {"Larynx": ("a.nrrd", ANY_VALUE)}
    with pytest.raises(ValueError, match="no mask column for BrainStem"):
        columns(csv, ["Lens_L"]).refuse_missing("label", partial=True)


def test_two_spellings_of_one_structure_in_a_row(csv):
    found = columns(csv, ["Parotid_L", "LeftParotid"])
    assert list(masks(found, {"Parotid_L": "", "LeftParotid": "a.nrrd"})) == ["Parotid_L"]
    with pytest.raises(ValueError, match="leave one"):
        masks(found, {"Parotid_L": "b.nrrd", "LeftParotid": "a.nrrd"})


def test_cell_names_a_file(csv):
    assert cell_file(csv, {"ct": "a.nrrd"}, 2, "ct") == csv.parent / "a.nrrd"
    for cell in ("", "nowhere.nrrd"):
        with pytest.raises(ValueError, match="line 2"):
            cell_file(csv, {"ct": cell}, 2, "ct")
