from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hnseg.report.canvas import PHANTOM_TEXT
from hnseg.report.comparison import paired_dice


def cases(sources=("a", "$b_{$"), structures=("GTVp",), patients=12) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {"case": f"p{n}", "structure": structure, "source": source, "dice": random.uniform()}
            for structure in structures
            for source in sources
            for n in range(patients)
        ]
    )


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(png)).convert("RGB")).astype(int)


def test_a_phantom_is_marked() -> None:
    plain, marked = (paired_dice(cases(), phantom=phantom) for phantom in (False, True))
    assert PHANTOM_TEXT.encode() in marked
    assert PHANTOM_TEXT.encode() not in plain
    assert (np.abs(pixels(plain) - pixels(marked)).max(axis=2) > 30).mean() > 0.005


def test_panels_by_structure_and_width_by_source() -> None:
    one = pixels(paired_dice(cases(), phantom=False)).shape
    two = pixels(paired_dice(cases(structures=("GTVp", "GTVn")), phantom=False)).shape
    assert two[1] == pytest.approx(2 * one[1], rel=0.01)
    many = pixels(paired_dice(cases(sources=[f"a rather long name {n}" for n in range(6)]), phantom=False)).shape
    assert many[1] > 1.5 * one[1]


def test_pairs_are_joined_by_name() -> None:
    shuffled = cases().sample(frac=1, random_state=0).sort_values("source", kind="stable")
    assert paired_dice(cases().sort_values("source", kind="stable"), phantom=False) == paired_dice(
        shuffled, phantom=False
    )


def test_one_patient_and_a_score_that_is_not_defined_are_drawn() -> None:
    assert paired_dice(cases(patients=1), phantom=False).startswith(b"\x89PNG")
    assert paired_dice(cases().assign(dice=np.nan), phantom=False).startswith(b"\x89PNG")
