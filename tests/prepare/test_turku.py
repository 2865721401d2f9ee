import dataclasses
import json
import warnings

import nibabel as nib
import numpy as np
import pytest

from hnseg.io import write_volume
from hnseg.prepare.cache import prepare_cohort
from hnseg.prepare.check import check_studies
from hnseg.prepare.masks import ANY_VALUE
from hnseg.prepare.recipe import Recipe
from hnseg.prepare.study import prepare_study
from hnseg.prepare.turku import find_studies, from_csv
from hnseg.types import Grid, Volume

GRID = Grid((4, 64, 64), (3.3, 2.0, 2.0), (-64.0, -64.0, 10.0))
LESION = slice(1, 3), slice(8, 16), slice(40, 52)
RECIPE = Recipe(
    modalities=("pt",),
    label_names=("GTV",),
    regions=("rainio2024",),
    slice_size_yx=(16, 16),
    box_size_mm=None,
    allow_empty=True,
)
PUBLISHED = {
    "2": ("2_anon/2_nifti_pet/2_nifti_pet.img", "2_anon/2_maski/2_maski.img"),
    "12": ("12_anon/12_nifti_pet/12_nifti_pet.img", "12/12_maskit.img"),
    "23": ("23/23_nifti_pet/23_nifti_pet.img", "23/23_maski/23_nifti_maski_edit.img"),
    "24": ("24/24_nifti_pet/24_nifti_pet.img", "24/24_maski/24_maski.img"),
    "38": ("38/38_nifti_pet/38_nifti_pet.img", "38/38_nifti_maski/38_nifti_maski_edit.img"),
    "108": ("108/108_nifti_pet/108_nifti_pet.img", "108/108_nifti_maski/108_nifti_maski.img"),
}


def pet(seed=0, scale=1.0) -> Volume:
    values = np.random.default_rng(seed).uniform(0.1, 1, GRID.shape_zyx)
    values[LESION] = 12
    return Volume((values * scale).astype(np.float32), GRID)


def lesion() -> Volume:
    mask = np.zeros(GRID.shape_zyx, np.uint8)
    mask[LESION] = 1
    return Volume(mask, GRID)


@pytest.fixture
def place(tmp_path):
    """Empty files by their paths; what lies in them is not looked at when they are searched for."""

    def touch(*paths):
        for path in paths:
            file = tmp_path / "study" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            for one in (file, file.with_suffix(".hdr")) if file.suffix == ".img" else (file,):
                one.write_bytes(b"")
        return tmp_path / "study"

    return touch


def problem(root):
    found = find_studies(root)
    assert not found.studies
    (only,) = found.problems
    return str(only)


def test_published_names_in_the_order_of_their_numbers(place):
    root = place(*(f"positiiviset/{path}" for paths in PUBLISHED.values() for path in paths))
    for start in (root, root / "positiiviset"):
        found = find_studies(start)
        assert found.problems == ()
        assert [study.case_id for study in found.studies] == list(PUBLISHED)
        for study in found.studies:
            image, mask = PUBLISHED[study.case_id]
            assert study.images == {"pt": root / "positiiviset" / image}
            assert study.masks == {"GTV": (root / "positiiviset" / mask, ANY_VALUE)}
            assert (study.part, study.phantom) == ("train", False)


def test_an_edited_mask_wins_over_the_one_that_was_edited(place):
    root = place("3/3_nifti_pet/3_nifti_pet.img", "3/3_maski/3_maski.img", "3/3_maski/3_maski_edit.img")
    assert find_studies(root, "GTVt").studies[0].masks["GTVt"][0].name == "3_maski_edit.img"


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("5/pet.nii.gz", "5/mask.nii.gz"),
        ("5/PET/a.nii", "5/Mask/a.nii"),
        ("5/nifti/5_pet.nii", "5/nifti/5_pet_mask.nii"),
        ("5_anon/PET.hdr", "5_anon/MASKIT.img"),
        ("a/b/5/pet/mask/x_pet.nii", "a/b/5/pet/mask/x.nii"),
    ],
)
def test_a_files_own_name_says_more_than_its_folders_and_mask_more_than_pet(place, image, mask):
    folder = image.rsplit("/", maxsplit=1)[0]
    place(f"{folder}/.hidden_pet.nii", f"{folder}/pet.txt")
    (study,) = find_studies(place(image, mask)).studies
    assert (study.case_id, study.images["pt"].name) == ("5", image.split("/")[-1])
    assert study.masks["GTV"][0].name == mask.split("/")[-1]


def test_names_that_are_no_numbers_and_one_patients_own_folder(place):
    root = place("P10_anon/p_pet.nii", "P10_anon/p_mask.nii", "P9/x/pet.nii", "P9/y/mask.nii", "notes/readme.txt")
    assert [study.case_id for study in find_studies(root).studies] == ["P9", "P10"]
    assert [study.case_id for study in find_studies(root / "P9").studies] == ["P9"]
    assert find_studies(root / "P10_anon").studies[0].case_id == "P10"


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        (["7/7_pet.img"], ["7: ", "holds 7_pet.img", "says 'mask'", "zeros"]),
        (["7/7_maski.img"], ["7: ", "holds 7_maski.img", "says 'pet'"]),
        (["7_anon/readme.txt"], ["7_anon holds no image", "says 'pet'"]),
        (["7/a_pet.nii", "7/b_pet.nii", "7/mask.nii"], ["a_pet.nii and ", "b_pet.nii could each be the pet"]),
        (["7/pet.nii", "7/mask.nii", "7/mask.nii.gz"], ["mask.nii and ", "mask.nii.gz could each be the mask"]),
        (["7/pet.nii", "7/a_mask_edit.nii", "7/b_mask_edit.nii"], ["a_mask_edit.nii and ", "could each be the mask"]),
        (["7/pet.nii", "7/mask_edit.nii", "7/mask.nii", "7/mask2.nii"], ["mask_edit.nii could each be the mask"]),
        (["7/pet.nii", "7/mask.nii", "7_anon/7_pet.nii"], ["7/pet.nii and ", "7_anon/7_pet.nii could each be the pet"]),
        (["1_pet.nii", "1_mask.nii", "2_pet.nii", "2_mask.nii"], ["1_pet.nii and ", "2_pet.nii could each be the pet"]),
    ],
)
def test_what_is_missing_or_could_be_two_things_is_a_problem_that_names_the_files(place, paths, words):
    said = problem(place(*paths))
    for word in [*words, "list the files in a CSV (data.csv=FILE with columns case,pet,mask)"]:
        assert word in said


def test_one_problem_does_not_stop_the_others_and_names_must_differ(place):
    root = place("a/7/pet.nii", "a/7/mask.nii", "b/7/pet.nii", "b/7/mask.nii", "a/8/pet.nii", "a/8/mask.nii")
    place("a/9/pet.nii", "c c/c_pet.nii", "c c/c_mask.nii")
    found = find_studies(root)
    assert [study.case_id for study in found.studies] == ["8"]
    messages = [(one.case_id, one.message) for one in found.problems]
    assert [case_id for case_id, _ in messages] == ["7", "7", "9", "c c"]
    assert "a/7 and " in messages[0][1]
    assert "b/7 have one name" in messages[0][1]
    assert "use letters" in messages[3][1]


def test_patients_to_predict_on_need_no_mask(place):
    root = place("1/pet.nii", "2/pet.nii", "2/mask.nii", "2/mr.nii")
    one, two = find_studies(root, part="test").studies
    assert (one.masks, list(two.masks), one.part) == ({}, ["GTV"], "test")


def test_folder_that_holds_nothing_of_it(tmp_path):
    with pytest.raises(ValueError, match=r"2_anon/2_nifti_pet/2_nifti_pet\.img.*data\.csv=FILE"):
        find_studies(tmp_path)
    with pytest.raises(ValueError, match="is not a folder"):
        find_studies(tmp_path / "nowhere")


def test_phantom_is_known_by_its_marker(place):
    root = place("1/pet.nii", "1/mask.nii")
    (root / "PHANTOM.json").write_text(json.dumps({}))
    assert find_studies(root).studies[0].phantom


def test_table_of_any_names(place, tmp_path):
    place("x/1.nii", "x/2.nii", "x/3.nii")
    csv = tmp_path / "study" / "cases.csv"
    csv.write_text("Case,PET,Mask,Centre,split\n12,x/1.nii,x/2.nii,TYKS,\n2,x/2.nii,x/3.nii,,test\n3,x/3.nii,,,\n")
    found = from_csv(csv, "GTVt")
    assert [(study.case_id, study.part, study.centre) for study in found.studies] == [
        ("2", "test", ""),
        ("12", "train", "TYKS"),
    ]
    assert found.studies[1].images == {"pt": csv.parent / "x/1.nii"}
    assert found.studies[1].masks == {"GTVt": (csv.parent / "x/2.nii", ANY_VALUE)}
    assert "line 4 names no mask" in str(found.problems[0])
    csv.write_text("case,pt,mask\n1,x/1.nii,x/2.nii\n")
    assert from_csv(csv).studies[0].images["pt"].name == "1.nii"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("case,mask\n1,a\n", r"no column \['pet'\]"),
        ("case,pet\n1,a\n", "no mask column for GTV"),
        ("case,pet,mask\n", "no row"),
    ],
)
def test_table_that_lacks_something(tmp_path, content, words):
    (tmp_path / "cases.csv").write_text(content)
    with pytest.raises(ValueError, match=words):
        from_csv(tmp_path / "cases.csv")


def test_case_of_the_slices_with_and_without_a_lesion(tmp_path):
    write_volume(pet(), tmp_path / "2_anon" / "pet.img")
    write_volume(lesion(), tmp_path / "2_anon" / "maski.img")
    write_volume(pet(1), tmp_path / "12" / "pet.img")
    write_volume(Volume(np.zeros(GRID.shape_zyx, np.uint8), GRID), tmp_path / "12" / "maski.img")
    found = find_studies(tmp_path)
    sick, healthy = prepare_cohort(found.studies, RECIPE, tmp_path / "cache", workers=1, progress=False).cases[::-1]
    expected = np.zeros((4, 16, 16), np.uint8)
    expected[1:3, 2:4, 10:13] = 1
    assert (np.asarray(sick.label) == expected).all()
    assert sick.grid.spacing_mm == pytest.approx((3.3, 8.0, 8.0))
    assert (sick.images[0].shape, sick.modalities, sick.annotated) == ((4, 16, 16), ("pt",), (True,))
    assert (sick.truth().array == lesion().array).all()
    assert not np.asarray(healthy.label).any()
    assert [note for note in healthy.notes if "GTV" in note] == [f"{healthy.sources['GTV']} has no voxel of GTV"]
    assert [note for note in sick.notes if "GTV" in note] == []
    said = [finding for finding in check_studies(found, RECIPE, 1, False) if finding.level != "note"]
    assert said == []


@pytest.mark.parametrize(("variant", "row"), [("paper", 3), ("code", 5)])
def test_variant_decides_which_pixels_of_the_mask_count(tmp_path, variant, row):
    mask = np.zeros(GRID.shape_zyx, np.uint8)
    mask[1, 12, 20:24] = mask[1, 13, 20] = 1  # 5 of 16, none of the central 4
    mask[1, 21, 21:23] = 1  # 2 of the central 4
    write_volume(pet(), tmp_path / "1" / "pet.nii")
    write_volume(Volume(mask, GRID), tmp_path / "1" / "mask.nii")
    ready = prepare_study(find_studies(tmp_path).studies[0], dataclasses.replace(RECIPE, variant=variant))
    assert np.argwhere(ready.label).tolist() == [[1, row, 5]]


def test_a_lesion_too_small_for_the_slices_is_a_note_or_refused(tmp_path):
    mask = np.zeros(GRID.shape_zyx, np.uint8)
    mask[2, 8:10, 8:10] = 1  # 4 of 16
    write_volume(pet(), tmp_path / "1" / "pet.nii")
    write_volume(Volume(mask, GRID), tmp_path / "1" / "mask.nii")
    (study,) = find_studies(tmp_path).studies
    assert any("GTV (0.05 ml) has no voxel" in note for note in prepare_study(study, RECIPE).case.notes)
    with pytest.raises(ValueError, match=r"mask\.nii has 0\.05 ml of GTV.*slice_size_yx larger"):
        prepare_study(study, dataclasses.replace(RECIPE, allow_empty=False))


def test_pet_in_becquerel_is_kept_whole_and_only_noted(tmp_path):
    write_volume(pet(scale=9000), tmp_path / "1" / "pet.nii")
    write_volume(lesion(), tmp_path / "1" / "mask.nii")
    found = find_studies(tmp_path)
    said = check_studies(found, RECIPE, 1, False)
    assert [(one.level, "nothing, where each slice" in one.remedy) for one in said if "SUV" in one.message] == [
        ("note", True)
    ]
    assert all(one.level == "note" for one in said)
    ready = prepare_study(found.studies[0], RECIPE)
    assert ready.images["pt"].dtype == np.float32
    assert ready.images["pt"].max() == 108_000
    assert any("cannot be SUV" in note for note in ready.case.notes)


def test_analyze_pairs_have_their_axes_from_their_definition(tmp_path):
    marked = np.zeros((8, 12, 3), np.float32)  # x to the left, y to the front, z upwards
    marked[6:8, 8:12, 2] = 5
    folder = tmp_path / "2_anon"
    for name, array in (("2_nifti_pet", marked + 1), ("2_maski", (marked > 0).astype(np.uint8))):
        image = nib.AnalyzeImage(array, None)
        image.header.set_zooms((1.0, 2.0, 3.0))
        folder.mkdir(exist_ok=True)
        nib.save(image, folder / f"{name}.img")
    recipe = dataclasses.replace(RECIPE, slice_size_yx=(3, 4))
    with warnings.catch_warnings(action="ignore"):
        ready = prepare_study(find_studies(tmp_path).studies[0], recipe)
    expected = np.zeros((3, 3, 4), np.uint8)
    expected[2, 0, 3] = 1  # the first rows lie in front, the last columns to the left
    assert (ready.label == expected).all()
    assert (ready.images["pt"] > 1).tolist() == (expected > 0).tolist()
    assert ready.case.grid.spacing_mm == (3.0, 8.0, 2.0)
    assert ready.truth.sum() == 8
