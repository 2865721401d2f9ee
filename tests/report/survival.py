"""A folder as `hnseg survival` leaves it: patients, folds and models made up, with numbers such as come out."""

import json

import numpy as np
import pandas as pd
import yaml

from hnseg.report.survival_published import published_table2

SETS = (
    "clinical", "clinical+ct", "clinical+pt", "clinical+ct+pt", "clinical+deep", "clinical+ct+deep",
    "clinical+ct+pt+deep",
)  # fmt: skip
MODELS = ("cox", "rsf", "deepsurv", "deephit")
CENTRES = ("CHGJ", "CHMR", "CHUS", "CHUP", "CHUM")
SKILL = {"cox": 0.66, "rsf": 0.62, "deepsurv": 0.63, "deephit": 0.60}
FEATURES = {
    "clinical": ("Age", "HPV", "T stage 2", "T stage 3", "N stage 1", "Chemotherapy", "Tobacco"),
    "ct": (
        "ct_original_shape_Sphericity",
        "ct_original_glszm_LargeAreaHighGrayLevelEmphasis",
        "ct_original_glrlm_ShortRunHighGrayLevelEmphasis",
        "ct_original_shape_Maximum2DDiameterSlice",
        "ct_original_firstorder_Skewness",
    ),
    "pt": ("pt_original_firstorder_90Percentile", "pt_original_ngtdm_Strength", "pt_original_gldm_DependenceVariance"),
    "deep": tuple(f"deep_{number:03}" for number in (2, 17, 35, 77, 101, 140)),
}


def make_survival(
    folder,
    *,
    models=MODELS,
    sets=SETS,
    protocols=("honest", "paper"),
    repeats=2,
    folds=CENTRES,
    patients=224,
    phantom=True,
    best_c_index=0.81,
    events=True,
    finished=True,
    without=(),
    **manifest,
):
    """Write an experiment; ``without`` names files that are not there, ``events`` False leaves the last fold none."""
    rng = np.random.default_rng(4)
    outcome = make_outcome(rng, patients)
    scores = make_scores(rng, models, sets, protocols, repeats, folds, patients, events)
    tables = {
        "outcome": outcome,
        "scores": scores,
        "summary": make_summary(rng, scores),
        "selected": make_selected(rng, models, sets, protocols, repeats, folds),
        "importances": make_importances(rng, models, sets),
        **make_curves(rng, outcome, models, sets),
        "calibration": make_calibration(rng, models, sets),
    }
    folder.mkdir(parents=True)
    for name, table in tables.items():
        if name not in without:
            table.to_csv(folder / f"{name}.csv", index=False)
    for model in models:
        for features in sets:
            saved = folder / "models" / f"{model}-{features}"
            saved.mkdir(parents=True)
            (saved / "model.json").write_text("{}")
            (folder / "risks").mkdir(exist_ok=True)
            (folder / "risks" / f"{model}+{features}.csv").write_text("PatientID,Prediction\nCHUM001,0.2\n")
    told = {
        "name": folder.name, "task": "survival", "data": {"name": "hecktor2021"}, "phantom": phantom,
        "endpoint": "progression-free survival", "seed": 1, "protocols": list(protocols), "finished": finished,
        "best_c_index": best_c_index, "n": patients, "events": int(outcome["event"].sum()), "horizon_days": 730,
        "set_aside": [], "test_looks": 1, "version": "0.6.0", "commit": "0123456789abcdef", "dirty": False,
        "versions": {"python": "3.11", "lifelines": "0.30.3"}, "hardware": {"cores": 2}, "started": "2026-01-01",
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(told | manifest))
    (folder / "overrides.yaml").write_text(
        yaml.safe_dump(["experiment=bourigault2021_survival", "data.root=/my scans"])
    )
    return folder


def make_outcome(rng, patients):
    hazard = rng.normal(0, 1, patients)
    time = rng.exponential(2600 * np.exp(-0.7 * hazard))
    end = rng.uniform(400, 3000, patients)
    names = [f"{CENTRES[number % len(CENTRES)]}{number:03}" for number in range(patients)]
    return pd.DataFrame(
        {
            "patient": names,
            "centre": [name[:4] for name in names],
            "event": time < end,
            "time_days": np.maximum(1, np.minimum(time, end).round()),
        }
    )


def make_scores(rng, models, sets, protocols, repeats, folds, patients, events):
    rows = []
    hard = dict(zip(folds, rng.normal(0, 0.05, len(folds)), strict=True))
    for features in sets:
        for model in models:
            gain = 0.012 * features.count("+") * (1 if model == "cox" else 0.3)
            for repeat in range(repeats):
                for fold in folds:
                    honest = SKILL.get(model, 0.6) + gain + hard[fold] + rng.normal(0, 0.02)
                    empty = not events and fold == folds[-1]
                    for protocol in protocols:
                        c = honest + (protocol == "paper") * (0.01 + 0.025 * features.count("+"))
                        size = patients // len(folds)
                        rows.append(
                            {"protocol": protocol, "model": model, "features": features, "repeat": repeat, "fold": fold,
                             "n_train": patients - size, "n_test": size, "events": 0 if empty else 11,
                             "c_index": np.nan if empty else c, "uno_c": c - 0.01, "auc": c + 0.015,
                             "ibs": 0.19 - 0.1 * (c - 0.6), "ibs_reference": 0.2,
                             "selected": 4 + 6 * features.count("+")}
                        )  # fmt: skip
    return pd.DataFrame(rows)


def make_summary(rng, scores):
    rows = []
    means = scores.groupby(["protocol", "model", "features"], sort=False)["c_index"].mean()
    for (protocol, model, features), own in scores.groupby(["protocol", "model", "features"], sort=False):
        c, tested = own["c_index"].mean(), features != "clinical" and (protocol, model, "clinical") in means
        rows.append(
            {"protocol": protocol, "model": model, "features": features, "c_index": c, "sd": own["c_index"].std(),
             "low": c - 0.06, "high": c + 0.055, "uno_c": c - 0.01, "auc": c + 0.015, "ibs": 0.18, "ibs_reference": 0.2,
             "selected": 10, "reference": "clinical",
             "difference": c - means[protocol, model, "clinical"] if tested else np.nan,
             "p": rng.uniform(0.01, 0.9) if tested else np.nan,
             "published": published_table2().get((model, features))}
        )  # fmt: skip
    return pd.DataFrame(rows)


def names_of(features):
    return [name for block in features.split("+") for name in FEATURES[block]]


def make_selected(rng, models, sets, protocols, repeats, folds):
    return pd.DataFrame(
        {"protocol": protocol, "model": model, "features": features, "repeat": repeat, "fold": fold, "feature": name,
         "value": 0.1}
        for protocol in protocols for model in models for features in sets for repeat in range(repeats)
        for fold in folds for place, name in enumerate(names_of(features)) if rng.random() < 0.97 - 0.05 * place
    )  # fmt: skip


def make_importances(rng, models, sets):
    rows = []
    for model in models:
        for features in sets:
            for name in names_of(features):
                value = rng.normal(0, 0.4)
                known = model == "cox"
                rows.append(
                    {"model": model, "features": features, "feature": name, "value": value if known else abs(value) / 9,
                     "low": value - 0.25 if known else np.nan, "high": value + 0.25 if known else np.nan,
                     "kind": "log hazard ratio per SD" if known else "drop in C-index"}
                )  # fmt: skip
    return pd.DataFrame(rows)


def make_curves(rng, outcome, models, sets):
    curves, tests = [], []
    for model in models:
        for features in sets:
            early = outcome["time_days"].rank() + 250 * ~outcome["event"] + rng.normal(0, 120, len(outcome))
            high = early < early.median()
            for group, rows in (("low", outcome[~high]), ("high", outcome[high])):
                curves += curve(rows, {"model": model, "features": features, "group": group})
            tests.append({"model": model, "features": features, "n_low": (~high).sum(), "n_high": high.sum(),
                          "chi2": 14.2, "p": 0.000164})  # fmt: skip
    return {"kaplan_meier": pd.DataFrame(curves), "log_rank": pd.DataFrame(tests)}


def curve(rows, named):
    alive, spread, made = 1.0, 0.0, []
    for time in np.unique(rows["time_days"]):
        at_risk, died = (rows["time_days"] >= time).sum(), (rows["event"] & (rows["time_days"] == time)).sum()
        alive *= 1 - died / at_risk
        spread += died / max(1, at_risk * (at_risk - died))
        half = 1.96 * alive * np.sqrt(spread)
        made.append({**named, "time_days": time, "survival": alive, "low": max(0, alive - half),
                     "high": min(1, alive + half), "at_risk": at_risk})  # fmt: skip
    return made


def make_calibration(rng, models, sets):
    rows = []
    for model in models:
        for features in sets:
            for group in range(5):
                predicted = 0.5 + 0.1 * group
                observed = predicted + rng.normal(0, 0.04)
                rows.append(
                    {"model": model, "features": features, "group": group, "n": 45, "predicted": predicted,
                     "observed": observed, "low": observed - 0.13, "high": min(1, observed + 0.1)}
                )  # fmt: skip
    return pd.DataFrame(rows)
