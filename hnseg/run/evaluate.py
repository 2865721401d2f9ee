"""`evaluate`: a folder of masks against the truth."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from hnseg.evaluate.folders import evaluate_folders
from hnseg.io import read_cases


def main(config: DictConfig) -> int:
    """0; 1 where a prediction was missing or could not be scored."""
    output = Path(config.output)
    centres = {row["case"]: row["centre"] for row in read_cases(Path(config.centres))} if config.centres else None
    result = evaluate_folders(
        Path(config.predictions),
        Path(config.truth),
        output,
        list(config.label_names),
        tolerance_mm=config.tolerance_mm,
        resample=config.resample,
        centres=centres,
        progress=True,
    )
    columns = ["centre", "structure", "n", "dice_mean", "dice_sd", "dice_low", "dice_high", "hd95_median"]
    print(result.summary[[c for c in columns if c in result.summary]].to_string(index=False, float_format="%.3f"))
    for case_id in result.missing:
        print(f"no prediction: {case_id} (scored as Dice 0)")
    for case_id, message in result.failures.items():
        print(f"not scored: {case_id}: {message}")
    print(f"tables: {output / 'cases.csv'}, summary.csv, official.json")
    return 0 if result.complete else 1
