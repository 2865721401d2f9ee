"""Which files a prediction leaves; what stands in DICOM objects is tested where they are written."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from hnseg.inference.output import Output
from hnseg.io import read_volume
from hnseg.io.dicom.stack import stack
from hnseg.types import Grid, Prediction, Volume
from tests.io.dicom.making import write_series

GRID = Grid((4, 16, 16), (3.0, 2.0, 2.0))
NAMES = ("GTVp", "GTVn")


def prediction() -> Prediction:
    labels = np.zeros(GRID.shape_zyx, np.uint8)
    labels[1:3, 3:8, 3:8], labels[2, 10:14, 10:14] = 1, 2
    return Prediction("P1", Volume(labels, GRID), NAMES)


def test_the_label_map_alone_where_nothing_else_is_asked_for(tmp_path: Path) -> None:
    output = Output(tmp_path, NAMES)
    output.write(prediction())
    assert [path.name for path in tmp_path.iterdir()] == ["P1.nii.gz"]
    assert output.mask("P1") == tmp_path / "P1.nii.gz"


def test_dicom_objects_file_under_the_patients_own_study(tmp_path: Path) -> None:
    series = stack(write_series(tmp_path / "in", np.zeros(GRID.shape_zyx), GRID))
    output = Output(tmp_path / "out", NAMES, formats=("rtstruct", "seg", "nifti"), series={"P1": series})
    assert not output.is_there("P1")
    output.write(prediction(), phantom=True)
    assert output.is_there("P1")
    assert output.mask("P1").name == "P1.nii.gz"
    for name in ("P1_rtstruct.dcm", "P1_seg.dcm"):
        written = pydicom.dcmread(tmp_path / "out" / name)
        assert (written.StudyInstanceUID, written.FrameOfReferenceUID) == (series.study_uid, series.frame_uid)
        assert "PHANTOM" in str(written).upper()
    np.testing.assert_array_equal(read_volume(tmp_path / "out" / "P1.nii.gz").array, prediction().mask.array)
    (tmp_path / "out" / "P1_seg.dcm").unlink()
    assert not output.is_there("P1"), "what is missing must be made again"


def test_without_a_label_map_the_first_object_stands_for_the_mask(tmp_path: Path) -> None:
    series = stack(write_series(tmp_path / "in", np.zeros(GRID.shape_zyx), GRID))
    output = Output(tmp_path / "out", NAMES, formats=("seg",), series={"P1": series})
    output.write(prediction())
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["P1_seg.dcm"]
    assert output.mask("P1").name == "P1_seg.dcm"


@pytest.mark.parametrize(
    ("formats", "said"),
    [(("png",), "save=png is not understood"), ((), "is not understood"), (("rtstruct",), "input=DICOM_DIR")],
)
def test_what_cannot_be_written_is_refused_before_any_work(formats: tuple[str, ...], said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        Output(tmp_path, NAMES, formats=formats)
