import json

import numpy as np
import pytest

from hnseg.io import write_volume
from hnseg.prepare.masks import ANY_VALUE
from hnseg.prepare.organs import PDDCA
from hnseg.prepare.pddca import find_studies, landmark_files, part_of
from hnseg.prepare.recipe import Recipe
from hnseg.prepare.study import prepare_study
from hnseg.types import Grid, Study, Volume

GRID = Grid((4, 5, 6), (3.0, 2.0, 2.0))


@pytest.fixture
def write(tmp_path):
    def write_patient(name, *structures, image="img.nrrd", folder="structures"):
        place = tmp_path / name
        place.mkdir(parents=True, exist_ok=True)
        if image:
            write_volume(Volume(np.zeros(GRID.shape_zyx, np.int16), GRID), place / image)
        for value, structure in enumerate(structures):
            file = structure if "." in structure else f"{structure}.nrrd"
            array = np.zeros(GRID.shape_zyx, np.uint8)
            array[0, 0, value % 6] = 1
            write_volume(Volume(array, GRID), place / folder / file)
        return place

    return write_patient


def test_files_become_studies_and_what_is_missing_is_not_annotated(tmp_path, write):
    write("0522c0002", "Mandible", "BrainStem")
    write("0522c0555", "Parotid_L")
    (tmp_path / "notes").mkdir()
    (tmp_path / "readme.txt").write_text("")
    found = find_studies(tmp_path, PDDCA, centre="paired")
    one, two = found.studies
    assert found.problems == ()
    structures = tmp_path / "0522c0002" / "structures"
    assert dict(one.masks) == {name: (structures / f"{name}.nrrd", ANY_VALUE) for name in ("BrainStem", "Mandible")}
    assert list(one.masks) == ["BrainStem", "Mandible"]
    assert dict(one.images) == {"ct": tmp_path / "0522c0002" / "img.nrrd"}
    assert (one.part, two.part, one.centre, one.phantom) == ("train", "test", "paired", False)


def test_parts_go_by_the_number_of_the_challenge():
    assert {part_of(name) for name in ("0522c0001", "0522c0479", "kbp_900", "TCGA-CV-5977")} == {"train"}
    assert {part_of(name) for name in ("0522c0555", "0522c0878")} == {"test"}


def test_other_spellings_endings_and_structures_beside_the_nine(tmp_path, write):
    write("a", "brainstem.nii.gz", "Patroid_L", "SpinalCord", "PTV70", "cord", "notes.txt.nrrd", image="img.nii.gz")
    (tmp_path / "a" / "structures" / "readme.txt").write_text("")
    (tmp_path / "a" / "structures" / "._Mandible.nrrd").write_bytes(b"a resource fork")
    study = find_studies(tmp_path, (*PDDCA, "PTV70")).studies[0]
    assert {name: path.name for name, (path, _) in study.masks.items()} == {
        "BrainStem": "brainstem.nii.gz", "Parotid_L": "Patroid_L.nrrd", "PTV70": "PTV70.nrrd",
    }  # fmt: skip
    aliased = find_studies(tmp_path, ("SpinalCord",), {"Notes.txt": "SpinalCord"})
    assert "both mean SpinalCord" in aliased.problems[0].message


def test_second_rater_lies_in_another_folder(tmp_path, write):
    write("0522c0014", "Mandible")
    write("0522c0014", "Parotid-Lt", folder="structures_deepmind_radiographer", image=None)
    study = find_studies(tmp_path, PDDCA, structures="structures_deepmind_radiographer").studies[0]
    assert list(study.masks) == ["Parotid_L"]


def test_two_files_for_one_organ_are_a_problem_that_names_both(tmp_path, write):
    write("0522c0001", "Parotid_L", "LeftParotid")
    message = find_studies(tmp_path, PDDCA).problems[0].message
    assert "LeftParotid.nrrd" in message
    assert "Parotid_L.nrrd both mean Parotid_L" in message


def test_patient_without_ct_or_without_wanted_structures_is_set_aside_by_name(tmp_path, write):
    write("0522c0001", "Parotid_L", image=None)
    write("0522c0003", "Lens_L")
    write("0522c0013")
    write("0522c0598", "Lens_L")
    write("0522c0002", "Parotid_L")
    (tmp_path / "0522c0017").mkdir()
    found = find_studies(tmp_path, PDDCA)
    assert [study.case_id for study in found.studies] == ["0522c0002", "0522c0598"]
    messages = {problem.case_id: problem.message for problem in found.problems}
    assert sorted(messages) == ["0522c0001", "0522c0003", "0522c0013", "0522c0017"]
    assert str(tmp_path / "0522c0001") in messages["0522c0001"]
    assert "no img.nrrd" in messages["0522c0001"]
    assert "only Lens_L" in messages["0522c0003"]
    assert "only nothing" in messages["0522c0013"]


def test_parts_of_the_download_and_a_patients_own_folder(tmp_path, write):
    for name in ("part1/0522c0001", "part2/PDDCA-1.4.1/0522c0002"):
        write(name, "Mandible")
    assert [study.case_id for study in find_studies(tmp_path, PDDCA).studies] == ["0522c0001", "0522c0002"]
    assert [study.case_id for study in find_studies(tmp_path / "part1" / "0522c0001", PDDCA).studies] == ["0522c0001"]
    write("part2/0522c0001", "Mandible")
    found = find_studies(tmp_path, PDDCA)
    assert [study.case_id for study in found.studies] == ["0522c0002"]
    assert "one name" in found.problems[0].message


def test_unusable_name_is_a_problem(tmp_path, write):
    write("patient 1", "Mandible")
    assert "use letters" in find_studies(tmp_path, PDDCA).problems[0].message


def test_phantom_is_known_by_its_marker(tmp_path, write):
    write("0522c0001", "Mandible")
    (tmp_path / "PHANTOM.json").write_text(json.dumps({}))
    assert find_studies(tmp_path, PDDCA).studies[0].phantom


def test_folder_that_holds_nothing_of_it(tmp_path):
    with pytest.raises(ValueError, match=r"0522c0001/img\.nrrd"):
        find_studies(tmp_path, PDDCA)
    with pytest.raises(ValueError, match="not a folder"):
        find_studies(tmp_path / "nowhere", PDDCA)


def test_landmarks_are_looked_for_in_a_patients_own_folder_only(tmp_path, write):
    place = write("0522c0001", "Mandible")
    (place / "Landmarks_0001.fcsv").write_text("")
    study = find_studies(tmp_path, PDDCA).studies[0]
    assert landmark_files(study) == [place / "Landmarks_0001.fcsv"]
    assert landmark_files(Study("b", {"ct": place / "b_ct.nii.gz"})) == []


def test_missing_empty_and_vanished_organs_of_one_patient(tmp_path, write):
    place = write("0522c0001", "Mandible", "Chiasm", "BrainStem")
    write_volume(Volume(np.zeros(GRID.shape_zyx, np.uint8), GRID), place / "structures" / "Mandible.nrrd")
    recipe = Recipe(
        modalities=("ct",),
        label_names=PDDCA[:4],
        regions=("image",),
        box_size_mm=None,
        spacing_mm=6.0,
        allow_empty=True,
    )
    ready = prepare_study(find_studies(tmp_path, PDDCA).studies[0], recipe)
    assert ready.case.annotated == (True, True, True, False)
    assert np.unique(ready.truth).tolist() == [0, 1, 2]
    assert not ready.label.any()
    notes = " ".join(ready.case.notes)
    assert "Mandible.nrrd has no voxel of Mandible" in notes
    assert "Chiasm (0.01 ml) has no voxel at the prepared spacing" in notes
    assert "OpticNerve_L is not annotated" in notes
