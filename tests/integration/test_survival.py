"""The commands of outcome prediction, on the phantom."""

import csv
import json
from pathlib import Path

import pytest

from hnseg.phantom.cohort import members
from hnseg.phantom.tables import endpoint_2021, info_2021, write_table
from hnseg.run.places import conf_dir
from tests.integration.tiny import Command

SURVIVAL = sorted(path.stem for path in (conf_dir() / "experiment").glob("*_survival.yaml"))
QUICK = ["survival.models=[cox]", "survival.inner_folds=2", "survival.resamples=20", "survival.workers=1"]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clinical table and endpoints of 60 phantom patients, of whom nobody made images."""
    root = tmp_path_factory.mktemp("tables")
    plans = [member.plan(5) for member in members(2021, 60)[0]]
    write_table(root / "info.csv", [info_2021(plan) for plan in plans])
    write_table(root / "endpoints.csv", [endpoint_2021(plan) for plan in plans])
    return root


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_table_alone_is_analysed_kept_and_applied_to_another(
    command: Command, tables: Path, environment: dict[str, str]
) -> None:
    said = f"table={tables / 'info.csv'}", f"endpoints={tables / 'endpoints.csv'}", "mapping=hecktor2021"
    analyse = "-m", "hnseg.run.cli", "survival", *said, *QUICK, "name=table", "split=kfold", "split.folds=3"
    command(*analyse)
    folder = Path(environment["HNSEG_ROOT"]) / "runs" / "survival" / "table"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["finished"], manifest["n"], manifest["endpoint"]) == (True, 60, "progression_free_survival")
    assert {(row["protocol"], row["features"]) for row in rows(folder / "summary.csv")} == {
        ("honest", "clinical"),
        ("paper", "clinical"),
    }
    before = (folder / "summary.csv").read_bytes()
    again = command(*analyse)
    assert (folder / "summary.csv").read_bytes() == before
    assert "report: " in again.stdout
    assert rows(Path(environment["HNSEG_ROOT"]) / "runs" / "test_looks.csv")[-1]["run"] == "survival/table"

    other, mapping = tables / "other.csv", tables / "ours.yaml"
    other.write_text("who;Alter;p16\nX1;61;positive\nX2;50;\n")
    mapping.write_text("patient: who\nvariables: {age: Alter, hpv: p16}\n")
    model, output = folder / "models" / "cox-clinical", tables / "risks.csv"
    new = f"model={model}", f"input={other}", f"mapping={mapping}", f"output={output}"
    told = command("-m", "hnseg.run.cli", "survival", "predict", *new).stdout
    assert "features are missing and were imputed for everybody" in told
    assert [row["PatientID"] for row in rows(output)] == ["X1", "X2"]
    assert rows(output)[0]["Prediction"] != rows(output)[1]["Prediction"]


@pytest.mark.slow
def test_bad_input_is_named(command: Command, tables: Path) -> None:
    bad = tables / "bad.csv"
    bad.write_text((tables / "info.csv").read_text().replace("T2", "T7", 1))
    said = f"table={bad}", f"endpoints={tables / 'endpoints.csv'}", "mapping=hecktor2021", "split=kfold", "name=bad"
    refused = command("-m", "hnseg.run.cli", "survival", *said, expect=2)
    assert "bad.csv, line" in refused.stderr
    assert "'T-stage'" in refused.stderr
    assert "'T7'" in refused.stderr


@pytest.mark.slow
@pytest.mark.parametrize("experiment", SURVIVAL)
def test_every_experiment_on_outcomes_runs(experiment: str, command: Command, environment: dict[str, str]) -> None:
    command("-m", "hnseg.run.cli", "survival", f"experiment={experiment}", "debug=fdr", "name=fdr")
    folder = Path(environment["HNSEG_ROOT"]) / "runs" / "debug" / "survival" / "fdr"
    assert {row["features"] for row in rows(folder / "summary.csv")} == {"clinical", "clinical+ct"}
    assert "PHANTOM - not a patient" in (folder / "report.html").read_text()
    data = next((Path(environment["HNSEG_ROOT"]) / "data" / "debug").glob("hecktor2021-*"))
    masks = folder / "masks"
    masks.mkdir()
    for path in data.rglob("*_gtvt.nii.gz"):
        (masks / path.name.replace("_gtvt", "")).write_bytes(path.read_bytes())
    new = f"input={data / 'hecktor_nii'}", f"masks={masks}", f"clinical={next(data.rglob('*info_training.csv'))}"
    boxes, output = f"boxes={next(data.rglob('*bbox_training.csv'))}", folder / "new.csv"
    model = f"model={folder / 'models' / 'cox-clinical+ct'}"
    command("-m", "hnseg.run.cli", "survival", "predict", model, *new, boxes, f"output={output}")
    assert len({row["Prediction"] for row in rows(output)}) > 1
