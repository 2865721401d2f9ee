"""`import`: a folder of DICOM files into cases, and a report of what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console

from hnseg.intake.account import account
from hnseg.intake.importer import TABLE, import_folder, refuse_folders
from hnseg.intake.links import refuse_private, write_links
from hnseg.prepare.lock import locked
from hnseg.report.import_page import write_import_page
from hnseg.run.dicom_input import import_bar, pseudonyms_of, settings_of, unit_of, workers_of
from hnseg.run.resolvers import to_plain


def main(config: DictConfig) -> int:
    """0; 1 where nothing came out, or a case failed."""
    plain = to_plain(config)
    dicom, output, links = Path(plain["dicom"]).expanduser(), _output(plain), _links(plain)
    unit, workers = unit_of(plain["cases"]), workers_of(plain["workers"])
    refuse_folders(dicom, output)
    for private in (links, Path(plain["key"]).expanduser()):
        if private is not None:
            refuse_private(private, *filter(None, (dicom, output)))
    pseudonyms, settings = pseudonyms_of(plain), settings_of(plain)
    with _alone(output):
        with import_bar() as tell:
            imported = import_folder(dicom, output, pseudonyms, settings, unit, workers, tell)
        print(account(imported.record))
        if links is not None:
            write_links(links, imported.plan.cases, imported.found, pseudonyms)
            print(f"who is who: {links} (readable by you alone; do not pass it on)")
        if output is not None:
            print(f"cases: {output / TABLE}\nreport: {write_import_page(output)}")
    failed = len(imported.plan.cases) - len(imported.made)
    return 1 if failed or not imported.made else 0


@contextmanager
def _alone(output: Path | None) -> Iterator[None]:
    """Two imports into one folder wait for each other."""
    if output is None:
        yield
        return
    output.mkdir(parents=True, exist_ok=True)
    with locked(output / ".import.lock", "imports into this folder", Console(stderr=True)):
        yield


def _output(plain: Mapping[str, Any]) -> Path | None:
    """Where to write; nowhere for a dry run."""
    if plain["dry_run"]:
        return None
    if not plain["output"]:
        raise ValueError("hnseg import needs output=DIR, or --dry-run to look and write nothing")
    return Path(plain["output"]).expanduser()


def _links(plain: Mapping[str, Any]) -> Path | None:
    """Where who is who is written, if the user asks for it."""
    if not plain["links"]:
        return None
    links = Path(plain["links"]).expanduser()
    if plain["dry_run"]:
        raise ValueError("--dry-run writes nothing, and links=FILE is a file; leave one of the two out")
    if links.is_dir():
        raise ValueError(f"{links} is a folder; links= needs the name of a file")
    return links
