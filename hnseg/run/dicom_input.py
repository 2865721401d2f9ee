"""What `import` and `predict` are told about DICOM, and the patients of a DICOM folder to predict on."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast, get_args

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hnseg.intake.account import account
from hnseg.intake.aliases import NAMES, check_aliases, read_aliases
from hnseg.intake.carry_out import Settings
from hnseg.intake.importer import Tell
from hnseg.intake.plan import Unit
from hnseg.intake.pseudonyms import Pseudonyms, load_key, new_key, read_mapping
from hnseg.intake.to_predict import DicomPatients, dicom_patients
from hnseg.io.dicom.objects import Limits
from hnseg.prepare.pool import cores

UNITS = get_args(Unit)
LOCK = ".lock"


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
    with own_folder(output) as folder:
        names, settings, unit = pseudonyms_of(told), settings_of(told), unit_of(told["cases"])
        with import_bar() as tell:
            patients = dicom_patients(source, folder, modalities, names, settings, unit, cores(), tell)
        print(account(patients.record))
        yield patients


@contextmanager
def own_folder(output: Path) -> Iterator[Path]:
    """A hidden folder for as long as it is needed; those of calls that were killed are taken away."""
    for stale in output.glob(".import-*"):
        with contextlib.suppress(OSError), (stale / LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # not to be had while its process lives
            shutil.rmtree(stale)
    with TemporaryDirectory(prefix=".import-", dir=output) as folder, (Path(folder) / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(folder)


def pseudonyms_of(plain: Mapping[str, Any]) -> Pseudonyms:
    """What patients are to be called: hashes under the user's key, or the user's own names.

    A dry run does not make a key where there is none: its names are then of this run alone.
    """
    mapping = read_mapping(Path(plain["mapping"]).expanduser()) if plain["mapping"] else None
    key = Path(plain["key"]).expanduser()
    return Pseudonyms(new_key() if plain.get("dry_run") and not key.exists() else load_key(key), mapping)


def settings_of(plain: Mapping[str, Any]) -> Settings:
    """Which structures are taken, and what reading may cost."""
    given = plain.get("aliases")
    aliases = read_aliases(Path(given).expanduser()) if isinstance(given, str) else check_aliases(given or {})
    structures = tuple(plain.get("structures", ()))
    for name in structures:
        _refuse_unknown(name, {*NAMES, *aliases.values()})
    return Settings(aliases, structures, _limits(plain["limits"]))


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


def _refuse_unknown(name: str, known: Set[str]) -> None:
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"hnseg knows {', '.join(sorted(known))}"
        raise ValueError(f"structures: {name} is no name of hnseg's and none that an alias leads to; {hint}")


def _limits(given: Any) -> Limits:
    known = [field.name for field in fields(Limits)]
    if not isinstance(given, Mapping) or set(given) - set(known):
        raise ValueError(f"limits={given} is not understood; say limits.KEY=..., KEY being one of {', '.join(known)}")
    return Limits(**given)


def unit_of(given: str) -> Unit:
    """What becomes a case."""
    if given not in UNITS:
        raise ValueError(f"cases={given} is none of {', '.join(UNITS)}")
    return cast(Unit, given)


def workers_of(given: int | None) -> int:
    """How many cases at a time."""
    if given is None:
        return cores()
    if not isinstance(given, int) or given < 1:
        raise ValueError(f"workers={given} is no number of processes; give 1 or more")
    return given
