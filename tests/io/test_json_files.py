import json
import math
from pathlib import Path

import numpy as np

from hnseg.io import write_json


def test_what_json_has_no_number_for_stays_readable(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"far": math.inf, "none": np.float64("nan"), "list": [np.float32(0.5), (1, "x")]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"far": "inf", "none": None, "list": [0.5, [1, "x"]]}
