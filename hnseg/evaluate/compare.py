"""Readings of the same patients side by side: networks, nnU-Net, a second rater; always paired by patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd

from hnseg.evaluate.hecktor import pooled_dice, pooled_lesion_f1
from hnseg.evaluate.paired import differences, holm, signed_rank_p
from hnseg.evaluate.summary import bootstrap_means, summarise

VOLUMES = ("volume_mm3", "truth_volume_mm3", "intersection_mm3")
LESIONS = ("lesions_hit", "lesions_false", "lesions_missed")
NEEDED = ("case", "structure", "dice", "precision", "recall", "hd95_mm", "answered", *VOLUMES, *LESIONS)
SUMMARISED = ("structure", "source", "n", "dice_mean", "dice_sd", "dice_low", "dice_high", "hd95_median_mm")
SAME_TRUTH = 1e-3
"""Relative difference of true volumes above which two readings were not scored against the same truth."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What was found.

    Attributes:
        table: a row a structure and source, over the patients compared.
        pairs: a row a structure and source but the first, which the others are compared with.
        cases: all rows of all sources, with the columns ``source`` and ``compared``.
        left_out: patient to why they are in neither table.
    """

    table: pd.DataFrame
    pairs: pd.DataFrame
    cases: pd.DataFrame
    left_out: dict[str, str]


class Bootstrap(NamedTuple):
    """How the intervals are drawn."""

    resamples: int
    confidence: float
    seed: int


def compare(
    sources: Mapping[str, pd.DataFrame], *, resamples: int = 2000, confidence: float = 0.95, seed: int = 0
) -> Comparison:
    """Compare every source with the first, on the patients and structures that all have.

    ``table`` has the columns ``structure``, ``source``, ``n``, ``dice_mean``, ``dice_sd`` and its percentile bootstrap
    interval ``dice_low``, ``dice_high`` (see :func:`hnseg.evaluate.summary.summarise`), ``hd95_median_mm``,
    ``pooled_dice`` and ``lesion_f1`` (the aggregated scores of HECKTOR 2022 and 2025, here of any structure), and
    ``false_positive_mm3_mean``, what was outlined beside the truth.

    ``pairs`` has ``structure``, ``source``, ``reference``, ``n``, ``dice_difference_mean`` (source minus reference), a
    percentile bootstrap interval of it over patients, both readings of whom are drawn together
    (``dice_difference_low``, ``dice_difference_high``; Efron 1979, doi:10.1214/aos/1176344552), ``wilcoxon_p``
    (two-sided signed-rank test, Wilcoxon 1945, doi:10.2307/3001968; patients without a difference are left out of it,
    and where nobody has one it is 1), ``holm_p`` (corrected for all tests of the table; Holm 1979, Scandinavian Journal
    of Statistics 6:65) and ``hd95_difference_median_mm`` (0 for a patient whose distance is infinite in both).

    A patient counts where every source has a mask of theirs, scored for the same structures against the same truth.

    Args:
        sources: name to rows of :func:`hnseg.evaluate.cases.evaluate_case`, one a case and structure; at least two.
        resamples, confidence, seed: of the intervals.

    Raises:
        ValueError: fewer than two sources, a column is missing, a patient has two rows of one structure, or there is
            no patient or structure that all sources have.
    """
    for name, rows in sources.items():
        _refuse_bad_rows(name, rows)
    names = list(sources)
    if len(names) < 2:
        raise ValueError(f"a comparison needs at least two folders; got {', '.join(names)}")
    cases = pd.concat([rows.assign(source=name) for name, rows in sources.items()], ignore_index=True)
    spread = cases.groupby("structure")["source"].nunique()
    structures = [name for name in dict.fromkeys(cases["structure"]) if spread[name] == len(names)]
    if not structures:
        raise ValueError(f"no structure is in all of {', '.join(names)}; found {sorted(set(cases['structure']))}")
    shared = cases[cases["structure"].isin(structures)]
    left_out = _left_out(shared, names) | _other_truths(shared)
    cases["compared"] = cases["structure"].isin(structures) & ~cases["case"].isin(list(left_out))
    compared = cases[cases["compared"]]
    if compared.empty:
        raise ValueError(f"no patient can be compared; first: {next(iter(left_out))}: {next(iter(left_out.values()))}")
    bootstrap = Bootstrap(resamples, confidence, seed)
    table = _table(compared, structures, names, bootstrap)
    pairs = _pairs(compared, structures, names, bootstrap)
    return Comparison(table, pairs, cases, dict(sorted(left_out.items())))


def _refuse_bad_rows(name: str, rows: pd.DataFrame) -> None:
    if missing := [column for column in NEEDED if column not in rows.columns]:
        raise ValueError(f"{name}: its table of cases lacks the columns {missing}; score its masks anew (truth=DIR)")
    twice = rows.duplicated(["case", "structure"])
    if twice.any():
        raise ValueError(f"{name}: {rows.loc[twice, 'case'].iloc[0]} has two rows of one structure; keep one of them")


def _left_out(rows: pd.DataFrame, names: Sequence[str]) -> dict[str, str]:
    """Patients for whom some source has no mask, or no score of a structure that another has."""
    said = {}
    answered = rows[rows["answered"].astype(bool)]
    for case_id, of_case in rows.groupby("case", sort=True):
        by_source = answered[answered["case"] == case_id].groupby("source")["structure"].agg(set).to_dict()
        if absent := [name for name in names if name not in by_source]:
            said[str(case_id)] = f"not in {', '.join(absent)}"
            continue
        everything = set(of_case["structure"])
        lacking = [f"{s} in {name}" for name in names for s in sorted(everything - by_source[name])]
        if lacking:
            said[str(case_id)] = f"not scored: {', '.join(lacking)}"
    return said


def _other_truths(rows: pd.DataFrame) -> dict[str, str]:
    """Patients whom not all sources were scored on against the same truth, as far as its volume tells."""
    said = {}
    for (case_id, structure), of_both in rows.groupby(["case", "structure"]):
        volumes = of_both["truth_volume_mm3"].to_numpy(float)
        if np.ptp(volumes) > SAME_TRUTH * volumes.max():
            listed = ", ".join(f"{v:.0f} mm3 in {s}" for v, s in zip(volumes, of_both["source"], strict=True))
            said[str(case_id)] = f"scored against different truths of {structure} ({listed}); truth=DIR scores all anew"
    return said


def _table(rows: pd.DataFrame, structures: Sequence[str], names: Sequence[str], draws: Bootstrap) -> pd.DataFrame:
    summary = summarise(rows, by="source", **draws._asdict())
    lines = []
    for structure in structures:
        for name in names:
            own = rows[(rows["structure"] == structure) & (rows["source"] == name)]
            # an average over the sources has a source's place in the table of summaries, too, but it comes last
            line = summary[(summary["structure"] == structure) & (summary["source"] == name)].iloc[0]
            extra = {
                "pooled_dice": pooled_dice(own),
                "lesion_f1": pooled_lesion_f1(own),
                "false_positive_mm3_mean": float((own["volume_mm3"] - own["intersection_mm3"]).mean()),
            }
            lines.append({column: line[column] for column in SUMMARISED} | extra)
    return pd.DataFrame(lines)


def _pairs(rows: pd.DataFrame, structures: Sequence[str], names: Sequence[str], draws: Bootstrap) -> pd.DataFrame:
    lines = [
        {"structure": structure, "source": name, "reference": names[0]}
        | _pair(rows[rows["structure"] == structure], name, names[0], draws)
        for structure in structures
        for name in names[1:]
    ]
    pairs = pd.DataFrame(lines)
    place = list(pairs).index("wilcoxon_p") + 1
    pairs.insert(place, "holm_p", holm(pairs["wilcoxon_p"].to_numpy(float)))
    return pairs


def _pair(rows: pd.DataFrame, name: str, reference: str, draws: Bootstrap) -> dict[str, Any]:
    """What differs between two sources in one structure."""
    dice = differences(rows, "dice", name, reference)
    hd95_mm = differences(rows, "hd95_mm", name, reference)
    rng = np.random.default_rng([draws.seed, crc32(f"{name}/{reference}".encode())])
    tail = (1 - draws.confidence) / 2
    low, high = np.quantile(bootstrap_means(dice, draws.resamples, rng), [tail, 1 - tail])
    return {
        "n": len(dice),
        "dice_difference_mean": float(dice.mean()) if len(dice) else float("nan"),
        "dice_difference_low": float(low),
        "dice_difference_high": float(high),
        "wilcoxon_p": signed_rank_p(dice),
        "hd95_difference_median_mm": float(np.median(hd95_mm)) if len(hd95_mm) else float("nan"),
    }
