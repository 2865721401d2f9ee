"""Which files a patient of each HECKTOR edition has, and which tables the edition has; nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hnseg.phantom import tables
from hnseg.phantom.cohort import Year
from hnseg.phantom.plan import PatientPlan
from hnseg.phantom.tables import Row
from hnseg.types import BoxMm

Content = Literal["ct", "pet", "gtvp", "gtvp_gtvn", "dose"]
"""What a file holds: ``gtvp`` is 0/1, ``gtvp_gtvn`` is 0, 1 (primary), 2 (nodes)."""

PLANNED_EVERY = 3  # one patient in three has a radiotherapy plan where the layout has plans for some


@dataclass(frozen=True)
class Table:
    """One CSV of a layout: a row a patient of one part."""

    path: str
    part: Literal["train", "test"]
    row: Callable[[PatientPlan, BoxMm | None], Row]


@dataclass(frozen=True)
class Layout:
    """Paths below the root, ``{id}`` standing for the patient, and the tables.

    Attributes:
        train, test: files of every patient of that part.
        planned: files that only some training patients have.
        tables: CSV files.
        has_boxes: whether a table lists bounding boxes.
        has_outcome: whether a table says what became of patients.
    """

    train: Mapping[str, Content]
    test: Mapping[str, Content]
    tables: tuple[Table, ...]
    planned: Mapping[str, Content] = field(default_factory=dict)
    has_boxes: bool = False
    has_outcome: bool = False

    def files(self, case_id: str, number: int, train: bool) -> dict[str, Content]:
        """Paths of the ``number``-th patient of its part, with what they hold."""
        patterns = dict(self.train if train else self.test)
        if train and number % PLANNED_EVERY == 0:
            patterns |= self.planned
        return {pattern.format(id=case_id): content for pattern, content in patterns.items()}


def _box(plan: PatientPlan, box: BoxMm | None) -> Row:
    assert box is not None
    return tables.box_row(plan.case_id, box)


def _plain(row: Callable[[PatientPlan], Row]) -> Callable[[PatientPlan, BoxMm | None], Row]:
    return lambda plan, _box: row(plan)


_HECKTOR_2020 = Layout(
    train={
        "hecktor_train/hecktor_nii/{id}/{id}_ct.nii.gz": "ct",
        "hecktor_train/hecktor_nii/{id}/{id}_pt.nii.gz": "pet",
        "hecktor_train/hecktor_nii/{id}/{id}_ct_gtvt.nii.gz": "gtvp",
    },
    test={
        "hecktor_test/hecktor_nii_test/{id}/{id}_ct.nii.gz": "ct",
        "hecktor_test/hecktor_nii_test/{id}/{id}_pt.nii.gz": "pet",
    },
    tables=(Table("hecktor_train/bbox.csv", "train", _box), Table("hecktor_test/bbox_test.csv", "test", _box)),
    has_boxes=True,
)
_HECKTOR_2021 = Layout(
    train={
        "hecktor_nii/{id}_ct.nii.gz": "ct",
        "hecktor_nii/{id}_pt.nii.gz": "pet",
        "hecktor_nii/{id}_gtvt.nii.gz": "gtvp",
    },
    test={"hecktor_nii_test/{id}_ct.nii.gz": "ct", "hecktor_nii_test/{id}_pt.nii.gz": "pet"},
    tables=(
        Table("hecktor2021_bbox_training.csv", "train", _box),
        Table("hecktor2021_bbox_testing.csv", "test", _box),
        Table("hecktor2021_patient_info_training.csv", "train", _plain(tables.info_2021)),
        Table("hecktor2021_patient_info_testing.csv", "test", _plain(tables.info_2021)),
        Table("hecktor2021_patient_endpoint_training.csv", "train", _plain(tables.endpoint_2021)),
    ),
    has_boxes=True,
    has_outcome=True,
)
_HECKTOR_2022 = Layout(
    train={
        "hecktor2022_training/imagesTr/{id}__CT.nii.gz": "ct",
        "hecktor2022_training/imagesTr/{id}__PT.nii.gz": "pet",
        "hecktor2022_training/labelsTr/{id}.nii.gz": "gtvp_gtvn",
    },
    test={
        "hecktor2022_testing/imagesTs/{id}__CT.nii.gz": "ct",
        "hecktor2022_testing/imagesTs/{id}__PT.nii.gz": "pet",
    },
    tables=(
        Table("hecktor2022_clinical_info_training.csv", "train", _plain(tables.info_2022)),
        Table("hecktor2022_clinical_info_testing.csv", "test", _plain(tables.info_2022)),
        Table("hecktor2022_endpoint_training.csv", "train", _plain(tables.endpoint_2022)),
    ),
    has_outcome=True,
)
_HECKTOR_2025 = Layout(
    train={
        "hecktor2025_training/Task 1/{id}/{id}__CT.nii.gz": "ct",
        "hecktor2025_training/Task 1/{id}/{id}__PT.nii.gz": "pet",
        "hecktor2025_training/Task 1/{id}/{id}.nii.gz": "gtvp_gtvn",
        "hecktor2025_training/Task 2/{id}/{id}__CT.nii.gz": "ct",
        "hecktor2025_training/Task 2/{id}/{id}__PT.nii.gz": "pet",
        "hecktor2025_training/Task 3/{id}/{id}__CT.nii.gz": "ct",
        "hecktor2025_training/Task 3/{id}/{id}__PT.nii.gz": "pet",
    },
    test={},
    planned={
        "hecktor2025_training/Task 2/{id}/{id}__CTPlanning.nii.gz": "ct",
        "hecktor2025_training/Task 2/{id}/{id}__RTDOSE.nii.gz": "dose",
    },
    tables=(
        Table("hecktor2025_training/Task 1/HECKTOR_2025_Training_Task_1.csv", "train", _plain(tables.info_2025)),
        Table("hecktor2025_training/Task 2/HECKTOR_2025_Training_Task_2.csv", "train", _plain(tables.relapse_2025)),
        Table("hecktor2025_training/Task 3/HECKTOR_2025_Training_Task_3.csv", "train", _plain(tables.hpv_2025)),
    ),
    has_outcome=True,
)

LAYOUTS: Mapping[Year, Layout] = {
    2020: _HECKTOR_2020,
    2021: _HECKTOR_2021,
    2022: _HECKTOR_2022,
    2025: _HECKTOR_2025,
}
