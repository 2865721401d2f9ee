"""`compare`: runs and folders of masks side by side, paired by patient."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from omegaconf import DictConfig

from hnseg.evaluate.compare import Comparison, compare
from hnseg.evaluate.rescore import score_sources
from hnseg.evaluate.sources import Source, open_sources
from hnseg.io import atomic_path
from hnseg.io.phantom_marker import is_phantom
from hnseg.report.comparison import paired_dice
from hnseg.report.reading import read_cases
from hnseg.report.slice_words import clicks_given


def main(config: DictConfig) -> int:
    """0; 1 where patients could not be compared."""
    sources = open_sources([Path(folder) for folder in config.inputs])
    truth = Path(config.truth).expanduser() if config.truth else None
    if len(sources) < 2:
        raise ValueError(f"hnseg compare needs at least two folders, found only {sources[0].folder}")
    names = list(config.label_names) if config.label_names else None
    scored = score_sources(sources, truth, names, resample=config.resample, progress=True)
    found = compare(scored.rows, resamples=config.resamples, seed=config.seed)
    left_out = scored.left_out | found.left_out
    phantom = any(source.phantom for source in sources) or (truth is not None and is_phantom(truth))
    folder = Path(config.output) if config.output else Path(config.paths.runs) / "compare" / _name(sources)
    _write(found, folder, phantom)
    _say(found, sources, left_out)
    print(f"tables and picture: {folder}")
    return 1 if left_out else 0


def _name(sources: Sequence[Source]) -> str:
    first, *others = (source.name.replace("/", "-") for source in sources)
    return f"{first}-vs-{others[0]}" if len(others) == 1 else f"{first}-vs-{len(others)}-others"


def _write(found: Comparison, folder: Path, phantom: bool) -> None:
    for name, table in (("comparison", found.table), ("pairs", found.pairs), ("cases", found.cases)):
        with atomic_path(folder / f"{name}.csv") as partial:
            partial.write_text(table.assign(phantom=phantom).to_csv(index=False))
    with atomic_path(folder / "dice.png") as partial:
        partial.write_bytes(paired_dice(found.cases[found.cases["compared"]], phantom=phantom))


def _say(found: Comparison, sources: Sequence[Source], left_out: Mapping[str, str]) -> None:
    with pd.option_context("display.width", 200, "display.max_columns", None):
        print(found.table.to_string(index=False, float_format="%.3f"))
        print(f"\ndifference from {sources[0].name}:")
        print(found.pairs.drop(columns="reference").to_string(index=False, float_format="%.4f"))
    for source in sources:
        if source.repeated:
            listed = ", ".join(source.repeated)
            print(f"{source.name}: in two folds, of which the first counts: {listed}")
        if clicks_given(read_cases(source.folder / "cases.csv")):
            print(f"{source.name}: made with clicks that came from the truth of these patients (an oracle's)")
    by_reason: dict[str, list[str]] = defaultdict(list)
    for case_id, reason in left_out.items():
        by_reason[reason].append(case_id)
    for reason, patients in by_reason.items():
        print(f"not compared ({reason}): {', '.join(patients)}")
