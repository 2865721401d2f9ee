"""Networks at work: windows, ensembles, checkpoints, and predictions on the patient's own grid."""

from hnseg.inference.builtin import load_checkpoints
from hnseg.inference.checkpoint import Checkpoint, checkpoint_entry, load_checkpoint
from hnseg.inference.ensemble import Ensemble
from hnseg.inference.find import find_checkpoints, find_cross_validations
from hnseg.inference.folder import FolderResult, predict_folder
from hnseg.inference.outline import outline
from hnseg.inference.patient_grid import probabilities_on_patient_grid, to_patient_grid
from hnseg.inference.predictor import Predictor
from hnseg.inference.runner import Runner
from hnseg.inference.session import Answer, ClickSession
from hnseg.inference.settings import InferenceSettings
from hnseg.inference.sliding_window import sliding_window

__all__ = [
    "Answer",
    "Checkpoint",
    "ClickSession",
    "Ensemble",
    "FolderResult",
    "InferenceSettings",
    "Predictor",
    "Runner",
    "checkpoint_entry",
    "find_checkpoints",
    "find_cross_validations",
    "load_checkpoint",
    "load_checkpoints",
    "outline",
    "predict_folder",
    "probabilities_on_patient_grid",
    "sliding_window",
    "to_patient_grid",
]
