"""From three vendors' exports to a trained network and back into the study, by the commands that a user types."""

import gzip
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hydra.core.global_hydra import GlobalHydra

from hnseg.geometry import resample
from hnseg.intake.carry_out import Settings
from hnseg.intake.importer import import_folder
from hnseg.intake.pseudonyms import Pseudonyms, load_key
from hnseg.io import read_rows, read_volume
from hnseg.phantom import write_dicom
from hnseg.run.cli import main
from hnseg.types import Volume
from tests.integration.tiny import Command

PATIENTS = 7  # the first seven show everything, see hnseg.phantom.dicom_cast
NAMES = ("case", "patient", "centre", "split", "ct", "pt")
PLASTIMATCH = shutil.which("plastimatch", path=str(Path(sys.executable).parent)) or shutil.which("plastimatch")
HNSEG = ("-m", "hnseg.run.cli")
Who = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def export(environment: dict[str, str]) -> Path:
    """The phantom as a hospital exports it."""
    return write_dicom(Path(environment["HNSEG_ROOT"]) / "hospital", PATIENTS, seed=1, coarse=4.0)


@pytest.fixture(scope="module")
def imported(command: Command, export: Path) -> Path:
    output = export.parent / "cases"
    links = export.parent / "links.csv"
    done = command(*HNSEG, "import", f"dicom={export / 'DICOM'}", f"output={output}", f"links={links}")
    assert f"{PATIENTS} cases, {PATIENTS} patients" in done.stdout
    assert "'Brainstem_PRV03'" in done.stdout
    return output


@pytest.fixture(scope="module")
def who(export: Path, imported: Path) -> Who:
    """Case of the import to the row of the phantom's own table."""
    known = Pseudonyms(load_key(export.parent / "data" / "import.key"))
    return {known.case(row["PatientID"], ""): row for row in read_rows(export / "truth.csv")}


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def on_grid_of(mask: Volume, other: Volume) -> np.ndarray:
    same = mask if mask.grid.matches(other.grid) else resample(mask, other.grid, "nearest")
    return same.array > 0


def test_images_come_out_as_the_phantom_was_made(export: Path, imported: Path, who: Who) -> None:
    rows = {row["case"]: row for row in read_rows(imported / "cases.csv")}
    assert rows.keys() == who.keys()
    for case_id, patient in who.items():
        truth = export / "truth" / patient["case"]
        ct, true_ct = read_volume(imported / rows[case_id]["ct"]), read_volume(truth / "ct.nii.gz")
        assert ct.grid.matches(true_ct.grid), patient
        assert np.abs(ct.array.astype(float) - true_ct.array).max() <= 1, patient
        pt, true_pt = read_volume(imported / rows[case_id]["pt"]), read_volume(truth / "pt.nii.gz")
        assert pt.grid.matches(true_pt.grid), patient
        steps = true_pt.array.max() / 2**15  # of what is stored
        assert np.abs(pt.array - true_pt.array).max() <= steps, patient


def test_structures_come_out_as_they_were_drawn(export: Path, imported: Path, who: Who) -> None:
    for row in read_rows(imported / "cases.csv"):
        patient = who[row["case"]]
        files = (export / "truth" / patient["case"] / "structures").iterdir()
        truth = {path.name.removesuffix(".nii.gz"): path for path in files}
        assert {name for name in row if row[name]} - set(NAMES) == truth.keys(), patient
        for name, path in truth.items():
            true = read_volume(path)
            found = on_grid_of(read_volume(imported / row[name]), true)
            assert dice(found, true.array > 0) > 0.98, (patient, name)


def test_nothing_that_import_leaves_names_anybody(export: Path, imported: Path) -> None:
    secrets = [row["PatientID"] for row in read_rows(export / "truth.csv")]
    secrets += ["Phantom^", "1.2.826", str(export), *(path.name for path in (export / "DICOM").rglob("IM*"))]
    for path in (path for path in imported.rglob("*") if path.is_file()):
        content = gzip.decompress(path.read_bytes())[:400] if path.suffix == ".gz" else path.read_bytes()
        found = [secret for secret in secrets if secret.encode() in content or secret in path.name]
        assert not found, (path.name, found)


def test_the_phantom_stays_one(imported: Path) -> None:
    assert (imported / "PHANTOM.json").is_file()
    assert "PHANTOM" in (imported / "import.html").read_text()


def test_only_the_user_can_read_who_is_who(export: Path, who: Who) -> None:
    for name in ("links.csv", "data/import.key"):
        assert stat.S_IMODE((export.parent / name).stat().st_mode) == 0o600
    told = {row["name"]: row["patient_id"] for row in read_rows(export.parent / "links.csv") if row["kind"] == "case"}
    assert told == {case_id: patient["PatientID"] for case_id, patient in who.items()}


def test_a_second_import_makes_only_what_is_missing(export: Path, imported: Path, who: Who) -> None:
    before = {path: path.stat().st_mtime_ns for path in imported.rglob("ct.nii.gz")}
    (imported / min(who) / "case.json").unlink()
    key = Pseudonyms(load_key(export.parent / "data" / "import.key"))
    table = (imported / "cases.csv").read_text()
    again = import_folder(export / "DICOM", imported, key, Settings())
    assert again.record["counts"]["kept"] == PATIENTS - 1
    changed = [path.parent.name for path in before if path.stat().st_mtime_ns != before[path]]
    assert changed == [min(who)]
    assert (imported / "cases.csv").read_text() == table


def test_a_dry_run_writes_nothing(export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    GlobalHydra.instance().clear()
    few = next(path for path in (export / "DICOM").iterdir() if path.is_dir() and path.name != "HEAP")
    assert main(["import", f"dicom={few}", "--dry-run", f"output={tmp_path / 'out'}"]) == 0
    told = capsys.readouterr().out
    assert "1 case, 1 patient" in told
    assert "GTVt" in told
    assert not list(tmp_path.iterdir())


def test_from_dicom_to_a_network_to_contours_that_another_program_reads(
    command: Command, export: Path, imported: Path, who: Who, tmp_path: Path
) -> None:
    tiny = ["data.spacing_mm=[4.5,4.5,4.5]", "view.size_zyx=[32,32,32]", "model.net.filters=2", "optimizer.lr=0.01"]
    tiny += ["trainer.max_epochs=12", "trainer.accelerator=cpu", "workers=0", "split=kfold", "split.folds=3", "fold=0"]
    command("train.py", "data=table", f"data.csv={imported / 'cases.csv'}", "name=dicom", "test=false", *tiny)
    run, output = imported.parent / "runs" / "train" / "dicom", tmp_path / "masks"
    heap = export / "DICOM" / "HEAP"
    command("predict.py", f"checkpoint={run}", f"input={heap}", f"output={output}", "save=rtstruct,seg,nifti")
    rows = read_rows(output / "predictions.csv")
    assert {who[row["case"]]["case"] for row in rows} == {"case-002", "case-004", "case-007"}
    assert not [path for path in output.iterdir() if path.is_dir()], "the images that were imported are gone"
    for row in rows:
        label = read_volume(output / row["file"])
        assert label.array.any(), "nothing to compare; train longer"
        theirs = contours_by_plastimatch(output / f"{row['case']}_rtstruct.dcm", label, output / row["file"], tmp_path)
        assert dice(theirs, label.array > 0) > 0.98, who[row["case"]]


def contours_by_plastimatch(rtstruct: Path, label: Volume, reference: Path, folder: Path) -> np.ndarray:
    """The one structure of a structure set, as plastimatch fills it on the grid of an image."""
    if PLASTIMATCH is None:
        pytest.skip("needs plastimatch, see the oracles of pyproject.toml")
    made = folder / f"{rtstruct.stem}-theirs"
    arguments = ["--input", rtstruct, "--fixed", reference, "--output-prefix", made, "--prefix-format", "nrrd"]
    subprocess.run([PLASTIMATCH, "convert", *map(str, arguments)], check=True, capture_output=True, timeout=100)
    (mask,) = made.glob("*.nrrd")
    return on_grid_of(read_volume(mask), label)
