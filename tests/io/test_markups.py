import json

import pytest

from hnseg.io.markups import SlicerPoint, is_markups, read_markups

SCHEMA = "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"


def control_point(number, label, position, status="defined"):
    return {
        "id": str(number),
        "label": label,
        "description": "",
        "associatedNodeID": "vtkMRMLScalarVolumeNode1",
        "position": position,
        "orientation": [-1.0, -0.0, -0.0, -0.0, -1.0, -0.0, 0.0, 0.0, 1.0],
        "selected": True,
        "locked": False,
        "visibility": True,
        "positionStatus": status,
    }


def slicer_list(*points, name="F", **changes):
    """A list as Slicer 5 writes it."""
    content = {
        "type": "Fiducial",
        "name": name,
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": False,
        "fixedNumberOfControlPoints": False,
        "labelFormat": "%N-%d",
        "lastUsedControlPointNumber": len(points),
        "controlPoints": list(points),
        "measurements": [],
        "display": {"visibility": False, "opacity": 1.0, "color": [0.4, 1.0, 1.0]},
    } | changes
    return {key: value for key, value in content.items() if value is not None}


def write(path, *lists):
    path.write_text(json.dumps({"@schema": f"{SCHEMA}markups-schema-v1.0.3.json#", "markups": list(lists)}))
    return path


@pytest.fixture
def path(tmp_path):
    return tmp_path / "CHUM-001.mrk.json"


def positions(path):
    return [point.position_lps_mm for point in read_markups(path)]


def test_points_in_lps(path):
    write(path, slicer_list(control_point(1, "F-1", [-53.5, -73.25, 12.0]), control_point(2, "F-2", [1, 2, 3])))
    first, second = read_markups(path)
    assert first == SlicerPoint((-53.5, -73.25, 12.0), "F-1", "F", f"{path}, list F, point 1")
    assert (second.position_lps_mm, second.label) == ((1.0, 2.0, 3.0), "F-2")
    assert is_markups(path)


def test_right_and_front_become_left_and_back(path):
    write(path, slicer_list(control_point(1, "F-1", [-53.5, -73.25, 12.0]), coordinateSystem="RAS"))
    assert positions(path) == [(53.5, 73.25, 12.0)]


def test_every_list_of_a_file_with_the_frame_and_the_name_of_each(path):
    lists = [
        slicer_list(control_point(1, "a", [1, 2, 3]), name="one"),
        slicer_list(control_point(1, "b", [1, 2, 3]), name="two", coordinateSystem="RAS"),
        slicer_list(name="empty", controlPoints=None),
    ]
    points = read_markups(write(path, *lists))
    assert [(p.list_name, p.label, p.position_lps_mm[0]) for p in points] == [("one", "a", 1), ("two", "b", -1)]


@pytest.mark.parametrize("status", ["undefined", "preview", "missing"])
def test_a_point_that_nobody_placed_is_passed_over(path, status):
    placed = control_point(2, "F-2", [1, 2, 3])
    del placed["positionStatus"]  # its default is defined
    write(path, slicer_list(control_point(1, "F-1", None, status), placed))
    assert positions(path) == [(1, 2, 3)]


@pytest.mark.parametrize("units", ["mm", ["mm", "UCUM", "millimeter"], None])
def test_millimetres_in_either_spelling(path, units):
    assert positions(write(path, slicer_list(control_point(1, "F-1", [1, 2, 3]), coordinateUnits=units)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"coordinateSystem": None}, "list F: expected the coordinateSystem LPS or RAS, found None"),
        ({"coordinateSystem": "IJK"}, "found 'IJK'"),
        ({"coordinateUnits": "um"}, "expected coordinateUnits of mm, found 'um'"),
        ({"coordinateUnits": ["um", "UCUM", "micrometer"]}, "found .*'um'"),
        ({"type": "ClosedCurve"}, r"expected a point list \(Fiducial\), found 'ClosedCurve'"),
        ({"controlPoints": {"a": 1}}, "point 1: expected a control point"),
        ({"controlPoints": [control_point(1, "F-1", [1, 2])]}, r"point 1: expected a position .* \[1, 2\]"),
        ({"controlPoints": [control_point(1, "F-1", [1, 2, None])]}, "three numbers"),
        ({"controlPoints": [control_point(1, "F-1", [1, 2, float("nan")])]}, "three numbers"),
        ({"controlPoints": [control_point(1, "F-1", None)]}, "three numbers, found None"),
    ],
)
def test_what_is_no_list_of_points_is_named(path, changes, says):
    with pytest.raises(ValueError, match=says) as caught:
        read_markups(write(path, slicer_list(**changes)))
    assert "CHUM-001.mrk.json, list F" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [("{", "expected JSON"), ("[]", "no 'markups'"), ('{"markups": 3}', "no 'markups'"), ('{"markups": [3]}', "no 'm")],
)
def test_what_is_no_file_of_markups_is_named(path, content, says):
    path.write_text(content)
    with pytest.raises(ValueError, match=says) as caught:
        read_markups(path)
    assert "CHUM-001.mrk.json" in str(caught.value)


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere\.mrk\.json: expected a file of clicks"):
        read_markups(tmp_path / "nowhere.mrk.json")
    (tmp_path / "b.mrk.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="UTF-8"):
        is_markups(tmp_path / "b.mrk.json")


FCSV = """# Markups fiducial file version = 4.13
# CoordinateSystem = RAS
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
vtkMRMLMarkupsFiducialNode_0,-7.5,116.5,223,0,0,0,1,1,1,0,F-1,,vtkMRMLScalarVolumeNode2
"""


def test_fcsv_in_either_frame(tmp_path):
    path = tmp_path / "A.fcsv"
    path.write_text(FCSV)
    assert read_markups(path) == [SlicerPoint((7.5, -116.5, 223.0), "F-1", "", f"{path}, point 1")]
    path.write_text(FCSV.replace("RAS", "LPS"))
    assert positions(path) == [(-7.5, 116.5, 223.0)]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("# CoordinateSystem = RAS\n", "", "expected a line '# CoordinateSystem = LPS'"),
        ("RAS", "2", "'2'"),
        ("223", "high", "line 4"),
        ("223", "", "point 1: expected a position"),
    ],
)
def test_fcsv_without_a_frame_or_a_position(tmp_path, old, new, says):
    (tmp_path / "A.fcsv").write_text(FCSV.replace(old, new))
    with pytest.raises(ValueError, match=says) as caught:
        read_markups(tmp_path / "A.fcsv")
    assert "A.fcsv" in str(caught.value)
