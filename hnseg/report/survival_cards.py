"""The numbers at the top of the page of an experiment on outcomes, and what it is about."""

from __future__ import annotations

import math

import pandas as pd

from hnseg.report.five_views import p_text, signed
from hnseg.report.survival_folder import SurvivalFolder, follow_up_median_days
from hnseg.report.survival_rows import best_row, days, features_name, gained, reference_of, set_name
from hnseg.report.tables import interval, number


def survival_cards(folder: SurvivalFolder, table: pd.DataFrame) -> list[dict[str, str]]:
    """The best honest C-index, what it gains over its reference, optimism, and what a phantom lets one reach."""
    best = best_row(table)
    if best is None:
        return [{"name": "Best C-index, honest", "value": "–", "note": "not measured"}]
    ends = interval("c_index", best["low"], best["high"])
    note = set_name((best["model"], best["features"])) + (f"; 95 % interval {ends}" if ends else "")
    cards = [{"name": "Best C-index, honest", "value": number("c_index", best["c_index"]), "note": note}]
    reference = reference_of(table, best)
    if reference is not None and not math.isnan(reference["c_index"]):
        note = f"which has {number('c_index', reference['c_index'])}; p = {p_text(best['p'])}"
        name = f"Gained over {features_name(reference['features'])} alone"
        cards.append({"name": name, "value": signed(gained(best, reference)), "note": note})
    optimism = table["optimism"].dropna()
    if len(optimism):
        note = "C-index by the paper's protocol minus the honest one"
        note += f"; up to {signed(float(optimism.max()))}" if len(optimism) > 1 else ""
        name = "Optimism, mean" if len(optimism) > 1 else "Optimism"
        cards.append({"name": name, "value": signed(float(optimism.mean())), "note": note})
    if not math.isnan(folder.best_c_index):
        note = "C-index of the true hazards"
        note += "" if math.isnan(best["near"]) else f"; the best comes {100 * best['near']:.0f} % of the way from 0.5"
        name = "Best that can be reached"
        cards.append({"name": name, "value": number("c_index", folder.best_c_index), "note": note})
    return cards


def survival_facts(folder: SurvivalFolder) -> dict[str, str]:
    """Who was followed for what and how long, how they were divided, and the code; only what is known."""
    manifest, outcome, scores = folder.manifest, folder.tables["outcome"], folder.tables["scores"]
    known = outcome.dropna(subset=["event", "time_days"])
    events = int(known["event"].sum()) if len(known) else manifest.get("events")
    count = len(known) or manifest.get("n")
    centres = sorted({centre for centre in outcome["centre"] if centre})
    data = manifest.get("data")
    found = {
        "Data": data.get("name") if isinstance(data, dict) else data,
        "Endpoint": endpoint_name(folder),
        "Patients": count,
        "Events": f"{events} ({100 * events / count:.0f} %)" if events is not None and count else "",
        "Median follow-up": _follow_up(known),
        "Masks": _masks(manifest.get("segmentation")) if {"ct", "pt"} & _blocks_of(folder) else "",
        "Centres": f"{len(centres)}: {', '.join(centres)}" if centres else "",
        "Folds": scores["fold"].nunique() or "",
        "Repeats": scores["repeat"].nunique() or "",
        "Horizon": "" if math.isnan(folder.horizon_days) else days(folder.horizon_days),
        "Code": _code(folder),
    }
    return {name: str(value) for name, value in found.items() if value not in (None, "")}


def _masks(segmentation: object) -> str:
    """Whose outlines radiomics are of."""
    return f"those of {segmentation}" if segmentation not in (None, "truth") else "the physicians' own"


def _blocks_of(folder: SurvivalFolder) -> set[str]:
    return {block for name in folder.tables["summary"]["features"] for block in str(name).split("+")}


def endpoint_name(folder: SurvivalFolder) -> str:
    """``progression free survival``; empty where it is not known."""
    return str(folder.manifest.get("endpoint") or "").replace("_", " ")


def _follow_up(known: pd.DataFrame) -> str:
    if known.empty:
        return ""
    median = follow_up_median_days(known["event"].to_numpy(bool), known["time_days"].to_numpy(float))
    return "not reached" if math.isnan(median) else f"{days(median)}, by the reverse Kaplan-Meier method"


def _code(folder: SurvivalFolder) -> str:
    version, commit = folder.manifest.get("version"), str(folder.manifest.get("commit") or "")[:10]
    changed = ", with uncommitted changes" if folder.manifest.get("dirty") else ""
    return (
        " ".join(filter(None, (f"hnseg {version}" if version else "", f"commit {commit}" if commit else ""))) + changed
    )
