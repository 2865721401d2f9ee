"""Features of a cohort: which voxels, which names, and who is set aside."""

import numpy as np
import pandas as pd
import pytest

from hnseg.io import write_volume
from hnseg.prepare import Case, write_case
from hnseg.radiomics import DEFAULTS, Settings, extract
from hnseg.survival.radiomic_features import cohort_radiomics
from hnseg.types import BoxMm, Grid, Volume

NAMES = ("GTVp", "GTVn")
GRID = Grid((8, 9, 10), (2.0, 1.0, 1.5), (-10.0, 20.0, 5.0))
CT = {"ct": DEFAULTS["ct"]}


def make_case(root, name, *, annotated=(True, True)) -> Case:
    rng = np.random.default_rng(sum(map(ord, name)))
    label = np.zeros(GRID.shape_zyx, np.uint8)
    label[2:6, 2:6, 2:6], label[6:, 6:, 6:] = 1, 2
    images = {
        "ct": rng.normal(40, 60, GRID.shape_zyx).astype(np.int16),
        "pt": rng.gamma(2, 2, GRID.shape_zyx).astype(np.float16),
    }
    folder = root / name
    folder.mkdir()
    case = Case(
        folder=folder, case_id=name, centre="", part="train", modalities=("ct", "pt"), label_names=NAMES,
        annotated=annotated, grid=GRID, image_grid=GRID, box=BoxMm((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), phantom=False,
        notes=(), sources={}, key=name,
    )  # fmt: skip
    write_case(folder, case, images, label, label)
    return Case.open(folder)


@pytest.fixture
def cases(tmp_path) -> list[Case]:
    return [make_case(tmp_path, name) for name in ("P2", "P1")]


def write_mask(path, label, grid=GRID):
    write_volume(Volume(label.astype(np.uint8), grid), path)
    return path


def test_a_table_for_each_image_inside_the_union_of_the_structures(cases) -> None:
    tables, failures = cohort_radiomics(cases, None, DEFAULTS, progress=False)
    assert not failures
    assert list(tables) == ["ct", "pt"]
    for number, (name, table) in enumerate(tables.items()):
        assert table.shape == (2, 107)
        assert list(table.index) == ["P2", "P1"]
        assert set(table.dtypes) == {np.dtype(float)}
        for case in cases:
            found = extract(case.images[number], case.label > 0, GRID.spacing_mm, DEFAULTS[name])
            assert table.loc[case.case_id].to_dict() == {f"{name}_{key}": value for key, value in found.items()}


def test_only_the_structures_that_are_asked_for(cases) -> None:
    tables, _ = cohort_radiomics(cases, None, CT, ["GTVn"], progress=False)
    assert set(tables["ct"]["ct_original_shape_VoxelVolume"]) == {2 * 3 * 4 * 3.0}


@pytest.mark.slow
def test_two_processes_find_what_one_does(cases) -> None:
    one, _ = cohort_radiomics(cases, None, CT, workers=1, progress=False)
    two, _ = cohort_radiomics(cases, None, CT, workers=2, progress=False)
    pd.testing.assert_frame_equal(one["ct"], two["ct"])


def test_masks_on_another_grid_are_brought_to_the_prepared_one(cases, tmp_path) -> None:
    fine = Grid((22, 30, 40), (1.0, 0.5, 0.5), (-12.1, 18.1, 2.2))
    index = np.stack(np.meshgrid(*map(np.arange, fine.shape_zyx), indexing="ij"), axis=-1)
    prepared = np.rint(GRID.to_index_zyx(fine.to_lps_mm(index))).astype(int)
    within = ((prepared >= (2, 2, 2)) & (prepared < (6, 6, 6))).all(axis=-1)
    shifted = Grid(GRID.shape_zyx, GRID.spacing_mm, (-10.0 + 0.3 * 1.5, 20.0 - 0.3, 5.0))  # by a third of a voxel
    masks = {
        "P1": write_mask(tmp_path / "P1.nii.gz", within, fine),
        "P2": write_mask(tmp_path / "P2.nii.gz", cases[0].label == 1, shifted),
    }
    tables, failures = cohort_radiomics(cases, masks, CT, progress=False)
    truth, _ = cohort_radiomics(cases, None, CT, ["GTVp"], progress=False)
    assert not failures
    pd.testing.assert_frame_equal(tables["ct"], truth["ct"])


def test_who_cannot_be_measured_is_set_aside_by_name(cases, tmp_path) -> None:
    bad = tmp_path / "broken.nii.gz"
    bad.write_bytes(b"no image")
    elsewhere = Grid(GRID.shape_zyx, GRID.spacing_mm, (5000.0, 0.0, 0.0))
    more = [make_case(tmp_path, name) for name in ("broken", "empty", "elsewhere", "values", "none")]
    label = cases[0].label
    masks = {
        "P1": write_mask(tmp_path / "P1.nii.gz", label),
        "P2": write_mask(tmp_path / "P2.nii.gz", label),
        "broken": bad,
        "empty": write_mask(tmp_path / "empty.nii.gz", label * 0),
        "elsewhere": write_mask(tmp_path / "elsewhere.nii.gz", label, elsewhere),
        "values": write_mask(tmp_path / "values.nii.gz", (label > 0) * 255),
    }
    tables, failures = cohort_radiomics([*more, *cases], masks, CT, progress=False)
    assert list(tables["ct"].index) == ["P2", "P1"]
    said = {failure.case_id: failure.message for failure in failures}
    assert list(said) == ["broken", "empty", "elsewhere", "values", "none"]
    assert "broken.nii.gz" in said["broken"]
    assert said["empty"].endswith("empty.nii.gz: no voxel of GTVp, GTVn within what was prepared")
    assert "no voxel" in said["elsewhere"]
    assert "holds the values [255]; expected a label map with 0 and the numbers 1 to 2 of GTVp, GTVn" in said["values"]
    assert "no mask of this patient" in said["none"]


def test_who_has_no_outlines_or_a_broken_image_is_set_aside(tmp_path) -> None:
    blank = make_case(tmp_path, "blank", annotated=(False, False))
    cut = make_case(tmp_path, "cut")
    (cut.folder / "ct.npy").unlink()
    tables, failures = cohort_radiomics([blank, cut], None, CT, progress=False)
    assert tables["ct"].empty
    assert [failure.case_id for failure in failures] == ["blank", "cut"]
    assert "nobody outlined anything" in failures[0].message
    assert "ct.npy" in failures[1].message


def test_one_patients_surprise_stops_nobody(cases, monkeypatch) -> None:
    def surprised(image, mask, spacing_mm, settings):
        raise RuntimeError("never seen")

    monkeypatch.setattr("hnseg.survival.radiomic_features.extract", surprised)
    _, failures = cohort_radiomics(cases, None, CT, progress=False)
    assert [failure.message.endswith("RuntimeError: never seen; please report this") for failure in failures] == [
        True
    ] * 2


@pytest.mark.parametrize(
    ("settings", "structures", "said"),
    [
        (CT, ["GTV"], r"P2 has no structures \['GTV'\]; it has GTVp, GTVn"),
        ({"mr": Settings(bin_width=1)}, None, r"P2 has no modalities \['mr'\]; it has ct, pt"),
    ],
)
def test_refuses_what_the_cases_do_not_have(cases, settings, structures, said) -> None:
    with pytest.raises(ValueError, match=said):
        cohort_radiomics(cases, None, settings, structures, progress=False)
