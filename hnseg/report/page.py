"""The page that a run leaves behind: one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

import base64
import hashlib
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from hnseg.evaluate.summary import ALL_PATIENTS, summarise
from hnseg.io.atomic import atomic_path
from hnseg.report.canvas import PHANTOM_TEXT
from hnseg.report.curves import series
from hnseg.report.figures import dice_by_centre, learning_curves, volumes
from hnseg.report.gallery import exhibits
from hnseg.report.run_folder import RunFolder
from hnseg.report.tables import case_table, centre_table, interval, mean_and_spread, number
from hnseg.report.words import duration, evaluation, status

REPORT_NAME = "report.html"
MACHINE = {
    "system": "System",
    "processor": "Processor",
    "cores": "Processor cores",
    "memory_gib": "Memory (GiB)",
    "devices": "Accelerators",
    "cuda": "CUDA",
}


def write_report(run_dir: Path) -> Path:
    """Write ``report.html`` of a run, whole or not at all, from the files that the run left; returns its path.

    A run that was stopped, or never looked at test patients, or lost its predictions, gets a page that says so.

    Raises:
        ValueError: the folder is not that of a run, or a table in it cannot be read.
    """
    run = RunFolder.open(run_dir)
    script = files("hnseg.report").joinpath("sort.js").read_text(encoding="utf-8")
    environment = Environment(
        loader=PackageLoader("hnseg.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["png"] = _data_uri
    html = environment.get_template("template.html.j2").render(
        script=script,
        # the page may run this script and no other, whatever a name or a message in it contains
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        **_content(run),
    )
    path = run_dir / REPORT_NAME
    with atomic_path(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return path


def _content(run: RunFolder) -> dict[str, Any]:
    manifest = run.manifest
    summary = summarise(run.cases) if len(run.cases) else pd.DataFrame()
    return {
        "phantom": run.phantom,
        "phantom_text": PHANTOM_TEXT,
        "name": manifest.get("name") or run.folder.name,
        "data": manifest.get("data", {}),
        "model": run.target_of("model"),
        "status": status(run),
        "figures": _headline(run, summary),
        "sentences": evaluation(run),
        "curves": _curves(run),
        "tested": bool(len(run.cases)),
        "centres": centre_table(summary) if len(summary) else None,
        "plots": _plots(run),
        "exhibits": exhibits(run),
        "cases": case_table(run.cases) if len(run.cases) else None,
        "failed": manifest.get("failed_cases", []),
        "facts": _facts(run),
        "versions": manifest.get("versions", {}),
        "commands": _commands(run.folder),
        "overrides": run.overrides,
        "configuration": run.configuration,
    }


def _headline(run: RunFolder, summary: pd.DataFrame) -> list[dict[str, str]]:
    """The numbers at the top: Dice of the test patients, or else of the validation patients, named as such."""
    if len(summary):
        overall = summary[summary["centre"] == ALL_PATIENTS]
        return [card for _, line in overall.iterrows() for card in _test_cards(line, len(overall) > 1)]
    monitor = run.manifest.get("monitor", "val/dice")
    reached = series(run.epochs, monitor)
    best = run.manifest.get("best_epoch")
    value = reached.get(best, float("nan")) if best is not None else reached.max()
    return [
        {"name": "Validation, not test", "value": number("dice", float(value)), "note": f"{monitor} of the best epoch"}
    ]


def _test_cards(line: pd.Series[Any], several: bool) -> list[dict[str, str]]:
    structure = f"{line['structure']}: " if several else ""
    spread = interval("dice", line["dice_low"], line["dice_high"]) if line["n"] > 1 else ""
    count = f"{line['n']} test patient" + ("" if line["n"] == 1 else "s")
    return [
        {
            "name": f"{structure}Dice, mean ± SD",
            "value": mean_and_spread("dice", line["dice_mean"], line["dice_sd"]),
            "note": f"{count}; 95 % interval {spread}" if spread else count,
        },
        {
            "name": f"{structure}HD95, median",
            "value": f"{number('hd95_mm', line['hd95_median_mm'])} mm",
            "note": "larger of the two directed 95th percentiles",
        },
    ]


def _curves(run: RunFolder) -> bytes | None:
    if run.epochs.empty:
        return None
    monitor, best = run.manifest.get("monitor", "val/dice"), run.manifest.get("best_epoch")
    return learning_curves(run.epochs, monitor=monitor, best_epoch=best, phantom=run.phantom)


def _plots(run: RunFolder) -> dict[str, bytes]:
    if run.cases.empty:
        return {}
    plots = {"Dice of each test patient by centre": dice_by_centre(run.cases, phantom=run.phantom)}
    if {"volume_mm3", "truth_volume_mm3"} <= set(run.cases.columns):
        plots["Predicted against true volume"] = volumes(run.cases, phantom=run.phantom)
    return plots


def _facts(run: RunFolder) -> dict[str, str]:
    """What else was noted about the run, in the order in which a reader asks for it."""
    manifest, machine = run.manifest, run.manifest.get("hardware", {})
    commit = str(manifest.get("commit") or "unknown") + (" with uncommitted changes" if manifest.get("dirty") else "")
    parameters = manifest.get("parameters")
    facts = {
        "Parameters": f"{parameters:,}" if isinstance(parameters, int) else "",
        "Loss": run.target_of("loss"),
        "Started": manifest.get("started"),
        "Wall time": duration(manifest.get("wall_time_s")),
        "Seed": manifest.get("seed"),
        "Data key": manifest.get("data", {}).get("key"),
        "hnseg": manifest.get("version"),
        "Commit": commit,
        **{MACHINE.get(name, name): _plain(value) for name, value in machine.items()},
    }
    return {name: str(value) for name, value in facts.items() if value not in (None, "")}


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value) or "none"
    return "" if value is None else str(value)


def _commands(folder: Path) -> dict[str, str]:
    """What to type to use this run; paths are given from the working directory where they can be."""
    absolute = folder.resolve()
    here = absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute
    run = shlex.quote(str(here))
    return {
        "Go on training, or start the same run again": f"python train.py resume={run}",
        "Outline tumours in a folder of scans": f"python predict.py checkpoint={run} input=DIR output=DIR",
        "Write this page again": f"hnseg report {run}",
    }


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
