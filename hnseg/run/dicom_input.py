"""What `import` and `predict` are told about DICOM, and the patients of a DICOM folder to predict on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hnseg.intake.account import account
from hnseg.intake.aliases import check_aliases, read_aliases
from hnseg.intake.carry_out import Settings
from hnseg.intake.importer import Tell
from hnseg.intake.plan import Unit
from hnseg.intake.pseudonyms import Pseudonyms, load_key, read_mapping
from hnseg.intake.to_predict import DicomPatients, dicom_patients
from hnseg.io.dicom.objects import Limits
from hnseg.prepare.pool import cores

UNITS = ("patient", "study")


@contextmanager
def dicom_input(
    source: Path, output: Path, modalities: Sequence[str], told: Mapping[str, Any]
) -> Iterator[DicomPatients]:
    """The patients of a DICOM folder; their images lie in a hidden folder of ``output`` until the block ends.

    Args:
        source: any tree of DICOM files.
        output: where the masks go.
        modalities: what the networks need.
        told: ``dicom`` of ``conf/predict.yaml``.
    """
    output.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".import-", dir=output) as folder:
        with import_bar() as tell:
            patients = dicom_patients(
                source,
                Path(folder),
                modalities,
                pseudonyms_of(told),
                settings_of(told),
                unit_of(told["cases"]),
                cores(),
                tell,
            )
        print(account(patients.record))
        yield patients


def pseudonyms_of(plain: Mapping[str, Any]) -> Pseudonyms:
    """What patients are to be called: hashes under the user's key, or the user's own names."""
    mapping = read_mapping(Path(plain["mapping"]).expanduser()) if plain["mapping"] else None
    return Pseudonyms(load_key(Path(plain["key"]).expanduser()), mapping)


def settings_of(plain: Mapping[str, Any]) -> Settings:
    """Which structures are taken, and what reading may cost."""
    given = plain.get("aliases")
    aliases = read_aliases(Path(given).expanduser()) if isinstance(given, str) else check_aliases(given or {})
    return Settings(aliases, tuple(plain.get("structures", ())), Limits(**plain["limits"]))


@contextmanager
def import_bar() -> Iterator[Tell]:
    """A bar for the files, then one for the cases."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield tell


def unit_of(given: str) -> Unit:
    """What becomes a case."""
    if given not in UNITS:
        raise ValueError(f"cases={given} is none of {', '.join(UNITS)}")
    return cast(Unit, given)
