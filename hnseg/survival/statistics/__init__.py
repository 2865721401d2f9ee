"""Scores of predicted outcome; risk greater means event earlier in all of them."""

from hnseg.survival.statistics.auc import cumulative_auc
from hnseg.survival.statistics.bootstrap import Interval, bootstrap_concordances, bootstrap_interval
from hnseg.survival.statistics.brier import brier, integrated_brier, reference_survival
from hnseg.survival.statistics.calibration import calibration
from hnseg.survival.statistics.censoring import CensoringSurvival, censoring_survival
from hnseg.survival.statistics.concordance import concordance, concordance_counts
from hnseg.survival.statistics.corrected_t import TTest, corrected_t_test
from hnseg.survival.statistics.folds import FoldRisks, pooled_concordance
from hnseg.survival.statistics.groups import LogRank, high_risk, log_rank
from hnseg.survival.statistics.kaplan_meier import kaplan_meier, survival_at
from hnseg.survival.statistics.uno import uno_concordance

__all__ = [
    "CensoringSurvival",
    "FoldRisks",
    "Interval",
    "LogRank",
    "TTest",
    "bootstrap_concordances",
    "bootstrap_interval",
    "brier",
    "calibration",
    "censoring_survival",
    "concordance",
    "concordance_counts",
    "corrected_t_test",
    "cumulative_auc",
    "high_risk",
    "integrated_brier",
    "kaplan_meier",
    "log_rank",
    "pooled_concordance",
    "reference_survival",
    "survival_at",
    "uno_concordance",
]
