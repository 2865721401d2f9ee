"""The cohort of `survival` where there are images: radiomics inside masks, and features of trained networks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from hnseg.data import CaseDataModule, HecktorDataModule
from hnseg.phantom import hazards
from hnseg.prepare import Case, Failure
from hnseg.prepare.file_identity import file_identity
from hnseg.radiomics import Settings
from hnseg.run.kept import Made, kept
from hnseg.run.score import hardware_of
from hnseg.run.survival_cohort import Clinic, SurvivalCohort, deal_folds, path_of, read_clinic, split_of, wanted_blocks
from hnseg.survival.clinical import encode, hecktor_tables
from hnseg.survival.deep_features import deep_by_fold
from hnseg.survival.objects import CLINICAL, CT, DEEP, PT, Fold, SurvivalData
from hnseg.survival.radiomic_features import cohort_radiomics
from hnseg.survival.segmentation import Segmentation, refuse_other_folds

TRUTH = (None, "truth")


@dataclass(frozen=True, eq=False)
class Material:
    """What features are made of.

    Attributes:
        everybody: prepared cases that may be trained or tested on, whose folds are dealt out.
        cases: those of them whose outcome is known.
        segmentation: whose masks and networks, None for the physicians' masks.
        blocks: of features that were asked for.
        folds: of each repeat, of everybody whose outcome is known.
    """

    everybody: Sequence[Case]
    cases: Sequence[Case]
    segmentation: Segmentation | None
    blocks: Collection[str]
    folds: Sequence[Sequence[Fold]]


def image_cohort(plain: Mapping[str, Any], folder: Path) -> SurvivalCohort:
    """Patients of a data set: those with an outcome, prepared images and, for radiomics, a mask.

    Args:
        plain: the resolved configuration.
        folder: of the run, where features are kept.

    Raises:
        ValueError: tables, masks or folds that cannot be used; the readers say which.
    """
    data: CaseDataModule = instantiate(plain["data"]["module"], _convert_="all")
    data.prepare_data()
    assert data.cohort is not None
    clinic, root = _clinic(plain, data)
    material = _material(plain, data, set(clinic.matched.outcome.patients))
    made = [
        _radiomics(plain, material, folder / "features" / "radiomics"),
        _deep(plain, material, folder / "features" / "deep"),
    ]
    used = [table for tables in made for table in tables.tables.values()]
    wanted = [case.case_id for case in material.cases if all(case.case_id in table.index for table in used)]
    phantom = any(case.phantom for case in material.cases)
    true_hazard = hazards(root) if phantom and root is not None else None
    failures = [*data.cohort.failures, *made[0].failures, *made[1].failures]
    return SurvivalCohort(
        SurvivalData(
            name=data.name,
            outcome=clinic.matched.outcome.of(wanted),
            centres={case.case_id: case.centre for case in material.cases},
            blocks={CLINICAL: encode(clinic.matched.table.of(wanted)), **made[0].tables},
            deep=made[1].tables,
            phantom=phantom or (material.segmentation is not None and material.segmentation.phantom),
            log_hazard=None if true_hazard is None else {name: true_hazard[name] for name in wanted},
        ),
        [[restricted(fold, wanted) for fold in folds] for folds in material.folds],
        clinic.endpoint,
        _needs(plain, clinic, data, made[1]),
        [*failures, *clinic.matched.left_out, *_unmatched(clinic, data, material)],
        failed=bool(failures),
    )


def restricted(fold: Fold, patients: Collection[str]) -> Fold:
    """A fold without those who are not among the patients."""
    rest = set(patients)
    return Fold(fold.name, tuple(p for p in fold.train if p in rest), tuple(p for p in fold.test if p in rest))


def _material(plain: Mapping[str, Any], data: CaseDataModule, known: Collection[str]) -> Material:
    """Everything that can be refused before any feature is computed."""
    assert data.cohort is not None
    segmentation = None if plain["segmentation"] in TRUTH else Segmentation.open(plain["segmentation"])
    # a network was trained on outlined patients, and its folds are of them; masks of others may be of anybody
    able = data.cohort.cases if segmentation is not None and segmentation.kind == "masks" else data.patients()
    everybody = [case for case in able if case.part != "test"]
    _refuse_two_cases(everybody)
    cases = [case for case in everybody if case.case_id in known]
    names = [case.case_id for case in cases]
    blocks = wanted_blocks(
        plain, [*data.recipe.modalities, *([DEEP] if segmentation and segmentation.kind == "cv" else [])]
    )
    repeats = range(plain["survival"]["repeats"])
    # networks leave out the patients of one split alone
    folds = [deal_folds(split_of(plain, 0 if DEEP in blocks else repeat), everybody, names) for repeat in repeats]
    if DEEP in blocks:
        assert segmentation is not None
        refuse_other_folds(segmentation, folds[0])
    return Material(everybody, cases, segmentation, blocks, folds)


def _unmatched(clinic: Clinic, data: CaseDataModule, material: Material) -> list[Failure]:
    """Who has an outcome and is not in the cohort, unless preparation has said why."""
    assert data.cohort is not None
    parts = {case.case_id: case.part for case in data.cohort.cases}
    said = {failure.case_id for failure in data.cohort.failures} | {case.case_id for case in material.everybody}
    reasons = {"test": "is a test patient of the data set", None: "has an outcome and no images"}
    alone = "was outlined by nobody; give masks of others with segmentation=DIR"
    return [
        Failure(name, reasons.get(parts.get(name), alone))
        for name in clinic.matched.outcome.patients
        if name not in said
    ]


def _refuse_two_cases(cases: Sequence[Case]) -> None:
    owners: dict[str, str] = {}
    for case in cases:
        if case.patient and owners.setdefault(case.patient, case.case_id) != case.case_id:
            raise ValueError(
                f"patient {case.patient} has the cases {owners[case.patient]} and {case.case_id}; outcome is predicted "
                "from one case a patient (hnseg import cases=patient, or drop the other rows)"
            )


def _clinic(plain: Mapping[str, Any], data: CaseDataModule) -> tuple[Clinic, Path | None]:
    """The tables that were said, else those of the data set; and the data set's folder where it has one."""
    root = data.folder() if isinstance(data, HecktorDataModule) else None
    mapping, endpoint = plain["mapping"], plain["survival"]["endpoint"]
    if plain["clinical"] is not None:
        if mapping is None:
            raise ValueError("clinical=... needs mapping=..., which says what its columns are")
        return read_clinic(Path(plain["clinical"]).expanduser(), path_of(plain["endpoints"]), mapping, endpoint), root
    if root is None or not isinstance(data, HecktorDataModule):
        raise ValueError(f"data={data.name} has no clinical table of its own; give clinical=TABLE.csv and mapping=...")
    info, endpoints = hecktor_tables(root, data.year)
    return read_clinic(info, endpoints, mapping or f"hecktor{data.year}", endpoint), root


def _settings(plain: Mapping[str, Any], blocks: Collection[str]) -> dict[str, Settings]:
    return {name: Settings.from_dict(plain["survival"]["radiomics"][name]) for name in (CT, PT) if name in blocks}


def _radiomics(plain: Mapping[str, Any], material: Material, folder: Path) -> Made:
    """Tables of the images that were asked for; patients without a mask are among the failures."""
    settings = _settings(plain, material.blocks)
    if not settings:
        return Made({})
    names = [case.case_id for case in material.cases]
    masks, lacking = (None, []) if material.segmentation is None else material.segmentation.masks(names)
    structures = plain["survival"]["structures"]
    able = [case for case in material.cases if masks is None or case.case_id in masks]

    def make() -> Made:
        tables, failures = cohort_radiomics(able, masks, settings, structures, plain["survival"]["workers"])
        return Made(tables, tuple(failures))

    made_of = {
        "cases": [case.key for case in able],
        "masks": None if masks is None else {name: file_identity(path) for name, path in masks.items()},
        "settings": {name: one.to_dict() for name, one in settings.items()},
        "structures": structures,
    }
    made = kept(folder, made_of, make)
    return Made(made.tables, (*lacking, *made.failures))


def _deep(plain: Mapping[str, Any], material: Material, folder: Path) -> Made:
    """A table a fold, each of one network."""
    segmentation, folds, layer = material.segmentation, material.folds[0], plain["survival"]["layer"]
    if DEEP not in material.blocks or segmentation is None:
        return Made({})

    def make() -> Made:
        hardware = hardware_of(plain["trainer"])
        tables = deep_by_fold(segmentation, folds, material.cases, layer, trust=plain["trust"], **hardware)
        failures = {f.case_id: f for table in tables.values() for f in table.failures}
        network = tables[folds[0].name].network.to_plain()
        return Made({name: table.table for name, table in tables.items()}, tuple(failures.values()), network)

    made_of = {
        "cases": [case.key for case in material.cases],
        "folds": {fold.name: fold.test for fold in folds},
        "networks": {fold.name: file_identity(segmentation.network_for(fold).checkpoint) for fold in folds},
        "layer": layer,
    }
    return kept(folder, made_of, make)


def _needs(plain: Mapping[str, Any], clinic: Clinic, data: CaseDataModule, deep: Made) -> dict[str, Any]:
    """What new patients' features are computed with."""
    return {
        CLINICAL: {"mapping": str(plain["mapping"] or clinic.mapping.name)},
        **{name: settings.to_dict() for name, settings in _settings(plain, (CT, PT)).items()},
        DEEP: dict(deep.facts),
        "images": {"recipe": data.recipe.to_dict(), "structures": plain["survival"]["structures"]},
    }
