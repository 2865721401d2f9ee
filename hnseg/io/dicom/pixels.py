"""The voxels of a series: CT in Hounsfield units, PET in body-weight SUV."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hnseg.geometry.shear import take_out_shear
from hnseg.io.dicom.isolated import load_array, run_isolated
from hnseg.io.dicom.objects import Limits, RefusedDicomError, Series
from hnseg.io.dicom.opening import read_whole
from hnseg.io.dicom.stored_values import stored_values
from hnseg.io.dicom.suv import suv_factors
from hnseg.io.dicom.values import Values
from hnseg.io.memory import available_memory_bytes
from hnseg.types import Volume

_AIR = {"ct": -1024.0, "pt": 0.0}  # what is beside the images of a tilted gantry
_INT16 = np.iinfo(np.int16)
_COPIES = 2  # of the voxels: the child's file, which may lie in memory too, and what is read from it
_VOXELS = "voxels.npy"


def read_series(series: Series, limits: Limits = Limits()) -> Volume:  # noqa: B008  (frozen)
    """Decode the files of a series in a child process, file by file stored value x slope + intercept.

    Padding is not looked for: a pixel that holds Pixel Padding Value (0028,0120) is rescaled as any other.

    Returns:
        On ``series.grid``. CT: int16 HU where every value is whole and fits, else float32. PET: float32 SUVbw, each
        file with its own factor, see :func:`hnseg.io.dicom.suv.suv_factors`. Images of a tilted gantry are moved in
        their planes by linear interpolation, and are float32; beside them is -1024 HU or 0.

    Raises:
        RefusedDicomError: ``too_large`` before anything is decoded; what ``suv_factors`` refuses; ``changed``,
            ``undecodable``, ``pixel_format``, ``colour``; ``too_slow`` and others of ``run_isolated``.
    """
    _check_size(series, limits)
    shape = len(series.files), *_size(series)
    with tempfile.TemporaryDirectory(prefix="hnseg-") as name:
        answer = run_isolated("pixels", _request(series, limits), Path(name), limits)
        voxels = load_array(Path(name), _VOXELS)
    if voxels.shape != shape or voxels.dtype != np.float32:
        raise RefusedDicomError("crashed", "the process that read it left no usable result; leave it out")
    if series.shift_px.any():
        voxels = take_out_shear(voxels, series.shift_px, _AIR[series.modality])
    elif series.modality == "ct" and answer["whole"]:
        voxels = voxels.astype(np.int16)
    return Volume(voxels, series.grid)


def pixels_task(arguments: dict[str, Any]) -> dict[str, Any]:
    """Write the rescaled images of ``files`` to an array in ``folder``: (files, rows, columns) float32.

    The answer's ``whole`` says whether all values are whole numbers that fit int16.
    """
    files, rows, columns = arguments["files"], arguments["rows"], arguments["columns"]
    whole = True
    with (Path(arguments["folder"]) / _VOXELS).open("wb") as voxels:
        header = {"descr": "<f4", "fortran_order": False, "shape": (len(files), rows, columns)}
        np.lib.format.write_array_header_2_0(voxels, header)
        for file in files:
            image = _image(file, (rows, columns), arguments["file_mib"])
            whole = whole and _is_int16(image)
            voxels.write(image.astype("<f4").tobytes())
    return {"whole": whole}


def _request(series: Series, limits: Limits) -> dict[str, Any]:
    factors = suv_factors(series) if series.modality == "pt" else np.ones(len(series.files))
    files = []
    for header, factor in zip(series.files, factors, strict=True):
        image = header.image
        assert image is not None, "a series is made of images"
        assert image.rescale_slope is not None, "an image without a slope is no part of a series"
        files.append(
            {
                "path": str(header.path),
                "sop_uid": header.sop_uid,
                "transfer_syntax_uid": header.transfer_syntax_uid,
                "slope": image.rescale_slope * float(factor),
                "intercept": (image.rescale_intercept or 0.0) * float(factor),
            }
        )
    rows, columns = _size(series)
    return {"files": files, "rows": rows, "columns": columns, "file_mib": limits.file_mib}


def _image(file: dict[str, Any], shape: tuple[int, int], file_mib: int) -> NDArray[np.float64]:
    dataset = read_whole(Path(file["path"]), file_mib)
    values = Values(dataset)
    uid = values.uid(0x00080018) or Values(dataset.file_meta).uid(0x00020003)
    if uid != file["sop_uid"] or (values.integer(0x00280010), values.integer(0x00280011)) != shape:
        raise RefusedDicomError("changed", "a file changed while the series was read; start again")
    # in float64: a slope of 4 takes int16 beyond its range, and float32 would round before the factor is in
    stored = stored_values(dataset, file["transfer_syntax_uid"]).astype(np.float64)
    image: NDArray[np.float64] = stored * file["slope"] + file["intercept"]
    if not np.abs(image).max() <= np.finfo(np.float32).max:
        raise RefusedDicomError(
            "rescale", "Rescale Slope (0028,1053) takes the values beyond all numbers; leave it out"
        )
    return image


def _is_int16(image: NDArray[np.float64]) -> bool:
    return bool(image.min() >= _INT16.min and image.max() <= _INT16.max and (image == np.rint(image)).all())


def _size(series: Series) -> tuple[int, int]:
    image = series.files[0].image
    assert image is not None, "a series is made of images"
    return image.rows, image.columns


def _check_size(series: Series, limits: Limits) -> None:
    shape = series.grid.shape_zyx
    needed = int(np.prod(shape, dtype=np.int64)) * np.dtype(np.float32).itemsize
    available = available_memory_bytes()
    if needed > limits.series_mib << 20:
        remedy = f"{limits.series_mib} MiB are the limit; leave it out"
    elif needed * _COPIES > available:
        remedy = f"{available >> 20} MiB are free; use a machine with more memory"
    else:
        return
    size = " x ".join(map(str, shape))
    raise RefusedDicomError("too_large", f"{size} voxels need {needed * _COPIES >> 20} MiB where {remedy}")
