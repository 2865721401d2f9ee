"""A user's own cases: a CSV with a row a patient, or a folder of pairs to predict on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hnseg.io.phantom_marker import is_phantom
from hnseg.io.tables import read_rows
from hnseg.prepare.ct_folder import find_cts
from hnseg.prepare.findings import Failure, Findings, usable_case_id
from hnseg.prepare.hecktor import centre_of, find_images
from hnseg.prepare.structure_columns import StructureColumns, cell_file
from hnseg.types import Study

PAIR_COLUMNS: dict[str, tuple[str, ...]] = {"ct": ("ct",), "pt": ("pt", "pet")}
PARTS = {"": "train", "train": "train", "training": "train", "test": "test", "testing": "test"}


def find_studies(
    csv: Path,
    modalities: Sequence[str] | Mapping[str, str] = ("ct", "pt"),
    label_names: Sequence[str] = (),
    aliases: Mapping[str, str] | None = None,
    label_column: str = "label",
    label_values: Mapping[str, int] | None = None,
    case_column: str = "case",
    centre_column: str = "centre",
    split_column: str = "split",
    not_annotated_column: str = "not_annotated",
    partial: bool = False,
    patient_column: str = "patient",
) -> Findings:
    """The studies of a table; relative paths are relative to the table's folder, an empty cell means there is none.

    A structure is taken from the mask column that has its name, an alias of it, or for the organs of
    `hnseg.prepare.organs` any spelling; else from ``label_column``, a label map, with ``label_values``. An empty mask
    cell means not annotated; of a label map ``not_annotated_column`` says which structures nobody looked for.

    Args:
        csv: the table.
        modalities: names of the image columns, or a mapping of modality to column.
        label_names: structures wanted; none to predict only.
        aliases: other spellings to structure names, used for mask columns and for ``label_values``.
        label_column: column with one label map a patient.
        label_values: structure (or alias) to its value in that label map; without it ``label_names[i]`` is ``i + 1``.
        case_column: patient names.
        centre_column: hospital codes, may be absent.
        split_column: ``train`` or ``test``, may be absent.
        not_annotated_column: names, with ``;`` between them, of structures that nobody looked for; may be absent.
        partial: whether the table may lack a structure altogether, which then nobody annotated in it (one source of
            several); not all of them.
        patient_column: whose case it is, where a patient has several, as ``hnseg import cases=study`` writes it; may be
            absent.

    Raises:
        ValueError: the table cannot be read or lacks a column that every patient needs.
    """
    rows = read_rows(csv)
    columns = dict(modalities) if isinstance(modalities, Mapping) else {name: name for name in modalities}
    if not rows:
        raise ValueError(f"{csv} has no row below its header; give each patient a row, see docs/datasets/table.md")
    present = set(rows[0])
    missing = sorted({case_column, *columns.values()} - present)
    if missing:
        raise ValueError(f"{csv} has no column {missing}; it has {sorted(present)}; see docs/datasets/table.md")
    structures = StructureColumns(csv, present - {case_column, *columns.values()}, label_names, aliases or {})
    structures.use_label_map(label_column, label_values)
    structures.refuse_missing(label_column, partial)
    studies: list[Study] = []
    problems: list[Failure] = []
    phantom = is_phantom(csv.parent)
    for number, row in enumerate(rows, start=2):
        case_id = row[case_column].strip()
        try:
            _refuse_bad_name(csv, number, case_id, studies)
            part = _part(csv, number, row.get(split_column, ""))
            images = {modality: cell_file(csv, row, number, column) for modality, column in columns.items()}
            masks = structures.masks(row, number, row.get(not_annotated_column, ""))
            if label_names and not set(masks) & set(label_names) and part == "train":
                raise ValueError(
                    f"{csv} line {number} names no mask for any of {list(label_names)}; fill a cell in or drop the row"
                )
            centre, patient = row.get(centre_column, "").strip(), row.get(patient_column, "").strip()
            studies.append(Study(case_id, images, masks, centre, None, part, phantom, patient))
        except ValueError as error:
            problems.append(Failure(case_id, str(error)))
    _refuse_two_centres(csv, studies)
    return Findings.of(studies, problems)


def find_pairs(source: Path, modalities: Sequence[str] = ("ct", "pt")) -> Findings:
    """Patients to predict on: a CSV ``case,ct,pet``, a folder that holds exactly one such, or a folder with HECKTOR
    names; for a network of CT alone also a folder in PDDCA's layout, or one of CTs named by their patients.

    Args:
        source: the CSV or the folder.
        modalities: those that the network needs; others are passed over.

    Raises:
        ValueError: nothing is found; the message says which names were looked for.
    """
    if source.is_file():
        return _pairs_of_table(source, modalities)
    if not source.is_dir():
        raise ValueError(
            f"{source} is neither a folder nor a CSV; give a folder of PET/CT pairs or a CSV with columns case,ct,pet"
        )
    pairs = find_images(source)
    if any(set(modalities) & set(files) for files in pairs.values()):
        return _pairs_of_names(source, pairs, modalities)
    alone = find_cts(source) if tuple(modalities) == ("ct",) else None
    tables = sorted(source.glob("*.csv"))
    if len(tables) == 1 and (alone is None or _names_cts(tables[0])):
        return _pairs_of_table(tables[0], modalities)
    if alone is not None:
        return alone
    if pairs:
        return _pairs_of_names(source, pairs, modalities)
    raise ValueError(
        f"no images found in {source}; expected <case>_ct.nii.gz with <case>_pt.nii.gz, <case>__CT.nii.gz with "
        f"<case>__PT.nii.gz (folders inside folders are fine), or one CSV with columns case,ct,pet (those "
        f"that the network needs: for PET alone case,pet); for a network of CT alone <case>.nii.gz or <case>/img.nrrd "
        f"as well; see docs/datasets/table.md"
    )


def _names_cts(csv: Path) -> bool:
    """Whether a table lists patients, and is not of something else that lies beside images."""
    try:
        rows = read_rows(csv)
    except ValueError:
        return False
    return bool(rows) and {"case", "ct"} <= {column.lower() for column in rows[0]}


def _pairs_of_table(csv: Path, modalities: Sequence[str]) -> Findings:
    rows = read_rows(csv)
    present = {column.lower(): column for column in (rows[0] if rows else {})}
    columns = {}
    for modality in modalities:
        spellings = [present[name] for name in PAIR_COLUMNS.get(modality, (modality,)) if name in present]
        columns[modality] = spellings[0] if spellings else modality
    return find_studies(csv, columns, case_column=present.get("case", "case"))


def _pairs_of_names(source: Path, pairs: Mapping[str, Mapping[str, Path]], modalities: Sequence[str]) -> Findings:
    studies, problems = [], []
    phantom = is_phantom(source)
    for case_id, files in pairs.items():
        missing = [name.upper() for name in modalities if name not in files]
        if missing:
            folder = next(iter(files.values())).parent
            problems.append(
                Failure(
                    case_id,
                    f"{folder} has no {' and no '.join(missing)} of this patient, which the network needs; add it",
                )
            )
        elif not usable_case_id(case_id):
            problems.append(
                Failure(case_id, f"{next(iter(files.values()))}: use letters, digits, '.', '_' and '-' only in names")
            )
        else:
            images = {name: files[name] for name in modalities}
            studies.append(Study(case_id, images, centre=centre_of(case_id), part="test", phantom=phantom))
    return Findings.of(studies, problems)


def _part(csv: Path, number: int, cell: str | None) -> str:
    part = PARTS.get((cell or "").strip().lower())
    if part is None:
        raise ValueError(f"{csv} line {number}: split {cell!r} is not known; use train or test, or leave it empty")
    return part


def _refuse_two_centres(csv: Path, studies: Sequence[Study]) -> None:
    """All cases of a patient lie on one side of a split, and so in one centre."""
    centres: dict[str, str] = {}
    for study in studies:
        if study.patient and centres.setdefault(study.patient, study.centre) != study.centre:
            found = f"{centres[study.patient]!r} and {study.centre!r}"
            raise ValueError(
                f"{csv}: cases of patient {study.patient} are of {found}; give all cases of one patient one centre"
            )


def _refuse_bad_name(csv: Path, number: int, case_id: str, studies: Sequence[Study]) -> None:
    if not usable_case_id(case_id):
        raise ValueError(
            f"{csv} line {number}: the case name {case_id!r} must have letters, digits, '.', '_' and '-' only"
        )
    if any(study.case_id == case_id for study in studies):
        raise ValueError(
            f"{csv} line {number}: the case {case_id} was already in a line above; give each patient one line"
        )
