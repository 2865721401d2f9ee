from pathlib import Path

from hnseg.io.phantom_marker import MARKER, is_phantom


def test_the_marker_counts_for_everything_below_it_and_nothing_beside_it(tmp_path):
    inner = tmp_path / "phantom" / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "other").mkdir()
    assert not is_phantom(inner)
    (tmp_path / "phantom" / MARKER).write_text("{}")
    assert is_phantom(inner)
    assert is_phantom(inner / "not_there_yet.nii.gz")
    assert is_phantom(tmp_path / "phantom")
    assert not is_phantom(tmp_path / "other")
    assert not is_phantom(tmp_path)


def test_a_folder_of_the_markers_name_is_no_marker(tmp_path):
    (tmp_path / MARKER).mkdir()
    assert not is_phantom(tmp_path)


def test_relative_paths_are_looked_up_from_where_the_user_stands(tmp_path, monkeypatch):
    (tmp_path / MARKER).write_text("{}")
    (tmp_path / "cases").mkdir()
    monkeypatch.chdir(tmp_path / "cases")
    assert is_phantom(Path("ct.nii.gz"))
