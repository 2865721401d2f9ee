from pathlib import Path

import numpy as np
import pytest

from hnseg.evaluate.organ_files import Naming, OrganMasks, find_organs, find_predicted_organs
from hnseg.io import write_volume
from hnseg.types import Grid, Volume

GRID = Grid((4, 5, 6), (3.0, 1.0, 1.0))
NAMES = ("BrainStem", "Chiasm", "Parotid_L", "SpinalCord")
NAMING = Naming(NAMES)


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def volume(**values: slice) -> Volume:
    """A label map: value to the columns that have it."""
    array = np.zeros(GRID.shape_zyx, np.uint8)
    for value, where in values.items():
        array[1:3, 2:4, where] = int(value[1:])
    return Volume(array, GRID)


def test_files_are_known_in_any_spelling_and_others_passed_over(tmp_path) -> None:
    touch(
        tmp_path, "Brainstem.nrrd", "Parotid-Lt.nrrd", "SpinalCord.nii.gz", "Larynx.nrrd", "notes.txt", ".hidden.nrrd"
    )
    files = OrganMasks(tmp_path, NAMING).files
    assert {name: path.name for name, path in files.items()} == {
        "BrainStem": "Brainstem.nrrd",
        "Parotid_L": "Parotid-Lt.nrrd",
        "SpinalCord": "SpinalCord.nii.gz",
    }


def test_own_spellings_come_through_aliases(tmp_path) -> None:
    touch(tmp_path, "tronc.nrrd", "moelle.nrrd")
    masks = OrganMasks(tmp_path, Naming(NAMES, {"tronc": "BrainStem", "moelle": "SpinalCord"}))
    assert set(masks.files) == {"BrainStem", "SpinalCord"}
    assert not OrganMasks(tmp_path, NAMING).files


def test_two_spellings_of_one_structure_are_refused(tmp_path) -> None:
    touch(tmp_path, "Parotid-Lt.nrrd", "Parotid_L.nii.gz")
    with pytest.raises(ValueError, match=r"Parotid-Lt\.nrrd and .*Parotid_L\.nii\.gz are both Parotid_L"):
        _ = OrganMasks(tmp_path, NAMING).files


def test_the_first_folder_that_a_patient_has_counts(tmp_path) -> None:
    touch(tmp_path, "a/oncologist/Chiasm.nrrd", "a/structures/Chiasm.nrrd", "b/structures/Chiasm.nrrd", "c/img.nrrd")
    found = find_organs(tmp_path, NAMING, ("oncologist", "structures"))
    assert {case: masks.place.name for case, masks in found.items()} == {"a": "oncologist", "b": "structures"}
    assert set(find_organs(tmp_path, NAMING, ("oncologist",))) == {"a"}
    with pytest.raises(ValueError, match="not a folder"):
        find_organs(tmp_path / "nowhere", NAMING, ("structures",))


def test_predictions_are_label_maps_or_a_file_a_structure(tmp_path) -> None:
    touch(tmp_path, "a.nii.gz", "a/BrainStem.nii.gz", "b/BrainStem.nii.gz", "c/c.nrrd", "d/structures/Chiasm.nrrd")
    touch(tmp_path, "e/img.nrrd")
    found = find_predicted_organs(tmp_path, NAMING, ())
    places = {case: masks.place.relative_to(tmp_path).as_posix() for case, masks in found.items()}
    assert places == {"a": "a.nii.gz", "b": "b", "c": "c/c.nrrd", "d": "d/structures"}
    assert find_predicted_organs(tmp_path, NAMING, (".",))["a"].place == tmp_path / "a"


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int16])
def test_a_file_is_one_mask_whatever_number_stands_for_inside(tmp_path, dtype) -> None:
    inside = volume(v1=slice(1, 4)).array.astype(dtype)
    for name, value in (("BrainStem", 1), ("Chiasm", 1 if dtype == np.float32 else 127)):
        write_volume(Volume((inside * value).astype(dtype), GRID), tmp_path / f"{name}.nrrd")
    masks = OrganMasks(tmp_path, NAMING)
    for name in ("BrainStem", "Chiasm"):
        assert masks.mask(name).array.dtype == bool
        np.testing.assert_array_equal(masks.mask(name).array, inside > 0)
    assert [masks.has(name) for name in NAMES] == [True, True, False, False]


def test_a_label_map_does_not_pass_for_one_structure(tmp_path) -> None:
    write_volume(volume(v1=slice(0, 2), v3=slice(3, 5)), tmp_path / "BrainStem.nrrd")
    with pytest.raises(ValueError, match=r"BrainStem\.nrrd has the values \[0, 1, 3\], expected 0 and one other"):
        OrganMasks(tmp_path, NAMING).mask("BrainStem")


def test_a_label_map_has_all_structures_by_value(tmp_path) -> None:
    labels = volume(v1=slice(0, 2), v3=slice(3, 5))
    write_volume(labels, tmp_path / "a.nii.gz")
    masks = OrganMasks(tmp_path / "a.nii.gz", NAMING)
    assert all(masks.has(name) for name in NAMES)
    np.testing.assert_array_equal(masks.mask("Parotid_L").array, labels.array == 3)
    assert not masks.mask("Chiasm").array.any()


def test_a_label_map_with_more_values_than_names_is_refused(tmp_path) -> None:
    write_volume(volume(v9=slice(0, 2)), tmp_path / "a.nii.gz")
    with pytest.raises(ValueError, match=r"a\.nii\.gz has values from 0 to 9, expected the whole numbers 0 to 4"):
        OrganMasks(tmp_path / "a.nii.gz", NAMING).mask("Chiasm")
