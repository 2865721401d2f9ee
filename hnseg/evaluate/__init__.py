"""From predictions and truth to tables: rows a case, summaries a centre, the scores of the HECKTOR challenges."""

from hnseg.evaluate.cases import evaluate_case, missed_case
from hnseg.evaluate.false_positives import false_positive_table
from hnseg.evaluate.folders import EvaluationResult, evaluate_folders
from hnseg.evaluate.hecktor import official_scores
from hnseg.evaluate.pairing import centre_of
from hnseg.evaluate.paper_tables import centre_table, fold_table, test_table
from hnseg.evaluate.summary import summarise

__all__ = [
    "EvaluationResult",
    "centre_of",
    "centre_table",
    "evaluate_case",
    "evaluate_folders",
    "false_positive_table",
    "fold_table",
    "missed_case",
    "official_scores",
    "summarise",
    "test_table",
]
