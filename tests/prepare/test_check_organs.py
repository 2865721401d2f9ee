import numpy as np
import pytest

from hnseg.io import write_volume
from hnseg.prepare.check_organs import check_landmarks, check_organs, count_annotated
from hnseg.types import Grid, Study, Volume

GRID = Grid((10, 8, 12), (3.0, 2.0, 2.0), (-11.0, -7.0, 100.0))
FCSV = "# columns = label,x,y,z,sel,vis\n"


@pytest.fixture
def study(tmp_path):
    ct = tmp_path / "0522c0001" / "img.nrrd"
    write_volume(Volume(np.zeros(GRID.shape_zyx, np.int16), GRID), ct)
    masks = {name: (tmp_path / f"{name}.nrrd", 0) for name in ("Parotid_L", "Parotid_R", "BrainStem")}
    return Study("0522c0001", {"ct": ct}, masks)


@pytest.fixture
def said():
    return []


@pytest.fixture
def say(said):
    return lambda level, file, message, remedy: said.append((level, str(file), f"{message}; {remedy}"))


def mask(*places, grid=GRID):
    array = np.zeros(grid.shape_zyx, bool)
    for place in places:
        array[place] = True
    return Volume(array, grid)


def test_sound_organs_are_not_mentioned(study, say, said):
    masks = {"Parotid_L": mask((4, 4, 10)), "Parotid_R": mask((4, 4, 1)), "BrainStem": mask((1, 4, 5), (8, 4, 5))}
    check_organs(study, masks, GRID, say)
    check_landmarks(study, say)
    assert said == []


def test_exchanged_sides_are_said(study, say, said):
    check_organs(study, {"Parotid_L": mask((4, 4, 1)), "Parotid_R": mask((4, 4, 10))}, GRID, say)
    [(level, file, message)] = said
    assert (level, file) == ("warning", str(study.masks["Parotid_L"][0]))
    assert "Parotid_L lies 18 mm to the patient's right of Parotid_R" in message


def test_sides_are_the_patients_however_the_mask_is_stored(patient, study, say, said):
    masks = {"Parotid_L": mask((4, 4, 10)), "Parotid_R": mask((4, 4, 1))}
    flipped = {name: patient.turned(volume, (2, 1, 0), (0,)) for name, volume in masks.items()}
    check_organs(study, flipped, GRID, say)
    assert said == []


def test_side_without_a_partner_or_a_voxel_is_not_judged(study, say, said):
    check_organs(study, {"Parotid_L": mask((4, 4, 1)), "Parotid_R": mask(), "Lens_L": mask((4, 4, 1))}, GRID, say)
    assert said == []


@pytest.mark.parametrize("z", [0, 9])
def test_organ_at_the_end_of_the_scan_is_said(patient, study, say, said, z):
    masks = {"BrainStem": mask((z, 4, 4), (5, 4, 4)), "Parotid_L": mask((5, 4, 4))}
    check_organs(study, masks, GRID, say)
    turned = {name: patient.turned(volume, (0, 2, 1), (0,)) for name, volume in masks.items()}
    check_organs(study, turned, patient.turned(mask(), (1, 0, 2), (1,)).grid, say)
    assert [message.split(";")[0] for *_, message in said] == [
        "the first or last slice of the image cuts BrainStem"
    ] * 2


def test_landmarks_of_another_frame_or_without_a_coordinate_are_said(study, say, said):
    path = study.images["ct"].parent / "Landmarks_0001.fcsv"
    path.write_text(FCSV + "chin,-8,4,110,1,1\nmand_l,-9,5,120,1,1\nmand_r,9,,120,1,1\n")
    check_landmarks(study, say)
    assert [(level, file) for level, file, _ in said] == [("warning", str(path))]
    assert "mand_r lack a coordinate" in said.pop()[2]
    path.write_text(FCSV + "chin,-8,4,110,1,1\nmand_l,-9,5,1120,1,1\n")
    check_landmarks(study, say)
    assert "1 of 2 landmarks (mand_l) lie outside the CT; check" in said.pop()[2]


def test_landmarks_in_lps_that_claim_ras_are_hinted_at(study, say, said):
    grid = Grid(GRID.shape_zyx, GRID.spacing_mm, (100.0, 100.0, 100.0))
    write_volume(Volume(np.zeros(GRID.shape_zyx, np.int16), grid), study.images["ct"])
    (study.images["ct"].parent / "L.fcsv").write_text(FCSV + "chin,104,104,110,1,1\n")
    check_landmarks(study, say)
    assert "as the other of RAS and LPS they would lie in it" in said.pop()[2]


def test_unreadable_landmarks_are_a_warning(study, say, said):
    (study.images["ct"].parent / "L.fcsv").write_text("chin,left,104,110\n")
    check_landmarks(study, say)
    assert "found 'left'" in said.pop()[2]


def test_annotated_structures_are_counted(study):
    test = Study("t", {}, part="test")
    looks = [(study, frozenset({"a", "b"})), (study, frozenset({"a"})), (test, frozenset())]
    warning, note = count_annotated(looks, ("a", "b", "c"))
    assert (warning.level, note.level) == ("warning", "note")
    assert "nobody annotated c in any of 2 patients" in warning.message
    assert note.message == "annotated in so many of 2 patients: a 2, b 1, c 0"
    assert list(count_annotated(looks, ("a",))) == []
    assert list(count_annotated([(test, frozenset())], ("a",))) == []
