import json
from importlib.resources import files

import numpy as np
import pytest

from hnseg.data import Rainio2024
from hnseg.data.rainio2024 import by_number
from tests.data.patients import Patient


def cohort(count: int) -> list[Patient]:
    """Numbered patients, in an order that is not theirs."""
    ids = [str(number) for number in range(2, count + 2)]
    return [Patient(ids[i], "") for i in np.random.default_rng(0).permutation(count)]


def test_a_cohort_of_the_papers_size_is_dealt_out_as_published() -> None:
    patients = cohort(89)
    splits = [Rainio2024(fold)(patients) for fold in range(5)]
    assert [len(split.test) for split in splits] == [19, 17, 19, 17, 17]
    # patients are called 2 to 90 here, and the published places count from 0
    assert sorted(splits[1].test, key=int) == sorted((str(place + 2) for place in [*range(1, 80, 5), 80]), key=int)
    assert sorted(case for split in splits for case in split.test) == sorted(p.case_id for p in patients)


def test_the_published_sets_hold_every_patient_once() -> None:
    published = json.loads(files("hnseg.data").joinpath("published", "rainio2024.json").read_text())
    places = sorted(place for tested in published["sets"] for place in tested)
    assert places == list(range(published["patients"])) == list(range(89))


@pytest.mark.parametrize("validation", ["last", "random"])
@pytest.mark.parametrize("count", [6, 24, 89])
def test_training_validation_and_test_are_of_different_patients(count: int, validation: str) -> None:
    patients = cohort(count)
    for fold in range(5):
        split = Rainio2024(fold, validation)(patients)
        assert sorted([*split.train, *split.val, *split.test]) == sorted(p.case_id for p in patients)
        assert len(split.val) == max(1, round(0.3 * (count - len(split.test))))


def test_the_last_patients_validate_as_the_authors_had_it() -> None:
    split = Rainio2024(0, "last")(cohort(24))
    assert max(int(case) for case in split.train) < min(int(case) for case in split.val)


def test_another_cohort_has_every_fifth_patient_tested_in_the_order_of_numbers() -> None:
    assert sorted(Rainio2024(1)(cohort(24)).test, key=int) == ["3", "8", "13", "18", "23"]
    assert sorted(["12_a", "2_b", "a", "2"], key=by_number) == ["a", "2", "2_b", "12_a"]


def test_what_cannot_be_dealt_out_is_refused() -> None:
    with pytest.raises(ValueError, match="fold=5 must be one of 0 to 4"):
        Rainio2024(5)(cohort(24))
    with pytest.raises(ValueError, match="5 patients with a tumour are too few"):
        Rainio2024(0)(cohort(5))


def test_folds_are_the_five_sets() -> None:
    assert Rainio2024().folds([]) == [0, 1, 2, 3, 4]
    assert Rainio2024(seed=3).for_fold("2") == Rainio2024(2, seed=3)
