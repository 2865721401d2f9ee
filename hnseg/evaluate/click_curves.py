"""What clicks do to Dice: curves, how many are needed, and what is left of it with clicks that are less than perfect.

Rows are those of a run's ``clicks.csv``, one a unit, structure, method, user and number of clicks: ``case, slice,
structure, method, user, clicks, dice, predicted_ml``, and ``fold`` where several runs are pooled. A unit is a case, or
a slice of one for a 2-D network. ``dice`` is empty where the truth does not show the structure; such rows are in no
mean of Dice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from hnseg.evaluate.cluster_bootstrap import Estimate, over_patients

COUNTS = (0, 1, 2, 3, 5, 10)
"""Numbers of clicks that are reported."""
MOST = 10
"""Clicks that a unit gets; one that needs more counts as needing ``MOST + 1``."""
GOOD_DICE = 0.85

ROBOT, NO_CLICK = "robot", "no_click"
WITH_TUMOUR = (NO_CLICK, "centre", "random", "displaced_3mm", "displaced_6mm", "wrong_organ")
WITHOUT_TUMOUR = ("no_tumour", "no_tumour_clicked")
NEEDED = ("case", "slice", "structure", "method", "user", "clicks", "dice", "predicted_ml")


def click_curve(
    rows: pd.DataFrame, counts: Sequence[int] = COUNTS, *, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Dice after so many clicks of the robot user, a line a structure, method and count.

    Columns: ``structure``, ``method``, ``clicks``, ``units``, ``patients``, ``dice_median``, ``dice_median_low``,
    ``dice_median_high``, ``dice_mean``, ``dice_mean_low``, ``dice_mean_high`` (95 % over patients, see
    :func:`over_patients`). A unit that the robot finds nothing more to correct in stays in all further counts.

    Raises:
        ValueError: a column is missing.
    """
    robot = _scored(rows, ROBOT)
    lines = []
    for names, group in _groups(robot, ["structure", "method", "clicks"]):
        if names["clicks"] not in counts:
            continue
        lines.append(names | _sizes(group) | _dice_of(group, resamples, seed))
    return pd.DataFrame(lines, columns=["structure", "method", "clicks", "units", "patients", *_DICE])


def clicks_needed(
    rows: pd.DataFrame, dice: float = GOOD_DICE, most: int = MOST, *, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """How many clicks of the robot user it takes until Dice first is ``dice`` (NoC), a line a structure and method.

    A unit that ``most`` clicks do not bring there counts as ``most + 1``, so that a median above ``most`` says "more
    than ``most``" and the mean is a lower bound; ``never`` says how many there are, ``without_click`` how many are
    there at once. Columns: ``structure``, ``method``, ``dice``, ``most``, ``units``, ``patients``, ``clicks_median``
    and ``clicks_mean`` with ``_low`` and ``_high``, ``never``, ``without_click``.

    Raises:
        ValueError: a column is missing.
    """
    robot = _scored(rows, ROBOT)
    robot = robot[robot["clicks"] <= most]
    lines = []
    for names, group in _groups(robot, ["structure", "method"]):
        units = group.assign(needed=np.where(group["dice"] >= dice, group["clicks"], most + 1))
        first = units.groupby(_unit(units), dropna=False, sort=False)["needed"].min().reset_index()
        needed = first["needed"].to_numpy(np.float64)
        median, mean = over_patients(needed, list(first["case"]), resamples=resamples, seed=seed)
        line: dict[str, Any] = {"dice": dice, "most": most, **_sizes(group)}
        line |= _named("clicks_median", median) | _named("clicks_mean", mean)
        lines.append(names | line | {"never": int((needed > most).sum()), "without_click": int((needed == 0).sum())})
    columns = ["structure", "method", "dice", "most", "units", "patients", *_estimate("clicks_median")]
    return pd.DataFrame(lines, columns=[*columns, *_estimate("clicks_mean"), "never", "without_click"])


def click_users(rows: pd.DataFrame, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """What each user gets out of a method: a line a structure, user and method.

    Users where there is tumour: no click, its centre, a random voxel of it, the centre displaced by 3 and 6 mm, and a
    place that is none (one click each a component; one click in all at the wrong place), scored by Dice. Users where
    there is none: no click, and one on the hottest spot; what counts is whether anything is outlined, and how much.

    Columns: ``structure``, ``user``, ``method``, ``units``, ``patients``, ``clicks`` (mean number a unit), Dice as in
    :func:`click_curve`, ``outlined``, ``outlined_low``, ``outlined_high`` (share of units in which anything is
    outlined) and ``predicted_ml`` (median volume outlined).

    Raises:
        ValueError: a column is missing.
    """
    _check(rows)
    unclicked = (rows["user"] == ROBOT) & (rows["clicks"] == 0)
    known = rows.assign(user=rows["user"].mask(unclicked, NO_CLICK))
    known = known[known["user"].isin(WITH_TUMOUR + WITHOUT_TUMOUR)]
    counting = known["dice"].notna() | known["user"].isin(WITHOUT_TUMOUR)
    lines = []
    for names, group in _groups(known[counting], ["structure", "user", "method"]):
        line = names | _sizes(group) | {"clicks": float(group["clicks"].mean())}
        outlined = np.asarray(group["predicted_ml"] > 0, np.float64)
        share = over_patients(outlined, list(group["case"]), resamples=resamples, seed=seed)[1]
        line |= _dice_of(group, resamples, seed) if names["user"] in WITH_TUMOUR else {}
        lines.append(line | _named("outlined", share) | {"predicted_ml": float(group["predicted_ml"].median())})
    columns = ["structure", "user", "method", "units", "patients", "clicks", *_DICE]
    return pd.DataFrame(lines, columns=[*columns, *_estimate("outlined"), "predicted_ml"])


def _estimate(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]


_DICE = _estimate("dice_median") + _estimate("dice_mean")


def _named(name: str, estimate: Estimate) -> dict[str, float]:
    return dict(zip(_estimate(name), estimate, strict=True))


def _dice_of(rows: pd.DataFrame, resamples: int, seed: int) -> dict[str, float]:
    values = rows["dice"].to_numpy(np.float64)
    median, mean = over_patients(values, list(rows["case"]), resamples=resamples, seed=seed)
    return _named("dice_median", median) | _named("dice_mean", mean)


def _sizes(rows: pd.DataFrame) -> dict[str, int]:
    units = rows.drop_duplicates(_unit(rows))
    return {"units": len(units), "patients": int(units["case"].nunique())}


def _unit(rows: pd.DataFrame) -> list[str]:
    """What tells a unit from another; a patient whom several folds tested is one in each."""
    return [name for name in ("fold", "case", "slice") if name in rows.columns]


def _scored(rows: pd.DataFrame, user: str) -> pd.DataFrame:
    _check(rows)
    return rows[(rows["user"] == user) & rows["dice"].notna()]


def _groups(rows: pd.DataFrame, keys: list[str]) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Groups and what they are called: numbers of clicks ascending, users from none to worst, others as they appear."""
    known = {"clicks": sorted(set(rows["clicks"])), "user": list(WITH_TUMOUR + WITHOUT_TUMOUR)}
    places = {key: {name: place for place, name in enumerate(known.get(key, dict.fromkeys(rows[key])))} for key in keys}
    groups = dict(iter(rows.groupby(keys, sort=False)))
    for values in sorted(groups, key=lambda names: [places[key][name] for key, name in zip(keys, names, strict=True)]):
        yield dict(zip(keys, values, strict=True)), groups[values]


def _check(rows: pd.DataFrame) -> None:
    if missing := [name for name in NEEDED if name not in rows.columns]:
        raise ValueError(f"the table of clicks lacks the columns {missing}; it has {list(rows.columns)}")
