import json
import pickle

import numpy as np
import pytest

from hnseg.prepare.case import OPEN_MAPS, Case, write_case
from hnseg.prepare.recipe import Recipe
from hnseg.prepare.study import prepare_study

RECIPE = Recipe(spacing_mm=6.0)


@pytest.fixture
def case(study, tmp_path):
    ready = prepare_study(study, RECIPE, "k")
    folder = tmp_path / "case"
    folder.mkdir()
    write_case(folder, ready.case, ready.images, ready.label, ready.truth)
    return Case.open(folder)


def test_what_is_written_is_read_back(case, study, patient):
    assert (case.case_id, case.centre, case.part, case.key) == ("CHXX001", "CHXX", "train", "k")
    assert (case.modalities, case.label_names, case.annotated) == (("ct", "pt"), ("GTVt",), (True,))
    assert case.grid.shape_zyx == (24, 24, 24)
    assert case.image_grid.matches(patient.ct_grid)
    assert case.box.source == "brain"
    assert case.sources["GTVt"] == str(study.masks["GTVt"][0])
    assert not case.phantom


def test_arrays_are_memory_maps_of_plain_files(case):
    assert all(isinstance(array, np.memmap) for array in (*case.images, case.label))
    assert [array.dtype for array in case.images] == [np.int16, np.float16]
    assert sorted(path.name for path in case.folder.iterdir()) == [
        "case.json",
        "ct.npy",
        "label.npy",
        "pt.npy",
        "truth.npz",
    ]


def test_truth_lies_on_the_patients_own_grid(case, patient):
    assert np.array_equal(case.truth().array, patient.mask().array)
    assert case.truth().array.dtype == np.uint8


@pytest.mark.parametrize("start", [(0, 0, 0), (-5, 3, 20), (20, -30, 2), (3, 50, 3), (-4, -4, -4)])
def test_crop_equals_slicing_a_padded_copy(case, start):
    shape = (9, 10, 40)
    image, label = case.crop(start, shape)
    pad = 60
    for channel, array, fill in zip(image, case.images, (-1024, 0), strict=True):
        padded = np.pad(np.asarray(array, np.float32), pad, constant_values=fill)
        assert np.array_equal(
            channel, padded[tuple(slice(s + pad, s + pad + n) for s, n in zip(start, shape, strict=True))]
        )
    padded = np.pad(np.asarray(case.label), pad)
    assert np.array_equal(label, padded[tuple(slice(s + pad, s + pad + n) for s, n in zip(start, shape, strict=True))])
    assert (image.dtype, label.dtype) == (np.float32, np.uint8)


def test_crop_is_the_callers_own(case):
    image, label = case.crop((0, 0, 0), (4, 4, 4))
    image[:], label[:] = 7, 7
    again, _ = case.crop((0, 0, 0), (4, 4, 4))
    assert not (again == 7).all()


def test_unannotated_case_has_no_label(study, tmp_path):
    import dataclasses

    ready = prepare_study(dataclasses.replace(study, masks={}, part="test"), RECIPE)
    write_case(tmp_path, ready.case, ready.images, ready.label, ready.truth)
    case = Case.open(tmp_path)
    assert case.label is None
    assert case.truth() is None
    assert case.annotated == (False,)
    assert not case.crop((0, 0, 0), (4, 4, 4))[1].any()
    assert "GTVt is not annotated" in case.notes


def test_pickle_holds_no_arrays(case):
    size = len(pickle.dumps(case))
    case.crop((0, 0, 0), (4, 4, 4))
    assert len(pickle.dumps(case)) == size < 10_000
    assert np.array_equal(pickle.loads(pickle.dumps(case)).images[0], case.images[0])


def test_open_maps_stay_below_a_limit(case, tmp_path):
    from hnseg.prepare.case import _map

    for index in range(OPEN_MAPS + 10):
        np.save(tmp_path / f"{index}.npy", np.zeros(1))
        _map(tmp_path / f"{index}.npy", "k")
    assert _map.cache_info().currsize == OPEN_MAPS


def test_folder_without_a_whole_case_is_refused(case, tmp_path):
    with pytest.raises(ValueError, match="prepare again"):
        Case.open(tmp_path / "nothing")
    path = case.folder / "case.json"
    plain = json.loads(path.read_text())
    del plain["grid"]
    path.write_text(json.dumps(plain))
    with pytest.raises(ValueError, match="grid"):
        Case.open(case.folder)


def test_pickled_array_is_never_loaded(case):
    np.save(case.folder / "ct.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    fresh = pickle.loads(pickle.dumps(case))
    with pytest.raises(ValueError, match=r"pickle|object"):
        _ = fresh.images
