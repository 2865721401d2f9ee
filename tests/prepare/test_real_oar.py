"""The real CTs with organs at risk that HNSEG_REAL_DATA names: 15 with up to nine organs, 82 with four."""

import numpy as np
import pytest

from hnseg.geometry import box_contains, image_box
from hnseg.io import read_grid, read_volume
from hnseg.io.landmarks import read_landmarks
from hnseg.prepare.box import choose_box
from hnseg.prepare.check import check_studies
from hnseg.prepare.findings import Findings
from hnseg.prepare.jain2020 import jain2020_grid
from hnseg.prepare.organs import PDDCA
from hnseg.prepare.pddca import find_studies
from hnseg.prepare.recipe import Recipe
from hnseg.prepare.study import outside_ml, prepare_study
from hnseg.types import Volume

pytestmark = pytest.mark.real

BODY = Recipe(("ct",), PDDCA, (2.5, 1.0, 1.0), ("body",), (None, 280.0, 280.0), allow_empty=True)
HEAD_NECK = Recipe(("ct",), PDDCA, (1.25, 0.76, 0.76), ("head_neck",), None, allow_empty=True)


@pytest.fixture(scope="module")
def studies(oar_folder):
    found = [find_studies(oar_folder / source, PDDCA, centre=source) for source in ("paired", "openkbp")]
    assert [findings.problems for findings in found] == [(), ()]
    return [study for findings in found for study in findings.studies]


def test_all_patients_are_found_with_what_was_annotated(studies):
    counts = {name: sum(name in study.masks for study in studies) for name in PDDCA}
    assert len(studies) == 97
    assert list(counts.values()) == [97, 4, 97, 8, 8, 97, 97, 12, 11]


def test_no_region_of_the_ct_loses_a_voxel_of_an_organ(studies):
    lost, removed = {}, []
    for study in studies:
        ct = read_volume(study.images["ct"])
        boxes = {recipe.regions[0]: choose_box({"ct": ct}, None, recipe)[0] for recipe in (BODY, HEAD_NECK)}
        whole = image_box(ct.grid)
        kept = np.prod(np.subtract(boxes["head_neck"].high_mm, boxes["head_neck"].low_mm))
        removed.append(1 - kept / np.prod(np.subtract(whole.high_mm, whole.low_mm)))
        for name, (path, _) in study.masks.items():
            mask = read_volume(path)
            for region, box in boxes.items():
                if outside_ml(Volume(mask.array > 0, mask.grid), box) > 0:
                    lost[study.case_id, name] = region
    assert lost == {}
    assert np.median(removed) == pytest.approx(0.65, abs=0.02)


def test_authors_crop_keeps_all_of_pddca(oar_folder):
    patients = sorted((oar_folder / "native_masks" / "pddca").iterdir())[::5]  # all 15 take a minute and a half
    masks = [path for patient in patients for path in sorted((patient / "structures").glob("*.nrrd"))]
    assert len(masks) >= 24
    for path in masks:
        mask = read_volume(path)
        outside = ~box_contains(image_box(jain2020_grid(mask.grid)), mask.grid.to_lps_mm(np.argwhere(mask.array)))
        assert not outside.any(), path


def test_landmarks_lie_in_their_scans_chin_in_front_and_right_on_the_right(oar_folder):
    lists = sorted((oar_folder / "native_masks" / "pddca").glob("*/*.fcsv"))
    assert len(lists) == 15
    for path in lists:
        found = {landmark.name: np.array(landmark.position_lps_mm) for landmark in read_landmarks(path)}
        box = image_box(read_grid(path.parent / "structures" / "Mandible.nrrd"))
        assert all(box_contains(box, position) for position in found.values())
        assert found["mand_l"][0] > found["mand_r"][0]
        assert found["chin"][1] < found["occ_bone"][1]


def test_check_names_cut_organs_and_no_exchanged_side(studies):
    found = check_studies(Findings.of(studies[:15], ()), BODY, 1, False)
    assert [finding for finding in found if finding.level == "error" or "right of" in finding.message] == []
    cut = {finding.case_id for finding in found if "slice of the image cuts" in finding.message}
    assert {"0522c0017", "0522c0057"} <= cut


def test_prepared_patient_has_the_volumes_of_their_large_organs(studies):
    study = next(study for study in studies if study.case_id == "0522c0009")
    ready = prepare_study(study, BODY)
    assert ready.case.annotated == (True,) * 9
    assert ready.label.shape[1:] == (280, 280)
    for name in (
        "BrainStem",
        "Mandible",
        "Parotid_L",
        "Parotid_R",
    ):  # a chiasm of one slice of 3 mm may fill two of 2.5
        mask = read_volume(study.masks[name][0])
        own = (mask.array > 0).sum() * mask.grid.voxel_volume_mm3
        prepared = (ready.label == 1 + PDDCA.index(name)).sum() * ready.case.grid.voxel_volume_mm3
        assert prepared == pytest.approx(own, rel=0.05), name
