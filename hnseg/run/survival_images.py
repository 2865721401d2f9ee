"""The cohort of `survival` where there are images: radiomics inside masks, and features of trained networks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from hnseg.data import CaseDataModule, HecktorDataModule
from hnseg.phantom.hazards import hazards
from hnseg.prepare import Case, Failure
from hnseg.prepare.file_identity import file_identity
from hnseg.radiomics import Settings
from hnseg.run.kept import Made, kept
from hnseg.run.survival_cohort import Clinic, SurvivalCohort, deal_folds, path_of, read_clinic, split_of
from hnseg.survival.clinical import encode, hecktor_tables
from hnseg.survival.deep_features import deep_by_fold
from hnseg.survival.objects import CLINICAL, CT, DEEP, PT, Fold, SurvivalData
from hnseg.survival.radiomic_features import cohort_radiomics
from hnseg.survival.segmentation import Segmentation

TRUTH = (None, "truth")


def image_cohort(plain: Mapping[str, Any], folder: Path) -> SurvivalCohort:
    """Patients of a data set: those with an outcome, prepared images and a mask.

    Args:
        plain: the resolved configuration.
        folder: of the run, where features are kept.

    Raises:
        ValueError: tables, masks or folds that cannot be used; the readers say which.
    """
    data: CaseDataModule = instantiate(plain["data"]["module"], _convert_="all")
    data.prepare_data()
    assert data.cohort is not None
    everybody = [case for case in data.patients() if case.part != "test"]
    _refuse_two_cases(everybody)
    clinic, root = _clinic(plain, data)
    known = set(clinic.matched.outcome.patients)
    cases = [case for case in everybody if case.case_id in known]
    segmentation = None if plain["segmentation"] in TRUTH else Segmentation.open(plain["segmentation"])
    radiomics = _radiomics(plain, cases, segmentation, folder / "features" / "radiomics")
    made = [case for case in cases if case.case_id in radiomics.tables[CT].index]
    deep, folds = _deep(plain, segmentation, everybody, made, folder / "features" / "deep")
    wanted = [case.case_id for case in made if all(case.case_id in table.index for table in deep.tables.values())]
    failures = [*data.cohort.failures, *radiomics.failures, *deep.failures]
    unmatched = [
        Failure(name, "has an outcome and no images") for name in sorted(known - {c.case_id for c in everybody})
    ]
    phantom = any(case.phantom for case in cases)
    true_hazard = hazards(root) if phantom and root is not None else None
    return SurvivalCohort(
        SurvivalData(
            name=data.name,
            outcome=clinic.matched.outcome.of(wanted),
            centres={case.case_id: case.centre for case in cases},
            blocks={CLINICAL: encode(clinic.matched.table.of(wanted)), **radiomics.tables},
            deep=deep.tables,
            phantom=phantom,
            log_hazard=None if true_hazard is None else {name: true_hazard[name] for name in wanted},
        ),
        [[restricted(fold, wanted) for fold in of_repeat] for of_repeat in folds],
        clinic.endpoint,
        _needs(plain, clinic, data, deep),
        [*failures, *clinic.matched.left_out, *unmatched],
        failed=bool(failures),
    )


def restricted(fold: Fold, patients: Sequence[str]) -> Fold:
    """A fold without those who are not among the patients."""
    kept_ones = set(patients)
    train, test = (tuple(name for name in part if name in kept_ones) for part in (fold.train, fold.test))
    return Fold(fold.name, train, test)


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


def _radiomics(plain: Mapping[str, Any], cases: Sequence[Case], masks_of: Segmentation | None, folder: Path) -> Made:
    """Tables of CT and PET; patients without a mask are among the failures."""
    names = [case.case_id for case in cases]
    masks, lacking = (None, []) if masks_of is None else masks_of.masks(names)
    settings = {name: Settings.from_dict(plain["survival"]["radiomics"][name]) for name in (CT, PT)}
    structures = plain["survival"]["structures"]
    able = [case for case in cases if masks is None or case.case_id in masks]

    def make() -> Made:
        workers = plain["survival"]["workers"]
        tables, failures = cohort_radiomics(able, masks, settings, structures, workers)
        return Made(tables, tuple(failures))

    made_of = {
        "cases": [case.key for case in able],
        "masks": None if masks is None else {name: file_identity(path) for name, path in masks.items()},
        "settings": {name: one.to_dict() for name, one in settings.items()},
        "structures": structures,
    }
    made = kept(folder, made_of, make)
    return Made(made.tables, (*lacking, *made.failures))


def _deep(
    plain: Mapping[str, Any],
    segmentation: Segmentation | None,
    everybody: Sequence[Case],
    cases: Sequence[Case],
    folder: Path,
) -> tuple[Made, list[list[Fold]]]:
    """Deep features by fold where networks are there and asked for, and the folds of each repeat."""
    names, repeats = [case.case_id for case in cases], range(plain["survival"]["repeats"])
    wanted = plain["survival"]["feature_sets"]
    asked = wanted is None or any(DEEP in name.split("+") for name in wanted)
    if segmentation is None or segmentation.kind != "cv" or not asked:
        return Made({}), [deal_folds(split_of(plain, repeat), everybody, names) for repeat in repeats]
    folds = deal_folds(split_of(plain, 0), everybody, names)
    layer, trust = plain["survival"]["layer"], plain["trust"]

    def make() -> Made:
        tables = deep_by_fold(segmentation, folds, cases, layer, trust=trust)
        failures = {f.case_id: f for table in tables.values() for f in table.failures}
        network = tables[folds[0].name].network.to_plain()
        return Made({name: table.table for name, table in tables.items()}, tuple(failures.values()), network)

    made_of = {
        "cases": [case.key for case in cases],
        "folds": {fold.name: fold.test for fold in folds},
        "networks": {fold.name: file_identity(segmentation.network_for(fold).checkpoint) for fold in folds},
        "layer": layer,
    }
    return kept(folder, made_of, make), [folds for _ in repeats]


def _needs(plain: Mapping[str, Any], clinic: Clinic, data: CaseDataModule, deep: Made) -> dict[str, Any]:
    """What new patients' features are computed with."""
    settings = plain["survival"]["radiomics"]
    images = {"recipe": data.recipe.to_dict(), "structures": plain["survival"]["structures"]}
    return {
        CLINICAL: {"mapping": str(plain["mapping"] or clinic.mapping.name)},
        CT: Settings.from_dict(settings[CT]).to_dict(),
        PT: Settings.from_dict(settings[PT]).to_dict(),
        DEEP: dict(deep.facts),
        "images": images,
    }
