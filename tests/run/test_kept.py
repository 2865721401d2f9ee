import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hnseg.prepare import Failure
from hnseg.run.kept import KEY, Made, kept


class Maker:
    def __init__(self, bad: int = 0) -> None:
        self.times, self.bad = 0, bad

    def __call__(self) -> Made:
        self.times += 1
        table = pd.DataFrame({"b": [0.1 + 0.2, np.nan, 1.0], "a": [1e-300, 3.0, 0.0]}, index=["001", "x", "NA"])
        return Made({"ct": table}, (Failure("y", "no mask"),) if self.times <= self.bad else (), {"network": "n"})


def test_a_table_is_made_once_and_comes_back_as_it_was(tmp_path: Path) -> None:
    make = Maker()
    first, second = (kept(tmp_path / "f", {"cases": ["k1"]}, make) for _ in range(2))
    assert make.times == 1
    pd.testing.assert_frame_equal(second.tables["ct"], first.tables["ct"], check_exact=True, check_names=False)
    assert list(second.tables["ct"].index) == ["001", "x", "NA"]
    assert (second.failures, dict(second.facts)) == ((), {"network": "n"})


def test_what_failed_for_somebody_is_tried_again(tmp_path: Path) -> None:
    make = Maker(bad=2)
    failures = [kept(tmp_path, {}, make).failures for _ in range(4)]
    assert [len(of_time) for of_time in failures] == [1, 1, 0, 0]
    assert make.times == 3


def test_it_is_made_again_where_its_sources_changed_or_a_kill_left_half(tmp_path: Path) -> None:
    make = Maker()
    kept(tmp_path, {"cases": ["k1"]}, make)
    kept(tmp_path, {"cases": ["k2"]}, make)
    assert make.times == 2
    assert json.loads((tmp_path / KEY).read_text())["tables"].keys() == {"ct"}
    (tmp_path / KEY).unlink()
    kept(tmp_path, {"cases": ["k2"]}, make)
    assert make.times == 3


@pytest.mark.parametrize(
    ("file", "content"), [("ct.csv", "patient,b,a\n001,9,9\n"), ("ct.csv", None), (KEY, "[]"), (KEY, "{")]
)
def test_what_was_damaged_is_made_again(file: str, content: str | None, tmp_path: Path) -> None:
    make = Maker()
    first = kept(tmp_path, {}, make)
    (tmp_path / file).unlink() if content is None else (tmp_path / file).write_text(content)
    second = kept(tmp_path, {}, make)
    assert make.times == 2
    pd.testing.assert_frame_equal(second.tables["ct"], first.tables["ct"])
