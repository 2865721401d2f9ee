"""`survival`: outcome from clinical, radiomic and deep features, cross-validated so that nobody is fooled."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from hnseg.prepare import Failure
from hnseg.report import read_manifest, write_manifest, write_report
from hnseg.report.survival_published import published_table2
from hnseg.run.claim import claim
from hnseg.run.ledger import record_look
from hnseg.run.lock import only_one
from hnseg.run.new_features import MAPPING
from hnseg.run.resolvers import to_plain
from hnseg.run.survival_cohort import SurvivalCohort, table_cohort
from hnseg.run.survival_images import image_cohort
from hnseg.run.validate import validate
from hnseg.survival.experiment import run_experiment
from hnseg.survival.objects import CLINICAL, DEEP, FeatureSet
from hnseg.survival.plan import Plan, refuse_unfit

TABLE_2 = (
    *("clinical", "clinical+pt", "clinical+ct", "clinical+ct+pt"),
    *("clinical+deep", "clinical+ct+deep", "clinical+ct+pt+deep"),
)
"""The feature sets of Bourigault et al. 2021, Table 2."""

COUNTING = ("seed", "data", "split", "survival", "table", "clinical", "endpoints", "mapping", "segmentation")
OF_TRAINING = ("view", "augment", "clicks", "labels", "batch_size", "samples_per_case", "workers", "seed", "split")
"""Keys that decide an analysis of outcomes, and keys of a data module that do not."""

PFS = "progression_free_survival"


def main(config: DictConfig) -> int:
    """0; 1 where patients, models or folds failed."""
    plain = to_plain(config)
    validate(plain, plain["trust"])
    folder = Path(plain["paths"]["output"])
    overrides = list(HydraConfig.get().overrides.task)
    refuse_others(overrides)
    _plan(plain, plain["survival"]["feature_sets"] or TABLE_2)  # one that cannot be, before anything starts
    with only_one(folder):
        claim(folder, counting(plain), overrides, "survival analysis")
        cohort = image_cohort(plain, folder) if plain["table"] is None else table_cohort(plain)
        plan = _plan(plain, feature_sets(plain["survival"]["feature_sets"], cohort), published(cohort))
        refuse_unfit(plan, cohort.data, cohort.folds)
        left_out = grouped(cohort.left_out)
        _describe(folder, plain, plan, cohort, left_out)
        _keep_mapping(folder, plain["mapping"])
        results = run_experiment(cohort.data, cohort.folds, plan, folder, needs=cohort.needs, endpoint=cohort.endpoint)
        aside = [*results.set_aside, *left_out]
        write_manifest(folder, finished=True, set_aside=aside, best_c_index=results.best_c_index)
        report = write_report(folder)
    for one in aside:
        print(f"set aside: {one['what']}: {one['why']}")
    print(f"report: {report}")
    return 1 if results.set_aside or cohort.failed else 0


def refuse_others(overrides: Iterable[str]) -> None:
    """Stop at keys of training that an analysis of outcomes does not have.

    Raises:
        ValueError: there is one.
    """
    for key in ("fold", "resume", "test"):
        if any(override.lstrip("+").startswith(f"{key}=") for override in overrides):
            raise ValueError(
                f"hnseg survival takes no {key}=: all folds of split= are tested, and the same command again goes on "
                "where it was stopped"
            )


def counting(plain: Mapping[str, Any]) -> dict[str, Any]:
    """What decides an analysis, of a configuration that has the keys of training beside it."""
    kept = {key: plain[key] for key in (*COUNTING, "overwrite", "paths")}
    module = {key: value for key, value in plain["data"]["module"].items() if key not in OF_TRAINING}
    return {**kept, "data": {**plain["data"], "module": module}}


def feature_sets(wanted: Sequence[str] | None, cohort: SurvivalCohort) -> tuple[str, ...]:
    """Those that were asked for; else those of the paper that the cohort has the features of."""
    if wanted is not None:
        return tuple(wanted)
    there = {*cohort.data.blocks, *([DEEP] if cohort.data.deep else [])}
    return tuple(name for name in TABLE_2 if set(FeatureSet.named(name).blocks) <= there)


def published(cohort: SurvivalCohort) -> dict[tuple[str, str], float]:
    """The paper's figures, beside those of the data set and endpoint that they are of."""
    return published_table2() if cohort.data.name == "hecktor2021" and cohort.endpoint == PFS else {}


def grouped(failures: Iterable[Failure]) -> list[dict[str, str]]:
    """Patients who are left out for one reason, together; file and line are what differs between them."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for failure in failures:
        by_reason[failure.message.split(": ", 1)[-1]].append(failure.case_id)
    return [{"what": ", ".join(names), "why": reason} for reason, names in by_reason.items()]


def _plan(plain: Mapping[str, Any], sets: Sequence[str], beside: Mapping[tuple[str, str], float] | None = None) -> Plan:
    chosen = plain["survival"]
    return Plan(
        models=tuple(chosen["models"]),
        feature_sets=tuple(sets),
        protocols=tuple(chosen["protocols"]),
        repeats=chosen["repeats"],
        inner_folds=chosen["inner_folds"],
        selection=chosen["selection"],
        correlation=chosen["correlation"],
        seed=plain["seed"],
        horizon_days=chosen["horizon_days"],
        bootstrap_resamples=chosen["resamples"],
        workers=chosen["workers"],
        reference=CLINICAL if CLINICAL in sets else next(iter(sets), ""),
        published=dict(beside or {}),
    )


def _describe(
    folder: Path, plain: Mapping[str, Any], plan: Plan, cohort: SurvivalCohort, left_out: Sequence[Mapping[str, str]]
) -> None:
    data = cohort.data
    known = read_manifest(folder) if (folder / "manifest.json").is_file() else {}
    # whoever is tested, in whatever folds and for whatever endpoint, has been looked at
    tested = sorted({patient for folds in cohort.folds for fold in folds for patient in fold.test})
    key = hashlib.sha256(json.dumps(tested).encode()).hexdigest()[:12]
    looks = known.get("test_looks")
    if not looks or known["data"]["key"] != key:  # a run that goes on looks at nobody anew
        looks = record_look(Path(plain["paths"]["runs"]), f"survival/{folder.name}", data.name, "survival", key)
    write_manifest(
        folder,
        name=folder.name,
        task="survival",
        finished=False,
        started=known.get("started", datetime.now(UTC).isoformat(timespec="seconds")),
        seed=plain["seed"],
        phantom=data.phantom,
        data={"name": data.name, "key": key, "n": len(data.outcome)},
        endpoint=cohort.endpoint,
        n=len(data.outcome),
        events=int(data.outcome.event.sum()),
        protocols=list(plan.protocols),
        horizon_days=plan.horizon_days,
        split={"name": str(plain["split"]["_target_"]).rsplit(".", 1)[-1]},
        folds=[fold.name for fold in cohort.folds[0]],
        plan=plan.to_dict(),
        segmentation=plain["segmentation"],
        set_aside=list(left_out),
        test_looks=looks,
    )


def _keep_mapping(folder: Path, mapping: str | None) -> None:
    """A mapping file of the user's own goes with the models."""
    if mapping is not None and Path(mapping).suffix in (".yaml", ".yml"):
        shutil.copyfile(Path(mapping).expanduser(), folder / MAPPING)
