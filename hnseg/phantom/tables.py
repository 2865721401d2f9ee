"""The CSV files of each HECKTOR edition: boxes, clinical information, endpoints, with the gaps that real ones have."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from hnseg.io.atomic import atomic_path
from hnseg.phantom.noise import generator
from hnseg.phantom.plan import PatientPlan
from hnseg.types import BoxMm

Row = Mapping[str, object]

# share of empty cells: what hospitals do not write down
_GAPS = {"hpv": 0.35, "smoker": 0.45, "drinker": 0.5, "performance": 0.4, "weight_kg": 0.03}


def box_row(case_id: str, box: BoxMm) -> Row:
    """A row of the bounding-box tables."""
    (x1, y1, z1), (x2, y2, z2) = box.low_mm, box.high_mm
    return {"PatientID": case_id, "x1": x1, "x2": x2, "y1": y1, "y2": y2, "z1": z1, "z2": z2}


def info_2021(plan: PatientPlan) -> Row:
    """A row of ``hecktor2021_patient_info_*.csv``."""
    known = _known(plan)
    return {
        "PatientID": plan.case_id, "CenterID": plan.centre.number, "Gender (1=M,0=F)": int(bool(known["male"])),
        "Age": known["age"], "TNM edition": 7, "T-stage": known["t_stage"], "N-stage": known["n_stage"],
        "M-stage": known["m_stage"], "TNM group": known["tnm_group"], "HPV status (0=-, 1=+)": _flag(known["hpv"]),
        "Performance status": known["performance"], "Tobacco": _flag(known["smoker"]),
        "Alcohol": _flag(known["drinker"]), "Chemotherapy": _flag(known["chemotherapy"]),
        "Estimated weight (kg) for SUV": known["weight_kg"],
    }  # fmt: skip


def endpoint_2021(plan: PatientPlan) -> Row:
    """A row of ``hecktor2021_patient_endpoint_training.csv``; survival in days."""
    return {
        "PatientID": plan.case_id,
        "Progression": _flag(plan.clinical["progression"]),
        "Progression free survival": plan.clinical["pfs_days"],
    }


def info_2022(plan: PatientPlan) -> Row:
    """A row of ``hecktor2022_clinical_info_*.csv``."""
    known = _known(plan)
    return {
        "PatientID": plan.case_id, "Task 1": 1, "Task 2": 1, "CenterID": plan.centre.number,
        "Gender": "M" if known["male"] else "F", "Age": known["age"], "Weight": known["weight_kg"],
        "Tobacco": _flag(known["smoker"]), "Alcohol": _flag(known["drinker"]),
        "Performance status": known["performance"], "HPV status (0=-, 1=+)": _flag(known["hpv"]),
        "Surgery": _flag(known["surgery"]), "Chemotherapy": _flag(known["chemotherapy"]),
    }  # fmt: skip


def endpoint_2022(plan: PatientPlan) -> Row:
    """A row of ``hecktor2022_endpoint_training.csv``; RFS in days."""
    return {
        "PatientID": plan.case_id,
        "Relapse": _flag(plan.clinical["progression"]),
        "RFS": plan.clinical["pfs_days"],
    }


def info_2025(plan: PatientPlan) -> Row:
    """A row of ``HECKTOR_2025_Training_Task_1.csv``."""
    known = _known(plan)
    return {
        "PatientID": plan.case_id, "CenterID": plan.centre.number, "Age": known["age"],
        "Gender": int(bool(known["male"])), "Tobacco Consumption": _flag(known["smoker"]),
        "Alcohol Consumption": _flag(known["drinker"]), "Performance Status": known["performance"],
        "Treatment": _flag(known["chemotherapy"]), "M-stage": known["m_stage"],
    }  # fmt: skip


def relapse_2025(plan: PatientPlan) -> Row:
    """A row of ``HECKTOR_2025_Training_Task_2.csv``; RFS in days."""
    return {**info_2025(plan), "Relapse": _flag(plan.clinical["progression"]), "RFS": plan.clinical["pfs_days"]}


def hpv_2025(plan: PatientPlan) -> Row:
    """A row of ``HECKTOR_2025_Training_Task_3.csv``."""
    return {**info_2025(plan), "HPV Status": _flag(plan.clinical["hpv"])}


def write_table(path: Path, rows: Iterable[Row], columns: Sequence[str] | None = None) -> None:
    """Write ``rows`` as CSV, whole or not at all; ``columns`` where there may be no row."""
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(columns or rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with atomic_path(path) as part:
        part.write_text(text.getvalue(), encoding="utf-8", newline="\n")


def _known(plan: PatientPlan) -> dict[str, object]:
    """The clinical record with gaps; which cells are empty depends on seed and patient only."""
    random = generator(plan.seed, plan.index, "gaps")
    lost = {key for key, share in _GAPS.items() if random.random() < share}
    return {key: "" if key in lost else value for key, value in plan.clinical.items()}


def _flag(value: object) -> object:
    return value if value == "" else int(bool(np.asarray(value)))
