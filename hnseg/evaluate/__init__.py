"""From predictions and truth to tables: rows a case, summaries a centre, the scores of the HECKTOR challenges."""

from hnseg.evaluate.cases import evaluate_case, missed_case
from hnseg.evaluate.folders import EvaluationResult, evaluate_folders
from hnseg.evaluate.hecktor import official_scores
from hnseg.evaluate.pairing import centre_of
from hnseg.evaluate.summary import summarise

__all__ = [
    "EvaluationResult",
    "centre_of",
    "evaluate_case",
    "evaluate_folders",
    "missed_case",
    "official_scores",
    "summarise",
]
