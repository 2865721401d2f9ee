import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from hnseg.io.phantom_marker import MARKER, is_phantom
from hnseg.phantom.cohort_folder import Cohort, fill

COHORT = Cohort("nothing", 3, 4, 0, 1.0)


@dataclass(frozen=True)
class Note:
    """A patient that is a text file."""

    path: Path

    @property
    def done(self):
        return self.path.is_file()

    def write(self):
        self.path.write_text(self.path.stem, encoding="utf-8")


def notes(root):
    return [Note(root / f"{letter}.txt") for letter in "abcd"]


def test_the_marker_says_what_lies_there_and_comes_first(tmp_path):
    root = tmp_path / "raw"

    def look(done, total):
        assert (done, total) == (1, 4)
        assert is_phantom(root)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(root, COHORT, notes(root), 1, look)
    marker = json.loads((root / MARKER).read_text())
    assert "not patients" in marker.pop("what")
    assert {name: marker[name] for name in ("layout", "seed", "patients", "test_patients", "coarse")} == {
        "layout": "nothing", "seed": 3, "patients": 4, "test_patients": 0, "coarse": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_there_stays_and_the_rest_is_written(tmp_path, workers):
    fill(tmp_path, COHORT, [], 1, False)
    (tmp_path / "b.txt").write_text("mine")
    told = []
    fill(tmp_path, COHORT, notes(tmp_path), workers, lambda done, total: told.append((done, total)))
    assert told == [(2, 4), (3, 4), (4, 4)]
    assert [note.path.read_text() for note in notes(tmp_path)] == ["a", "mine", "c", "d"]


def test_a_folder_holds_one_cohort(tmp_path):
    fill(tmp_path / "one", COHORT, [], 1, False)
    with pytest.raises(ValueError, match=r"one.*another phantom \(different: coarse, layout\).*choose another folder"):
        fill(tmp_path / "one", Cohort("other", 3, 4, 0, 2.0), notes(tmp_path / "one"), 1, False)
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "patients.csv").touch()
    with pytest.raises(ValueError, match="two: not empty and not a phantom"):
        fill(tmp_path / "two", COHORT, notes(tmp_path / "two"), 1, False)
    assert [path.name for path in (tmp_path / "two").iterdir()] == ["patients.csv"]


def test_a_folder_of_before_the_outcome_could_be_chosen_is_one_with_a_hazard(tmp_path):
    fill(tmp_path, COHORT, [], 1, False)
    assert "outcome" not in json.loads((tmp_path / MARKER).read_text())
    fill(tmp_path, Cohort("nothing", 3, 4, 0, 1.0, "hazard"), [], 1, False)
    with pytest.raises(ValueError, match=r"another phantom \(different: outcome\)"):
        fill(tmp_path, Cohort("nothing", 3, 4, 0, 1.0, "null"), [], 1, False)


def test_a_null_folder_is_not_taken_for_another(tmp_path):
    null = Cohort("nothing", 3, 4, 0, 1.0, "null")
    fill(tmp_path, null, [], 1, False)
    assert json.loads((tmp_path / MARKER).read_text())["outcome"] == "null"
    fill(tmp_path, null, [], 1, False)
    with pytest.raises(ValueError, match=r"different: outcome"):
        fill(tmp_path, COHORT, [], 1, False)


@pytest.mark.parametrize(("cohort", "workers"), [(Cohort("x", -1, 1, 0, 1.0), 1), (Cohort("x", 0, 1, 0, 0.0), 1),
                                                 (Cohort("x", 0, 1, 0, 1.0), 0)])  # fmt: skip
def test_impossible_numbers_leave_nothing_behind(tmp_path, cohort, workers):
    with pytest.raises(ValueError, match="coarse must be above 0"):
        fill(tmp_path / "raw", cohort, [], workers, False)
    assert not (tmp_path / "raw").exists()
