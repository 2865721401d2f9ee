import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hnseg.augment import NoAugment
from hnseg.data.datasets import TrainingSamples
from hnseg.data.facts import sample_pictures, training_counts, training_facts
from hnseg.data.views import EverySliceView, SliceView, VolumeView
from hnseg.prepare import Case
from hnseg.prepare.case import write_case
from hnseg.types import BoxMm, Grid

NAMES = ("Mandible", "Parotid_L")


def write(root: Path, name: str, ct: np.ndarray, label: np.ndarray, annotated=(True, True), modality="ct") -> Case:
    """A prepared case of one modality."""
    folder = root / name
    folder.mkdir()
    grid = Grid(label.shape, (3.0, 2.0, 2.0))
    case = Case(
        folder=folder, case_id=name, centre="", part="train", modalities=(modality,), label_names=NAMES,
        annotated=annotated, grid=grid, image_grid=grid, box=BoxMm((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), phantom=False,
        notes=(), sources={}, key=name,
    )  # fmt: skip
    write_case(folder, case, {modality: ct}, label, label)
    return Case.open(folder)


@pytest.fixture
def cases(tmp_path: Path) -> list[Case]:
    """Two cases of unlike size; the second has no left parotid gland outlined."""
    rng = np.random.default_rng(0)
    made = []
    for name, shape, values in (("a", (5, 6, 7), 3), ("b", (4, 9, 8), 2)):
        ct = rng.integers(-1500, 4000, shape).astype(np.int16)
        label = rng.integers(0, values, shape).astype(np.uint8)
        label[0] = 0
        made.append(write(tmp_path, name, ct, label, (True, values == 3)))
    return made


def slow_facts(cases: list[Case]) -> dict[str, Any]:
    """The same with one look a voxel."""
    edges = [-1024.0 + 64 * place for place in range(65)]
    hu = {"edges": edges, **{name: [0] * 64 for name in ("all", *NAMES)}}
    counted = {name: {"patients": set(), "slices": set(), "voxels": 0} for name in NAMES}
    for case in cases:
        for (z, y, x), value in np.ndenumerate(case.label):
            bin_ = sum(case.images[0][z, y, x] >= edge for edge in edges[1:-1])
            hu["all"][bin_] += 1
            if value > 0:
                name = NAMES[value - 1]
                hu[name][bin_] += 1
                counted[name]["voxels"] += 1
                counted[name]["slices"].add((case.case_id, z))
                counted[name]["patients"].add(case.case_id)
    structures = [
        {
            "name": name,
            "patients_annotated": sum(case.annotated[place] for case in cases),
            "patients_shown": len(counted[name]["patients"]),
            "slices": len(counted[name]["slices"]),
            "voxels": counted[name]["voxels"],
        }
        for place, name in enumerate(NAMES)
    ]
    voxels = sum(case.label.size for case in cases)
    return {"structures": structures, "patients": 2, "slices": 9, "voxels": voxels, "hu": hu}


def test_facts_are_those_of_a_look_at_every_voxel(cases: list[Case]) -> None:
    facts = training_facts(cases)
    assert facts == slow_facts(cases)
    assert json.loads(json.dumps(facts)) == facts  # plain numbers
    assert facts["structures"][1]["patients_annotated"] == 1


def test_every_hu_has_its_bin(tmp_path: Path) -> None:
    hu = {-3024: 0, -1024: 0, -961: 0, -960: 1, -1: 15, 0: 16, 63: 16, 64: 17, 3007: 62, 3008: 63, 3071: 63, 9000: 63}
    ct = np.array([[list(hu)]], np.int16)
    counts = training_facts([write(tmp_path, "a", ct, np.ones(ct.shape, np.uint8))])["hu"]
    assert counts["all"] == counts["Mandible"] == np.bincount(list(hu.values()), minlength=64).tolist()
    assert sum(counts["Parotid_L"]) == 0
    assert (counts["edges"][0], counts["edges"][16], counts["edges"][-1]) == (-1024.0, 0.0, 3072.0)


def test_without_ct_there_are_no_hu(tmp_path: Path) -> None:
    suv = np.full((2, 3, 3), 2.5, np.float16)
    facts = training_facts(
        [write(tmp_path, "a", suv, np.eye(3, dtype=np.uint8)[None].repeat(2, axis=0), modality="pt")]
    )
    assert "hu" not in facts
    assert facts["structures"][0] == {
        "name": "Mandible", "patients_annotated": 1, "patients_shown": 1, "slices": 2, "voxels": 6,
    }  # fmt: skip


@pytest.mark.parametrize(("spatial_dims", "shown"), [(2, (7, 4)), (3, (2, 1))])
def test_counts_are_of_slices_or_of_patients(cases: list[Case], spatial_dims: int, shown: tuple[int, ...]) -> None:
    counts = training_counts(cases, spatial_dims)
    assert (counts.structures, counts.patients, counts.complete) == (NAMES, 2, 1)
    assert counts.annotated == (2, 1)
    assert counts.shown == shown


class Brighter:
    """Moves what it is given one row down and adds 100 HU."""

    def __call__(self, image: torch.Tensor, label: torch.Tensor, rng: np.random.Generator) -> Any:
        return image.roll(1, -2) + 100 + rng.integers(1), label.roll(1, -2)


def test_pictures_are_samples_before_and_after(cases: list[Case]) -> None:
    samples = TrainingSamples(cases, EverySliceView((1, 6, 7)), Brighter(), seed=1)
    pictures = sample_pictures(samples, NAMES, 3, epoch=2)
    assert {name: (array.shape, array.dtype.kind) for name, array in pictures.items()} == {
        "before": ((3, 6, 7), "f"), "before_label": ((3, 6, 7), "u"), "after": ((3, 6, 7), "f"),
        "after_label": ((3, 6, 7), "u"), "names": ((2,), "U"), "case": ((3,), "U"),
    }  # fmt: skip
    np.testing.assert_array_equal(np.roll(pictures["before"], 1, axis=1) + 100, pictures["after"])
    np.testing.assert_array_equal(np.roll(pictures["before_label"], 1, axis=1), pictures["after_label"])
    case, image, label = samples.draw((2, 1))
    assert pictures["case"][1] == case.case_id
    np.testing.assert_array_equal(pictures["before"][1], image[0])
    np.testing.assert_array_equal(pictures["before_label"][1], label)
    assert pictures["names"].tolist() == list(NAMES)


def test_slices_that_show_a_structure_come_first(tmp_path: Path) -> None:
    label = np.zeros((30, 4, 4), np.uint8)
    label[[3, 17], 1, 1] = 2
    case = write(tmp_path, "a", np.zeros(label.shape, np.int16), label)

    def shown(count: int) -> list[bool]:
        samples = TrainingSamples([case], SliceView((1, 4, 4), 0.3), NoAugment(), seed=0, samples_per_case=200)
        return [bool(one.any()) for one in sample_pictures(samples, NAMES, count, epoch=3)["before_label"]]

    assert shown(2) == [True, True]
    few = TrainingSamples([case], SliceView((1, 4, 4), 0.0), NoAugment(), seed=0, samples_per_case=5)
    assert len(sample_pictures(few, NAMES, 9)["before"]) == 5


def test_of_a_volume_the_slice_with_most_of_the_structures(tmp_path: Path) -> None:
    label = np.zeros((4, 5, 6), np.uint8)
    label[1, 0, 0], label[2, :2, :2], label[3, 0, :3] = 1, 2, 1
    ct = np.arange(label.size, dtype=np.int16).reshape(label.shape)
    large = write(tmp_path, "large", ct, label)
    small = write(tmp_path, "small", ct[:, :4, :3], label[:, :4, :3])
    samples = TrainingSamples([large, small], VolumeView(None, 1), NoAugment(), seed=0)
    pictures = sample_pictures(samples, NAMES, 5)
    assert sorted(pictures["case"]) == ["large", "small"]
    one, other = (pictures["case"].tolist().index(name) for name in ("large", "small"))
    np.testing.assert_array_equal(pictures["before"][one], ct[2])
    np.testing.assert_array_equal(pictures["after_label"][one], label[2])
    np.testing.assert_array_equal(pictures["before"][other, :4, :3], ct[2, :4, :3])
    assert (pictures["before"][other, 4:] == -1024).all()
    assert (pictures["before"][other, :, 3:] == -1024).all()
    assert not pictures["before_label"][other, 4:].any()
