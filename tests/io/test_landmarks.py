import pytest

from hnseg.io.landmarks import Landmark, read_landmarks

SLICER_4 = """# Markups fiducial file version = 4.3
# CoordinateSystem = 0
# columns = id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID
node_0,-7.5,116.5,223,0,0,0,1,1,1,0,chin,,vtkMRMLScalarVolumeNode2
node_1,41.5,41,289,0,0,0,1,1,1,0,mand_r,,vtkMRMLScalarVolumeNode2
"""
SLICER_3 = """# Fiducial List file /tmp/a.fcsv
# version = 2
# name = L
# numPoints = 2
# columns = label,x,y,z,sel,vis
chin,-7.5,116.5,223,1,1
mand_r,41.5,41,289,1,1
"""
CHIN, MAND_R = Landmark("chin", (7.5, -116.5, 223.0)), Landmark("mand_r", (-41.5, -41.0, 289.0))


def read(tmp_path, text):
    path = tmp_path / "Landmarks_0001.fcsv"
    path.write_text(text)
    return read_landmarks(path)


@pytest.mark.parametrize(
    "text",
    [
        SLICER_4,
        SLICER_4.replace("System = 0", "System = RAS"),
        SLICER_4.replace("# columns", "# other"),
        SLICER_3,
        SLICER_3.replace("# columns", "# other"),
        "chin,-7.5,116.5,223\n\nmand_r,41.5,41,289\n",
    ],
)
def test_right_and_front_become_left_and_back(tmp_path, text):
    assert read(tmp_path, text) == [CHIN, MAND_R]


def test_lps_is_kept(tmp_path):
    newer = SLICER_4.replace("System = 0", "System = LPS")
    assert read(tmp_path, newer)[0].position_lps_mm == (-7.5, 116.5, 223.0)
    assert read(tmp_path, SLICER_4.replace("System = 0", "System = 1")) == read(tmp_path, newer)


def test_points_without_names_are_numbered(tmp_path):
    assert read(tmp_path, "-7.5,116.5,223\n41.5,41,289\n") == [
        Landmark("1", CHIN.position_lps_mm),
        Landmark("2", MAND_R.position_lps_mm),
    ]


def test_name_with_a_comma_is_quoted(tmp_path):
    assert read(tmp_path, SLICER_3.replace("chin,", '"chin, left",'))[0].name == "chin, left"


@pytest.mark.parametrize("cell", ["", "nan", "inf"])
def test_missing_coordinate(tmp_path, cell):
    assert read(tmp_path, SLICER_4.replace("223", cell)) == [Landmark("chin", None), MAND_R]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (SLICER_4.replace("System = 0", "System = 2"), "'2'"),
        (SLICER_4.replace("223", "high"), "line 4: expected millimetres, found 'high'"),
        (SLICER_3.replace("mand_r,41.5,41,289,1,1", "mand_r,41.5"), "line 7"),
    ],
)
def test_what_is_no_list_of_points_is_named(tmp_path, text, word):
    with pytest.raises(ValueError, match=word) as caught:
        read(tmp_path, text)
    assert "Landmarks_0001.fcsv" in str(caught.value)


def test_unreadable_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere\.fcsv"):
        read_landmarks(tmp_path / "nowhere.fcsv")
    (tmp_path / "b.fcsv").write_bytes(b"\xff\xfe\x00chin")
    with pytest.raises(ValueError, match="text"):
        read_landmarks(tmp_path / "b.fcsv")


def test_empty_list_has_no_landmark(tmp_path):
    assert read(tmp_path, "# Markups fiducial file version = 4.3\n") == []
