"""Figures of the phantom for a page of docs/papers, read from finished cross-validations and never typed.

``python -m benchmarks.papers docs/papers/PAGE.md runs/cv/NAME ...`` writes them between the page's marks, in place of
what stood there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import yaml

from hnseg.report import read_manifest

BEGIN, END = "<!-- phantom figures: begin -->", "<!-- phantom figures: end -->"
OF_THE_MACHINE = ("paths.", "name=", "data.root=", "hydra.", "hydra/", "overwrite=", "cv.launcher=")
"""What may be typed and does not change a figure."""

RANDOM = ("random_", "new_split_")
OVERLAPS = ("dice", "precision", "recall")
HEADING = ["held out", "n", "DSC", "precision", "recall", "HD95 (mm)", "false positive (ml)"]


def fill(page: Path, runs: Sequence[Path]) -> None:
    """Write the figures of the runs into the page.

    Raises:
        ValueError: the page has no marks, or a run is not finished, or holds real patients.
    """
    text = page.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"{page} needs the marks {BEGIN} and {END}, once each, a line each")
    command = f"python -m benchmarks.papers docs/papers/{page.name} {' '.join(f'runs/cv/{run.name}' for run in runs)}"
    head = (
        f"Written by `{command}`. Mean ± standard deviation over a fold's patients, or over folds; HD95 is the median "
        "of a fold's patients, or the mean of those."
    )
    sections = "\n\n".join([head, *(section(run) for run in runs)])
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    page.write_text(f"{before}{BEGIN}\n\n{sections}\n\n{after}", encoding="utf-8")


def section(run: Path) -> str:
    """What was typed, where it ran, and a row a fold.

    Raises:
        ValueError: the run is no cross-validation, not finished, or holds real patients.
    """
    manifest = read_manifest(run)
    if manifest.get("task") != "cv" or not manifest.get("finished"):
        raise ValueError(f"{run} is not a finished cross-validation; say its hnseg cv command again")
    if not manifest["phantom"]:
        raise ValueError(
            f"{run} holds figures of real patients; they belong beside the paper's own, not to the phantom"
        )
    typed = yaml.safe_load((run / "overrides.yaml").read_text()) or []
    kept = " ".join(_shell(word) for word in typed if not word.startswith(OF_THE_MACHINE))
    hardware, changed = manifest["hardware"], " and uncommitted changes" if manifest["dirty"] else ""
    where = ", ".join([f"{hardware['processor']}, {hardware['cores']} cores", *hardware["devices"]])
    facts = (
        f"Cross-validation {run.name}, {manifest['started'][:10]}, hnseg {manifest['version']} at "
        f"{manifest['commit'][:10] or 'no commit'}{changed}, on {where}; {manifest['data']['n']} made-up patients:"
    )
    return f"{facts}\n\n```\nhnseg cv {kept}\n```\n\n{table(run)}"


def table(run: Path) -> str:
    """Out-of-fold scores, a row a structure and fold, then the ensemble's on test patients; twice as wide with a chain.

    The chain's scores are those of ``postprocessed/``.

    Raises:
        ValueError: they are not of the same patients.
    """
    frames = [_frame(run)]
    heading = ["structure", *HEADING]
    if (run / "postprocessed" / "cases.csv").is_file():
        chain = " + ".join(yaml.safe_load((run / "config.yaml").read_text())["postprocess"]) or "tuned chain"
        frames.append(_frame(run / "postprocessed", run / "test" / "postprocessed"))
        heading += [f"with {chain}: {HEADING[2]}", *HEADING[3:]]
    lines = [f"| {' | '.join(heading)} |", f"|{' --- |' * len(heading)}"]
    for key, cells in frames[0].items():
        if any(key in frame and frame[key][0] != cells[0] for frame in frames[1:]):
            raise ValueError(f"{run}: not the same patients with and without post-processing, as after debug=fdr")
        missing = ["n/a"] * len(cells)  # the tuned chain of the ensemble may be empty
        row = [*key, *cells, *(cell for frame in frames[1:] for cell in frame.get(key, missing)[1:])]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def _frame(out_of_fold: Path, test: Path | None = None) -> dict[tuple[str, str], list[str]]:
    """(structure, held out) to its cells, the number of patients first."""
    cells = {}
    for structure, rows in _scored(out_of_fold).groupby("structure", sort=False):
        folds = {str(fold): own for fold, own in rows.groupby("fold", sort=False)}
        cells |= {(structure, fold): _cells(own) for fold, own in folds.items()}
        for name, group in _groups(folds).items():
            means = pd.DataFrame([_means(own) for own in group])
            cells[structure, name] = _cells(means, sum(len(own) for own in group))
    tested = test or out_of_fold / "test"
    if (tested / "cases.csv").is_file():
        for structure, rows in _scored(tested).groupby("structure", sort=False):
            cells[structure, "test patients, by the mean of all folds"] = _cells(rows)
    return cells


def _groups(folds: dict[str, pd.DataFrame]) -> dict[str, list[pd.DataFrame]]:
    """What is averaged: all folds, or centres and random ones by themselves, as Table 1 of Iantsen et al. has them."""
    random = [own for name, own in folds.items() if name.startswith(RANDOM)]
    others = [own for name, own in folds.items() if not name.startswith(RANDOM)]
    if random and others:
        return {"mean of centres": others, "mean of random folds": random}
    return {"mean of folds": random or others}


def _scored(folder: Path) -> pd.DataFrame:
    rows = pd.read_csv(folder / "cases.csv", dtype={"fold": str})
    return rows.assign(false_ml=(rows["volume_mm3"] - rows["intersection_mm3"]) / 1000)


def _means(rows: pd.DataFrame) -> pd.Series:
    return pd.concat([rows[[*OVERLAPS, "false_ml"]].mean(), rows[["hd95_mm"]].median()])


def _cells(rows: pd.DataFrame, n: int | None = None) -> list[str]:
    """Cells of patients, or of the means of folds: then with their spread and the mean of their HD95."""
    hd95, spread = rows["hd95_mm"].median() if n is None else rows["hd95_mm"].mean(), rows[list(OVERLAPS)].std()
    overlaps = [f"{rows[name].mean():.3f}" + f" ± {spread[name]:.3f}" * (len(rows) > 1) for name in OVERLAPS]
    return [str(n or len(rows)), *overlaps, f"{hd95:.1f}", f"{rows['false_ml'].mean():.2f}"]


def _shell(word: str) -> str:
    return f"'{word}'" if set(word) & set(" []{}()*$") else word


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, metavar="PAGE")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    args = parser.parse_args(arguments)
    try:
        fill(args.page, args.runs)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(args.page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
