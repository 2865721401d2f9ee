import shutil

import numpy as np
import pytest

from hnseg.prepare.masks import ANY_VALUE
from hnseg.prepare.recipe import Recipe
from hnseg.prepare.study import prepare_study
from hnseg.prepare.table import find_pairs, find_studies
from hnseg.types import Volume


@pytest.fixture
def folder(make_study, tmp_path):
    make_study("P1")
    make_study("P2", 1)
    return tmp_path / "raw"


def table(folder, text):
    path = folder / "cases.csv"
    path.write_text(text)
    return path


def test_columns_relative_paths_centre_and_split(folder):
    csv = table(
        folder,
        "case,ct,pt,GTVt,centre,split\nP2,P2_ct.nii.gz,P2_pt.nii.gz,,B,test\nP1,P1_ct.nii.gz,P1_pt.nii.gz,P1_gtvt.nii.gz,A,\n",
    )
    found = find_studies(csv, label_names=("GTVt",))
    one, two = found.studies
    assert found.problems == ()
    assert (one.case_id, one.centre, one.part, dict(one.masks)) == (
        "P1",
        "A",
        "train",
        {"GTVt": (folder / "P1_gtvt.nii.gz", ANY_VALUE)},
    )
    assert (two.centre, two.part, two.masks) == ("B", "test", {})
    assert one.images["pt"] == folder / "P1_pt.nii.gz"


def test_other_column_names_aliases_and_ct_alone(folder):
    csv = table(folder, f"case,planning_ct,GTV-T\nP1,{folder / 'P1_ct.nii.gz'},P1_gtvt.nii.gz\n")
    found = find_studies(csv, {"ct": "planning_ct"}, ("GTVt",), aliases={"GTV-T": "GTVt"})
    assert list(found.studies[0].images) == ["ct"]
    ready = prepare_study(found.studies[0], Recipe(modalities=("ct",), regions=("image",), spacing_mm=8.0))
    assert ready.label.any()


def test_label_map_with_values_by_alias(folder, patient):
    array = patient.mask().array * np.uint8(5)
    array[2, 2, 2] = 7
    patient.write(Volume(array, patient.ct_grid), folder / "P1_label.nii.gz")
    csv = table(folder, "case,ct,pt,label\nP1,P1_ct.nii.gz,P1_pt.nii.gz,P1_label.nii.gz\n")
    found = find_studies(
        csv, label_names=("GTVp", "GTVn"), aliases={"primary": "GTVp"}, label_values={"primary": 5, "GTVn": 7}
    )
    assert {name: value for name, (_, value) in found.studies[0].masks.items()} == {"GTVp": 5, "GTVn": 7}
    recipe = Recipe(label_names=("GTVp", "GTVn"), regions=("image",), spacing_mm=7.0)
    assert set(np.unique(prepare_study(found.studies[0], recipe).truth)) == {0, 1, 2}
    by_order = find_studies(csv, label_names=("GTVp", "GTVn")).studies[0]
    assert {name: value for name, (_, value) in by_order.masks.items()} == {"GTVp": 1, "GTVn": 2}


def test_one_label_map_for_ct_with_organs(folder, patient):
    array = patient.mask().array * np.uint8(5)
    array[2, 2, 2] = 7
    patient.write(Volume(array, patient.ct_grid), folder / "P1_label.nii.gz")
    csv = table(folder, "case,ct,label,not_annotated\nP1,P1_ct.nii.gz,P1_label.nii.gz,chiasm;Left Parotid\n")
    names = ("BrainStem", "Chiasm", "Parotid_L", "Parotid_R")
    values = {"brainstem": 5, "Chiasm": 1, "LeftParotid": 2, "RightParotid": 3, "Larynx": 7}
    found = find_studies(csv, ("ct",), names, label_values=values)
    assert found.problems == ()
    ready = prepare_study(
        found.studies[0], Recipe(("ct",), names, regions=("image",), spacing_mm=8.0, box_size_mm=None, allow_empty=True)
    )
    assert ready.case.annotated == (True, False, False, True)
    assert np.unique(ready.truth).tolist() == [0, 1]  # of the voxel of the larynx, which is not wanted, nothing is left


def test_table_that_lacks_an_organ_is_one_source_of_several(folder):
    csv = table(folder, "case,ct,brain_stem\nP1,P1_ct.nii.gz,P1_gtvt.nii.gz\n")
    with pytest.raises(ValueError, match="no mask column for Chiasm"):
        find_studies(csv, ("ct",), ("BrainStem", "Chiasm"))
    assert list(find_studies(csv, ("ct",), ("BrainStem", "Chiasm"), partial=True).studies[0].masks) == ["BrainStem"]


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("P1,P1_ct.nii.gz,,P1_gtvt.nii.gz,", "line 2 has an empty cell in column 'pt'"),
        ("P1,P1_ct.nii.gz,nowhere.nii.gz,P1_gtvt.nii.gz,", "nowhere.nii.gz, which is not there"),
        ("P1,P1_ct.nii.gz,P1_pt.nii.gz,,", "names no mask"),
        ("P1,P1_ct.nii.gz,P1_pt.nii.gz,P1_gtvt.nii.gz,validation", "validation"),
        ("P 1,P1_ct.nii.gz,P1_pt.nii.gz,P1_gtvt.nii.gz,", "'P 1'"),
        ("../P1,P1_ct.nii.gz,P1_pt.nii.gz,P1_gtvt.nii.gz,", "'../P1'"),
        ("P2,P1_ct.nii.gz,P1_pt.nii.gz,P1_gtvt.nii.gz,\nP2,P1_ct.nii.gz,P1_pt.nii.gz,P1_gtvt.nii.gz,", "one line"),
    ],
)
def test_bad_row_is_set_aside_with_table_and_line(folder, row, word):
    csv = table(folder, f"case,ct,pt,GTVt,split\n{row}\nP9,P2_ct.nii.gz,P2_pt.nii.gz,P2_gtvt.nii.gz,train\n")
    found = find_studies(csv, label_names=("GTVt",))
    assert "P9" in [study.case_id for study in found.studies]
    assert len(found.problems) == 1
    assert word in found.problems[0].message
    assert str(csv) in found.problems[0].message


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("case,ct,GTVt\nP1,a,b\n", r"no column \['pt'\]"),
        ("case,ct,pt\nP1,a,b\n", "no mask column for GTVt"),
        ("case,ct,pt,GTVt\n", "no row"),
    ],
)
def test_table_that_no_patient_can_use(folder, text, word):
    with pytest.raises(ValueError, match=word):
        find_studies(table(folder, text), label_names=("GTVt",))


def test_two_columns_for_one_structure_are_a_problem(folder):
    csv = table(folder, "case,ct,pt,GTVt,T\nP1,P1_ct.nii.gz,P1_pt.nii.gz,P1_gtvt.nii.gz,P1_gtvt.nii.gz\n")
    assert "leave one" in find_studies(csv, label_names=("GTVt",), aliases={"T": "GTVt"}).problems[0].message


def test_pairs_by_names_by_table_and_by_folder_with_a_table(folder, tmp_path):
    assert [study.case_id for study in find_pairs(folder).studies] == ["P1", "P2"]
    shutil.move(folder / "P1_ct.nii.gz", folder / "head.nii.gz")
    shutil.move(folder / "P1_pt.nii.gz", folder / "suv.nii.gz")
    for name in ("P2_ct.nii.gz", "P2_pt.nii.gz", "P2_gtvt.nii.gz"):
        (folder / name).unlink()
    csv = table(folder, "Case,CT,PET\nP1,head.nii.gz,suv.nii.gz\n")
    for source in (csv, folder):
        found = find_pairs(source)
        assert dict(found.studies[0].images) == {"ct": folder / "head.nii.gz", "pt": folder / "suv.nii.gz"}
    assert list(find_pairs(csv, ("pt",)).studies[0].images) == ["pt"]


def test_pair_without_pet_is_a_problem_unless_the_network_needs_none(folder):
    (folder / "P1_pt.nii.gz").unlink()
    found = find_pairs(folder)
    assert [study.case_id for study in found.studies] == ["P2"]
    assert "no PT" in found.problems[0].message
    assert [study.case_id for study in find_pairs(folder, ("ct",)).studies] == ["P1", "P2"]


def test_nothing_to_predict_on(tmp_path):
    with pytest.raises(ValueError, match=r"case,ct,pet"):
        find_pairs(tmp_path)
    with pytest.raises(ValueError, match="neither"):
        find_pairs(tmp_path / "nowhere")
