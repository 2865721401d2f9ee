import json

import pytest

from hnseg.prepare.ct_folder import find_cts
from hnseg.prepare.table import find_pairs


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder


def files(found):
    return {study.case_id: study.images["ct"].name for study in found.studies}


def test_pddca_layout(tmp_path):
    touch(tmp_path, "0522c0001/img.nrrd", "0522c0001/structures/Mandible.nrrd", "more/b/img.nii.gz", "stray.nrrd")
    found = find_pairs(tmp_path, ("ct",))
    assert files(found) == {"0522c0001": "img.nrrd", "b": "img.nii.gz"}
    assert {study.part for study in found.studies} == {"test"}


def test_files_named_by_their_patients(tmp_path):
    touch(tmp_path, "a.nii.gz", "b.nrrd", "c.MHA", "a_pt.nii.gz", "b-mask.nrrd", "c_GTVp.mha", ".d.nii.gz", "notes.txt")
    assert files(find_pairs(tmp_path, ("ct",))) == {"a": "a.nii.gz", "b": "b.nrrd", "c": "c.MHA"}


def test_where_some_are_called_ct_the_others_are_none(tmp_path):
    touch(tmp_path, "a_ct.nrrd", "a.nrrd", "b-CT.nrrd", "c.nrrd")
    assert files(find_pairs(tmp_path, ("ct",))) == {"a": "a_ct.nrrd", "b": "b-CT.nrrd"}


def test_a_header_and_its_voxels_are_one_image(tmp_path):
    assert files(find_cts(touch(tmp_path, "a.hdr", "a.img"))) == {"a": "a.hdr"}


def test_one_name_twice_and_unusable_names_are_problems(tmp_path):
    found = find_cts(touch(tmp_path, "a.nrrd", "a.nii.gz", "b c.nrrd", "d.nrrd"))
    assert files(found) == {"d": "d.nrrd"}
    assert [problem.case_id for problem in found.problems] == ["a", "b c"]
    assert "a.nii.gz and" in found.problems[0].message


def test_pet_ct_is_paired_as_before(tmp_path):
    touch(tmp_path, "a_ct.nii.gz", "a_pt.nii.gz", "b_ct.nii.gz")
    assert list(files(find_pairs(tmp_path, ("ct",)))) == ["a", "b"]
    found = find_pairs(tmp_path)
    assert [study.case_id for study in found.studies] == ["a"]
    assert "no PT" in found.problems[0].message


def test_ct_alone_is_no_input_of_a_pet_ct_network(tmp_path):
    touch(tmp_path, "a.nii.gz", "0522c0001/img.nrrd")
    with pytest.raises(ValueError, match="no images found"):
        find_pairs(tmp_path)
    assert find_cts(touch(tmp_path / "empty", "notes.txt")) is None


def test_table_beside_images_counts_only_where_it_lists_cts(tmp_path):
    touch(tmp_path, "a.nii.gz", "b.nii.gz")
    (tmp_path / "predictions.csv").write_text("case,file\na,a.nii.gz\n")
    assert list(files(find_pairs(tmp_path, ("ct",)))) == ["a", "b"]
    (tmp_path / "predictions.csv").write_text("case,CT\nhead,b.nii.gz\n")
    assert files(find_pairs(tmp_path, ("ct",))) == {"head": "b.nii.gz"}


def test_phantom_marker_is_seen(tmp_path):
    touch(tmp_path, "a.nii.gz")
    (tmp_path / "PHANTOM.json").write_text(json.dumps({}))
    assert find_pairs(tmp_path, ("ct",)).studies[0].phantom
