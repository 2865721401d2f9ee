"""Structures of a phantom patient as a DICOM segmentation, as a study's own software would add them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hnseg.io.dicom.object_bytes import replaced
from hnseg.io.dicom.objects import FileHeader, ImageTags, Series
from hnseg.phantom import dicom_ct
from hnseg.phantom.dicom_ct import transfer_syntax
from hnseg.phantom.dicom_scene import Scene
from hnseg.phantom.dicom_study import PhantomStudy, da, plane, tm


def seg_file(scene: Scene, study: PhantomStudy, ct_paths: Mapping[int, Path]) -> bytes:
    """Segmentation IOD (PS3.3, A.51) on the CT: tumours and organs under hnseg's names.

    Args:
        scene, study: the patient.
        ct_paths: number of a slice to its file, which must be there.
    """
    from hnseg.io.dicom.seg import write_seg  # highdicom takes a second to import, and most calls write no SEG

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seg"
        write_seg(path, scene.masks, _series(scene, study, ct_paths), phantom=True)
        moments = {"ContributionDateTime": da(study.scan_start) + tm(study.scan_start)}
        for keyword in ("Content", "InstanceCreation", "Series"):
            moments |= {f"{keyword}Date": da(study.scan_start), f"{keyword}Time": tm(study.scan_start)}
        return replaced(path.read_bytes(), moments)


def _series(scene: Scene, study: PhantomStudy, ct_paths: Mapping[int, Path]) -> Series:
    count = scene.ct_slices.shape_zyx[0]
    files = tuple(_header(scene, study, index, ct_paths[index]) for index in range(count))
    return Series("ct", files, scene.ct_grid, np.zeros((count, 2)))


def _header(scene: Scene, study: PhantomStudy, index: int, path: Path) -> FileHeader:
    _, rows, columns = scene.ct_slices.shape_zyx
    x, y, z = (float(value) for value in plane(scene.ct_slices, index)["ImagePositionPatient"])
    return FileHeader(
        path=path,
        modality="CT",
        sop_class_uid=dicom_ct.SOP_CLASS,
        sop_uid=study.uid(dicom_ct.SERIES, index),
        series_uid=study.uid(dicom_ct.SERIES),
        study_uid=study.uid("study"),
        frame_uid=study.uid(dicom_ct.FRAME),
        transfer_syntax_uid=transfer_syntax(scene),
        image=ImageTags(rows, columns, position_lps_mm=(x, y, z)),
        phantom=True,
    )
