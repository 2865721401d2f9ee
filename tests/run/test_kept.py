import json
from pathlib import Path

import numpy as np
import pandas as pd

from hnseg.prepare import Failure
from hnseg.run.kept import KEY, Made, kept


class Maker:
    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> Made:
        self.times += 1
        table = pd.DataFrame({"b": [0.1 + 0.2, np.nan], "a": [1e-300, 3.0]}, index=["001", "x"])
        return Made({"ct": table}, (Failure("y", "no mask"),), {"network": "n"})


def test_a_table_is_made_once_and_comes_back_as_it_was(tmp_path: Path) -> None:
    make = Maker()
    first, second = (kept(tmp_path / "f", {"cases": ["k1"]}, make) for _ in range(2))
    assert make.times == 1
    pd.testing.assert_frame_equal(second.tables["ct"], first.tables["ct"], check_exact=True, check_names=False)
    assert (second.failures, dict(second.facts)) == (first.failures, {"network": "n"})


def test_it_is_made_again_where_its_sources_changed_or_a_kill_left_half(tmp_path: Path) -> None:
    make = Maker()
    kept(tmp_path, {"cases": ["k1"]}, make)
    kept(tmp_path, {"cases": ["k2"]}, make)
    assert make.times == 2
    assert json.loads((tmp_path / KEY).read_text())["tables"] == ["ct"]
    (tmp_path / KEY).unlink()
    kept(tmp_path, {"cases": ["k2"]}, make)
    assert make.times == 3
