from pathlib import Path

import numpy as np
import pytest

from hnseg.postprocess import ClickFilter, KeepLargest, Postprocess
from hnseg.prepare import Case, write_case
from hnseg.run.score import _centres
from hnseg.types import BoxMm, Grid

FINE = Grid((9, 20, 20), (3.0, 1.0, 1.0))
COARSE = Grid((6, 10, 10), (4.5, 2.0, 2.0), (0.5, 0.5, 0.75))


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Two pillars, on a prepared grid with fewer slices than the patient's own."""
    truth = np.zeros(FINE.shape_zyx, np.uint8)
    truth[:, 2:7, 2:7], truth[:, 12:17, 12:17] = 1, 1
    label = np.zeros(COARSE.shape_zyx, np.uint8)
    label[:, 1:3, 1:3], label[:, 6:8, 6:8] = 1, 1
    made = Case(
        folder=tmp_path, case_id="a", centre="", part="train", modalities=("pt",), label_names=("GTV",),
        annotated=(True,), grid=COARSE, image_grid=FINE, box=BoxMm((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), phantom=False,
        notes=(), sources={}, key="a",
    )  # fmt: skip
    write_case(tmp_path, made, {"pt": np.zeros(COARSE.shape_zyx, np.float16)}, label, truth)
    return Case.open(tmp_path)


@pytest.mark.parametrize(("spatial_dims", "clicks"), [(2, 18), (3, 2)])
def test_a_filter_is_scored_with_the_centres_on_the_patients_own_slices(
    case: Case, spatial_dims: int, clicks: int
) -> None:
    chain = Postprocess({"filter": ClickFilter(spatial_dims=spatial_dims)})
    centres = _centres(case, chain)
    assert centres is not None
    assert len(centres) == clicks
    index = np.rint(FINE.to_index_zyx(np.array([click.lps_mm for click in centres]))).astype(int)
    assert {(y, x) for _, y, x in index.tolist()} == {(4, 4), (14, 14)}
    assert {z for z, _, _ in index.tolist()} == (set(range(9)) if spatial_dims == 2 else {4})
    assert {click.structure for click in centres} == {"GTV"}


def test_a_chain_that_needs_no_clicks_is_given_none(case: Case) -> None:
    assert _centres(case, Postprocess({"largest": KeepLargest()})) is None
