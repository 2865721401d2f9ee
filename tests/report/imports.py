"""A folder as `hnseg import` leaves it, small."""

import numpy as np

from hnseg.io import write_json, write_volume
from hnseg.types import AXIAL_DIRECTION, Grid, Volume

SHAPE, SPACING_MM = (20, 24, 28), (4.0, 5.0, 5.0)


def image(notes=(), **more):
    plain = {"slices": SHAPE[0], "shape_zyx": list(SHAPE), "spacing_mm": list(SPACING_MM), "tilt_deg": 0.0}
    return plain | {"notes": list(notes)} | more


def pet(**more):
    said = {"units": "BQML", "vendor": "GE", "factor_min": 1e-4, "factor_max": 1e-4, "suv_max": 12.3}
    return image(**said) | more


def drawn(name, original, ml=1.5, notes=()):
    return {"name": name, "original": original, "source": "rtstruct", "ml": ml, "notes": list(notes)}


def entry(case_id, *, ct=True, pt=True, structures=(), unknown=(), notes=(), patient=None):
    return {
        "case": case_id,
        "patient": patient or case_id,
        "centre": "",
        "part": "",
        "ct": image() if ct is True else ct or None,
        "pt": pet() if pt is True else pt or None,
        "structures": list(structures),
        "unknown": [{"original": name, "source": "rtstruct"} for name in unknown],
        "notes": list(notes),
    }


def left(reason, message, kind="series", modality="CT", files=10, case="", token="f-AAAAAAAA"):
    return {"token": token, "kind": kind, "modality": modality, "files": files, "reason": reason, "message": message,
            "case": case}  # fmt: skip


def record(cases, skipped=(), *, phantom=False, dry_run=False):
    return {"phantom": phantom, "dry_run": dry_run, "files": 120, "seconds": 61.2, "cases": list(cases),
            "skipped": list(skipped), "counts": {}}  # fmt: skip


def make_import(folder, told, grid=None):
    """``import.json`` and, but for a dry run, every file that it names: soft tissue with a box on its left."""
    grid = grid or Grid(SHAPE, SPACING_MM, direction=AXIAL_DIRECTION.copy())
    z, y, x = np.indices(grid.shape_zyx)
    middle = [size / 2 for size in grid.shape_zyx]
    body = (y - middle[1]) ** 2 + (x - middle[2]) ** 2 < 100
    box = body & (abs(z - middle[0]) < 3) & (abs(y - middle[1]) < 3) & (abs(x - middle[2] - 6) < 2)
    for one in [] if told["dry_run"] else told["cases"]:
        if one["ct"]:
            write_volume(Volume(np.where(body, 40, -1000).astype(np.int16), grid), folder / one["case"] / "ct.nii.gz")
        if one["pt"]:
            write_volume(
                Volume(np.where(box, 8.0, 0.5 * body).astype(np.float32), grid), folder / one["case"] / "pt.nii.gz"
            )
        for structure in one["structures"]:
            path = folder / one["case"] / "structures" / f"{structure['name']}.nii.gz"
            write_volume(Volume(box.astype(np.uint8), grid), path)
    write_json(folder / "import.json", told)
    return folder
