import json

import nibabel as nib
import numpy as np
import pytest

from hnseg.io import read_volume
from hnseg.io.clicks import FileClick, read_clicks
from hnseg.types import AXIAL_DIRECTION, Click, Grid

GRID = Grid((4, 5, 6), (3.0, 2.0, 1.0), (10.0, 20.0, 30.0))
ONE = ("GTVt",)
CSV = """case,x,y,z,frame,kind,structure
CHUM-001,1.5,-2,3e1,LPS,positive,GTVp
CHUM-001,1.5,-2,30,ras,-,
CHUS-007,2,1,0,voxel,1,GTVn
"""


@pytest.fixture
def read(tmp_path):
    def write_and_read(content, name="clicks.csv", cases=()):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return read_clicks(path, cases)

    return write_and_read


def markups(*points, name="F", frame="LPS"):
    """Points (label, position) as Slicer 5 writes them."""
    controls = [
        {"id": str(n), "label": label, "position": at, "selected": True, "positionStatus": "defined"}
        for n, (label, at) in enumerate(points, start=1)
    ]
    one = {"type": "Fiducial", "coordinateSystem": frame, "coordinateUnits": "mm", "controlPoints": controls}
    schema = "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema"
    return {"@schema": f"{schema}/markups-schema-v1.0.3.json#", "markups": [one | ({"name": name} if name else {})]}


def test_a_table_of_clicks(read):
    clicks = read(CSV)
    assert clicks == {
        "CHUM-001": (
            FileClick((1.5, -2.0, 30.0), "LPS", True, "GTVp"),
            FileClick((1.5, -2.0, 30.0), "RAS", False),
        ),
        "CHUS-007": (FileClick((2.0, 1.0, 0.0), "voxel", True, "GTVn"),),
    }
    assert clicks["CHUS-007"][0].place.endswith("clicks.csv, line 4")
    semicolons = read(CSV.replace(",", ";").replace("\n", "\n\n"))
    assert semicolons == clicks
    assert semicolons["CHUS-007"][0].place.endswith("line 7")


def test_the_same_records_as_json(read):
    records = [
        {"case": "CHUM-001", "x": 1.5, "y": -2, "z": "30", "frame": "LPS", "kind": "positive", "structure": "GTVp"},
        {"case": "CHUM-001", "x": 1.5, "y": -2, "z": 30, "frame": "RAS", "kind": 0, "structure": None},
        {"case": "CHUS-007", "x": 2, "y": 1, "z": 0, "frame": "voxel", "kind": 1, "structure": "GTVn"},
    ]
    assert read(records, "clicks.json") == read(CSV)
    assert read([], "clicks.json") == {}


@pytest.mark.parametrize(
    ("kind", "positive"),
    [("positive", True), ("1", True), ("+", True), ("Negative", False), ("0", False), ("-", False)],
)
def test_positive_or_negative(read, kind, positive):
    assert read(f"case,x,y,z,frame,kind\nA,1,2,3,LPS,{kind}\n")["A"][0].positive is positive


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("LPS", "", "line 2: expected the frame LPS, RAS, voxel, found ''"),
        ("LPS", "mm", "line 2: .* found 'mm'"),
        ("voxel", "ijk", "line 4: .* found 'ijk'"),
        ("positive", "", "line 2: expected the kind .* found ''"),
        (",1,GTVn", ",2,GTVn", "line 4: expected the kind .* found '2'"),
        ("1.5,-2,30,ras", "1.5,,30,ras", "line 3: expected a number in y, found ''"),
        ("1.5,-2,30,ras", "1.5,-2,nan,ras", "line 3: expected a number in z, found 'nan'"),
        ("CHUS-007", "", "line 4: expected the name of a patient"),
        ("frame", "Rahmen", "expected columns case, x, y, z, frame, kind, found .*; add frame"),
        ("kind", "sort", "add kind"),
    ],
)
def test_a_line_that_is_no_click_is_named(read, old, new, says):
    with pytest.raises(ValueError, match=says) as caught:
        read(CSV.replace(old, new, 1))
    assert "clicks.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"case": "A"}, "expected a list of clicks"),
        ([3], "click 1: expected the keys .* found 3"),
        ([{"case": "A", "x": 1, "y": 2, "z": 3, "kind": 1}], "click 1: expected the keys case, x, y, z, frame"),
        ([{"case": "A", "x": 1, "y": 2, "z": 3, "frame": None, "kind": 1}], "click 1: expected the frame"),
        ([{"case": "A", "x": True, "y": 2, "z": 3, "frame": "LPS", "kind": 1}], "a number in x, found True"),
        ([{"case": "A", "x": None, "y": 2, "z": 3, "frame": "LPS", "kind": 1}], "a number in x, found None"),
        ("{", "expected JSON"),
    ],
)
def test_json_that_holds_no_clicks_is_named(read, content, says):
    with pytest.raises(ValueError, match=says) as caught:
        read(content, "clicks.json")
    assert "clicks.json" in str(caught.value)


def test_nothing_there(tmp_path):
    for name in ("no.csv", "no.json", "no.mrk.json", "no.fcsv"):
        with pytest.raises(ValueError, match=name):
            read_clicks(tmp_path / name)
    with pytest.raises(ValueError, match=r"expected 3D Slicer's point lists \(\.mrk\.json, \.fcsv\), found none"):
        read_clicks(tmp_path)


def test_lps_ras_and_voxels_of_the_same_place(rotation):
    """A grid whose axes are turned, flipped and of three spacings: each wrong sign or order is elsewhere."""
    grid = Grid(GRID.shape_zyx, GRID.spacing_mm, GRID.origin_mm, rotation @ (AXIAL_DIRECTION * [-1, 1, -1]))
    column, row, slice_ = 4.5, 1.0, 2.0
    x, y, z = grid.to_lps_mm(np.array([slice_, row, column]))
    for frame, position in (("LPS", (x, y, z)), ("RAS", (-x, -y, z)), ("voxel", (column, row, slice_))):
        click = FileClick(position, frame, True).click(grid, ONE)
        assert click.structure == "GTVt"
        np.testing.assert_allclose(click.lps_mm, (x, y, z), atol=1e-9)
    assert FileClick((5.0, 2.0, 1.0), "voxel", True).click(GRID, ONE).lps_mm == (15.0, 24.0, 33.0)


@pytest.fixture
def rotation():
    c, s = np.cos(0.4), np.sin(0.4)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def test_voxels_are_those_of_the_file_as_stored(tmp_path):
    """Against nibabel: its first index is the file's first axis, its world is RAS; the second axis is flipped here."""
    affine = np.array([[2.0, 0, 0, -30], [0, -3.0, 0, 40], [0, 0, 4.0, 5], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(np.zeros((7, 6, 5), np.int16), affine), tmp_path / "A.nii.gz")
    right, front, up = (affine @ [6, 1, 3, 1])[:3]
    grid = read_volume(tmp_path / "A.nii.gz").grid
    assert grid.shape_zyx == (5, 6, 7)
    click = FileClick((6.0, 1.0, 3.0), "voxel", True).click(grid, ONE)
    np.testing.assert_allclose(click.lps_mm, (-right, -front, up), atol=1e-4)
    np.testing.assert_allclose(FileClick((right, front, up), "RAS", True).click(grid, ONE).lps_mm, click.lps_mm)


def test_whose_a_click_is():
    both = ("GTVp", "GTVn")
    named = FileClick((1.0, 2.0, 3.0), "LPS", True, "GTVn")
    assert named.click(GRID, both) == Click((1.0, 2.0, 3.0), "GTVn")
    assert FileClick((1.0, 2.0, 3.0), "LPS", True).click(GRID, ONE).structure == "GTVt"
    assert FileClick((1.0, 2.0, 3.0), "LPS", False).click(GRID, both).structure is None
    assert FileClick((1.0, 2.0, 3.0), "LPS", False, "GTVt").click(GRID, ONE).structure is None
    assert FileClick((1.0, 2.0, 3.0), "LPS", True, "", ("F-1", "gtvN", "GTVp")).click(GRID, both).structure == "GTVn"
    assert FileClick((1.0, 2.0, 3.0), "LPS", True, "", ("F-1",)).click(GRID, ONE).structure == "GTVt"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"structure": "GTVt"}, r"a\.csv, line 3: expected one of \['GTVp', 'GTVn'\], found the structure GTVt"),
        ({"positive": False, "structure": "GTVt"}, "found the structure GTVt"),
        ({"positive": False, "structure": "GTVn"}, r"line 3: a negative click .* leave its structure empty"),
        ({"names": ("F-1", "F")}, "but it is called F-1 and F; name one"),
        ({}, "but it names none; name one"),
    ],
)
def test_a_click_of_no_known_structure_is_named(changes, says):
    click = FileClick(
        **{"position": (1.0, 2.0, 3.0), "frame": "LPS", "positive": True, "place": "a.csv, line 3"} | changes
    )
    with pytest.raises(ValueError, match=says):
        click.click(GRID, ("GTVp", "GTVn"))


def test_a_list_of_slicer_is_of_the_patient_that_its_file_is_named_after(read):
    content = markups(("F-1", [1, 2, 3]), ("GTVn-2", [4, 5, 6]), frame="RAS")
    assert read(content, "CHUM-001.mrk.json") == {
        "CHUM-001": (
            FileClick((-1, -2, 3), "LPS", True, "", ("F-1", "F")),
            FileClick((-4, -5, 6), "LPS", True, "", ("GTVn-2", "GTVn", "F")),
        )
    }
    assert read(content, "CHUM-001.json") == read(content, "CHUM-001.mrk.json")


@pytest.mark.parametrize(
    ("stem", "case"),
    [("A", "A"), ("A_positive", "A"), ("A_1", "A_1"), ("A_1.second", "A_1"), ("AB_1", "AB_1"), ("B", "B")],
)
def test_of_several_patients_it_is_the_one_whose_whole_name_the_file_begins_with(read, stem, case):
    assert list(read(markups(("F-1", [1, 2, 3])), f"{stem}.mrk.json", cases=("A", "A_1", "X"))) == [case]


@pytest.mark.parametrize(
    ("stem", "name", "label", "positive"),
    [
        ("A", "F", "F-1", True),
        ("A", "F", "negative", False),
        ("A", "F", "Background 2", False),
        ("A", "F", "-", False),
        ("A", "F", "- muscle", False),
        ("A", "tumour negative", "F-1", False),
        ("A_negative", "", "1", False),
        ("A_tumour-negative", "", "1", False),
        ("A", "A", "A-1", True),  # as Slicer names the points of a list that it named after the file
        ("A-negative", "A-negative", "A-negative-1", False),
        ("A_1", "", "1", True),
    ],
)
def test_what_makes_a_click_of_slicer_negative(read, stem, name, label, positive):
    (click,) = read(markups((label, [1, 2, 3]), name=name), f"{stem}.mrk.json", cases=("A",))["A"]
    assert click.positive is positive


def test_a_patients_name_makes_no_click_negative(read):
    content = markups(("HPV-negative_3-1", [1, 2, 3]), name="HPV-negative_3")
    (click,) = read(content, "HPV-negative_3.mrk.json", cases=("HPV-negative_3",))["HPV-negative_3"]
    assert (click.positive, click.names) == (True, ("1",))


def test_a_folder_of_lists(tmp_path):
    (tmp_path / "A.mrk.json").write_text(json.dumps(markups(("F-1", [1, 2, 3]))))
    (tmp_path / "A_negative.mrk.json").write_text(json.dumps(markups(("N-1", [4, 5, 6]), name="N")))
    header = "# CoordinateSystem = RAS\n# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID\n"
    (tmp_path / "B.fcsv").write_text(f"{header}0,7,8,9,0,0,0,1,1,1,0,GTVp-1,,\n1,7,8,9,0,0,0,1,1,1,0,negative-2,,\n")
    (tmp_path / "notes.txt").write_text("not a list")
    clicks = read_clicks(tmp_path, ("A", "B"))
    assert [(c.position, c.positive) for c in clicks["A"]] == [((1, 2, 3), True), ((4, 5, 6), False)]
    assert [(c.position, c.positive, c.names[0]) for c in clicks["B"]] == [
        ((-7.0, -8.0, 9.0), True, "GTVp-1"),
        ((-7.0, -8.0, 9.0), False, "negative-2"),
    ]
    assert clicks["B"][0].click(GRID, ("GTVn", "GTVp")).structure == "GTVp"


def test_in_words_two_clicks_differ_where_anything_does():
    click = FileClick((1.0, 2.0, 3.0), "LPS", True, "GTVp")
    others = [
        FileClick((1.0, 2.0, 3.0000001), "LPS", True, "GTVp"),
        FileClick((1.0, 2.0, 3.0), "RAS", True, "GTVp"),
        FileClick((1.0, 2.0, 3.0), "LPS", False, "GTVp"),
        FileClick((1.0, 2.0, 3.0), "LPS", True, "GTVn"),
    ]
    assert str(click) == "positive LPS 1.0 2.0 3.0 GTVp"
    assert len({str(other) for other in (click, *others)}) == 5
