"""Survival of phantom patients: a known hazard, so that an analysis can be compared with the truth.

Progression has a Weibull hazard with proportional effects; follow-up ends at random, independently of it
(Bender, Augustin and Blettner 2005, doi:10.1002/sim.2059, eq. 5, gives the inversion used here). In a null cohort the
hazard is everybody's baseline, so that nothing known of a patient says anything about the outcome.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

LOG_HAZARD_PER_LOG_VOLUME = 0.45  # natural logarithm of the primary's volume over 10 ml
LOG_HAZARD_PER_NODE = 0.25
LOG_HAZARD_HPV = -0.95
LOG_HAZARD_SMOKER = 0.50
MEDIAN_DAYS_AT_BASELINE = 2200.0  # no nodes, 10 ml, HPV-negative, non-smoker
WEIBULL_SHAPE = 0.9  # hazards fall with time, as relapses come early
FOLLOW_UP_DAYS = (400.0, 3200.0)  # uniform

Law = Literal["hazard", "null"]
"""What decides the outcome of a cohort's patients: their hazard, or chance alone."""


def log_hazard(volume_ml: float, nodes: int, hpv: bool, smoker: bool) -> float:
    """Logarithm of a patient's hazard against the baseline patient's."""
    return (
        LOG_HAZARD_PER_LOG_VOLUME * float(np.log(volume_ml / 10.0))
        + LOG_HAZARD_PER_NODE * nodes
        + LOG_HAZARD_HPV * hpv
        + LOG_HAZARD_SMOKER * smoker
    )


def draw_outcome(random: np.random.Generator, risk: float) -> tuple[int, bool]:
    """Days until progression or end of follow-up, whichever is first, and whether it was progression."""
    uniform, follow_up = random.uniform(1e-9, 1.0), random.uniform(*FOLLOW_UP_DAYS)
    scale = MEDIAN_DAYS_AT_BASELINE / np.log(2) ** (1 / WEIBULL_SHAPE)
    event = scale * (-np.log(uniform) / np.exp(risk)) ** (1 / WEIBULL_SHAPE)
    return max(1, int(min(event, follow_up))), bool(event <= follow_up)
