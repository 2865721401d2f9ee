from pathlib import Path

import pytest

from hnseg.evaluate.pairing import centre_of, find_predictions, find_truths


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.mark.parametrize(
    ("case_id", "centre"),
    [
        ("CHUS101", "CHUS"),
        ("CHUM-001", "CHUM"),
        ("MDA-201", "MDA"),
        ("phantom_012", "phantom"),
        ("007", ""),
        ("abc", "abc"),
    ],
)
def test_centre_of(case_id, centre) -> None:
    assert centre_of(case_id) == centre


def test_layout_of_2020(tmp_path) -> None:
    touch(tmp_path, *(f"CHUS101/CHUS101_{end}.nii.gz" for end in ("ct", "pt", "ct_gtvt")))
    assert find_truths(tmp_path) == {"CHUS101": tmp_path / "CHUS101" / "CHUS101_ct_gtvt.nii.gz"}


def test_layout_of_2021(tmp_path) -> None:
    touch(tmp_path, *(f"CHGJ007_{end}.nii.gz" for end in ("ct", "pt", "gtvt")))
    assert find_truths(tmp_path) == {"CHGJ007": tmp_path / "CHGJ007_gtvt.nii.gz"}


def test_layouts_of_2022_and_2025(tmp_path) -> None:
    touch(tmp_path / "labelsTr", "CHUM-001.nii.gz")
    touch(tmp_path / "Task 1", *(f"CHUM-001/CHUM-001{end}.nii.gz" for end in ("", "__CT", "__PT")), "table.csv")
    assert list(find_truths(tmp_path / "labelsTr")) == ["CHUM-001"]
    assert find_truths(tmp_path / "Task 1") == {"CHUM-001": tmp_path / "Task 1" / "CHUM-001" / "CHUM-001.nii.gz"}


def test_predictions_keep_their_whole_name(tmp_path) -> None:
    touch(tmp_path, "CHUS101.nii.gz", "CHUS102.nrrd", "b/b.nii.gz", "elsewhere/c.nii.gz", "log.txt", ".hidden.nii.gz")
    assert set(find_predictions(tmp_path)) == {"CHUS101", "CHUS102", "b"}


def test_what_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="not a folder"):
        find_truths(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="holds no masks"):
        find_truths(tmp_path)
    assert find_predictions(tmp_path) == {}
    touch(tmp_path, "a.nii.gz", "a_gtvt.nii.gz")
    with pytest.raises(ValueError, match="both masks of a"):
        find_truths(tmp_path)
