import shutil
from pathlib import Path

import pytest

from hnseg.phantom.hecktor import write_hecktor
from hnseg.prepare.cache import prepare_cohort
from hnseg.prepare.check import check_studies
from hnseg.prepare.hecktor import LAYOUTS, centre_of, find_images, find_studies
from hnseg.prepare.recipe import Recipe
from hnseg.prepare.table import find_pairs

TESTS = {2020: 1, 2021: 1, 2022: 1, 2025: 0}


@pytest.fixture(scope="module", params=sorted(LAYOUTS))
def phantom(request, tmp_path_factory):
    root = tmp_path_factory.mktemp(f"raw{request.param}") / "download"
    write_hecktor(root, request.param, 2, seed=0, test_patients=TESTS[request.param], coarse=4.0)
    return request.param, root


def names(findings):
    return [study.case_id for study in findings.studies]


def touch(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(path.encode())
    return root


def test_phantom_of_every_year_is_found(phantom):
    year, root = phantom
    train, test, both = (find_studies(root, year, part) for part in ("train", "test", "all"))
    assert (len(train.studies), len(test.studies), len(both.studies)) == (2, TESTS[year], 2 + TESTS[year])
    assert train.problems == test.problems == ()
    for study in train.studies:
        assert study.phantom
        assert study.centre
        assert study.case_id.startswith(study.centre)
        assert list(study.images) == ["ct", "pt"]
        assert {name: value for name, (_, value) in study.masks.items()} == LAYOUTS[year].structures
        assert (study.box is not None) == (year in (2020, 2021))
        assert study.part == "train"
    assert all(study.part == "test" and not study.masks for study in test.studies)


def test_root_may_be_the_image_folder_itself(phantom):
    year, root = phantom
    whole = {study.case_id: study for study in find_studies(root, year).studies}
    first = next(iter(whole.values()))
    folder = first.images["ct"].parent
    inner = folder.parent if year in (2020, 2025) else folder
    below = {study.case_id: study for study in find_studies(inner, year).studies}
    assert below == whole


def test_phantom_of_every_year_is_prepared(phantom, tmp_path):
    year, root = phantom
    found = find_studies(root, year, "all")
    recipe = Recipe(label_names=tuple(LAYOUTS[year].structures), spacing_mm=8.0, allow_empty=year >= 2022)
    cohort = prepare_cohort(found.studies, recipe, tmp_path, f"hecktor{year}", workers=1, progress=False)
    assert cohort.failures == ()
    assert all(case.phantom for case in cohort.cases)
    assert {case.grid.shape_zyx for case in cohort.cases} == {(18, 18, 18)} or year >= 2022
    assert all(case.box.source == ("given" if year < 2022 else "brain") for case in cohort.cases)
    for case in cohort.cases:
        assert any(case.annotated) == (case.part == "train")


def test_pairs_of_every_year_are_found_for_prediction(phantom):
    year, root = phantom
    found = find_pairs(root)
    assert names(found) == names(find_studies(root, year, "all"))
    assert all(study.phantom and not study.masks for study in found.studies)


def test_check_finds_nothing_wrong_with_a_phantom(phantom):
    year, root = phantom
    recipe = Recipe(label_names=tuple(LAYOUTS[year].structures), allow_empty=True)
    found = check_studies(find_studies(root, year, "all"), recipe, workers=1, progress=False)
    assert [finding for finding in found if finding.level == "error"] == []
    assert [finding.message for finding in found if "SUV" in finding.message or "looks like" in finding.message] == []


def test_both_mask_spellings_and_linked_folders(tmp_path):
    root = touch(tmp_path / "elsewhere", "A1_ct.nii.gz", "A1_pt.nii.gz", "A1_ct_gtvt.nii.gz")
    data = touch(tmp_path / "data", "B2/B2_ct.nii", "B2/B2_pt.nii", "B2/B2_gtvt.nii", "B2/._B2_ct.nii")
    (data / "linked").symlink_to(root)
    (root / "loop").symlink_to(data)
    for year in (2020, 2021):
        found = find_studies(data, year)
        assert names(found) == ["A1", "B2"]
        assert found.problems == ()


def test_incomplete_patients_are_problems_with_folder_and_name(tmp_path):
    touch(tmp_path, "a/A1_ct.nii.gz", "a/A1_gtvt.nii.gz", "a/B2_ct.nii.gz", "a/B2_pt.nii.gz", "a/C3_gtvt.nii.gz")
    touch(tmp_path, "a/D4_ct.nii.gz", "a/D4_pt.nii.gz", "a/D4_gtvt.nii.gz", "b/D4_ct.nii.gz")
    found = find_studies(tmp_path, 2021)
    messages = {problem.case_id: problem.message for problem in found.problems}
    assert names(found) == []
    assert f"{tmp_path}/a has no PET (A1_pt.nii.gz)" in messages["A1"]
    assert "no mask (B2_gtvt.nii.gz)" in messages["B2"]
    assert "CT (C3_ct.nii.gz), PET" in messages["C3"]
    assert "2 CT files" in messages["D4"]


def test_test_patients_need_no_mask(tmp_path):
    touch(tmp_path, "hecktor2022_testing/imageTs/CHB-001__CT.nii.gz", "hecktor2022_testing/imageTs/CHB-001__PT.nii.gz")
    assert names(find_studies(tmp_path, 2022, "test")) == ["CHB-001"]
    assert find_studies(tmp_path, 2022, "train").studies == ()
    assert names(find_studies(tmp_path / "hecktor2022_testing" / "imageTs", 2022, "test")) == ["CHB-001"]


def test_a_test_folder_above_the_data_set_means_nothing(tmp_path):
    root = touch(tmp_path / "test", "A1_ct.nii.gz", "A1_pt.nii.gz", "A1_gtvt.nii.gz")
    assert find_studies(root, 2021).studies[0].part == "train"


def test_planning_files_and_other_tasks_of_2025_are_passed_over(tmp_path):
    root = tmp_path / "HECKTOR2025 Task 1 Training"
    for name in ("CHUM-001__CT", "CHUM-001__PT", "CHUM-001"):
        touch(root, f"Task 1/CHUM-001/{name}.nii.gz")
    for name in ("CHUM-001__CT", "CHUM-001__PT", "CHUM-001__CTPlanning", "CHUM-001__RTDOSE"):
        touch(root, f"Task 2/CHUM-001/{name}.nii.gz")
    found = find_studies(root, 2025)
    assert (names(found), found.problems) == (["CHUM-001"], ())
    assert "Task 1" in str(found.studies[0].images["ct"])


def test_boxes_beside_the_image_folder(tmp_path):
    root = touch(tmp_path / "train" / "hecktor_nii", "A1_ct.nii.gz", "A1_pt.nii.gz", "A1_gtvt.nii.gz")
    (root.parent / "hecktor2021_bbox_training.csv").write_text(
        "PatientID,x1,x2,y1,y2,z1,z2\nA1,-70,70.6,-90,50,-200,-56\n"
    )
    assert find_studies(root, 2021).studies[0].box.high_mm == (70.6, 50.0, -56.0)
    (root.parent / "hecktor2021_bbox_training.csv").write_text("PatientID,x1\nA1,-70\n")
    assert "hecktor2021_bbox_training.csv" in find_studies(root, 2021).problems[0].message


@pytest.mark.parametrize("year", sorted(LAYOUTS))
def test_nothing_found_says_what_was_looked_for_and_where(tmp_path, year):
    touch(tmp_path, "scan.nii.gz", "readme.txt")
    with pytest.raises(ValueError, match=rf"{tmp_path}.*ct,pt|CT,PT|__CT") as caught:
        find_studies(tmp_path, year)
    assert f"docs/datasets/hecktor{year}.md" in str(caught.value)
    with pytest.raises(ValueError, match="not a folder"):
        find_studies(tmp_path / "nowhere", year)


def test_unknown_year():
    with pytest.raises(ValueError, match="2023"):
        find_studies(Path(), 2023)


def test_centre_of_both_spellings():
    assert [centre_of(name) for name in ("CHUS101", "CHUM-001", "007")] == ["CHUS", "CHUM", ""]


def test_two_images_of_one_patient_are_refused_for_prediction(tmp_path):
    touch(tmp_path, "a/A1_ct.nii.gz", "b/A1_ct.nii.gz")
    with pytest.raises(ValueError, match="A1 has two CT"):
        find_images(tmp_path)


def test_dataset_moved_elsewhere_is_the_same_data(phantom, tmp_path):
    year, root = phantom
    shutil.copytree(root, tmp_path / "moved")
    recipe = Recipe()
    one, other = find_studies(root, year).studies, find_studies(tmp_path / "moved", year).studies
    assert [recipe.key(study) for study in one] == [recipe.key(study) for study in other]
