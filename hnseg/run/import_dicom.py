"""`import`: a folder of DICOM files into cases, and a report of what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from rich.console import Console

from hnseg.intake.account import account
from hnseg.intake.importer import TABLE, import_folder
from hnseg.intake.links import refuse_links, write_links
from hnseg.prepare.lock import locked
from hnseg.prepare.pool import cores
from hnseg.report.import_page import write_import_page
from hnseg.run.dicom_input import import_bar, pseudonyms_of, settings_of, unit_of
from hnseg.run.resolvers import to_plain


def main(config: DictConfig) -> int:
    """0; 1 where nothing came out, or a case failed."""
    plain = to_plain(config)
    output = _output(plain)
    unit = unit_of(plain["cases"])
    pseudonyms, settings = pseudonyms_of(plain), settings_of(plain)
    links = Path(plain["links"]).expanduser() if plain["links"] else None
    if links is not None and output is not None:
        refuse_links(links, output)
    dicom = Path(plain["dicom"]).expanduser()
    with _alone(output), import_bar() as tell:
        imported = import_folder(dicom, output, pseudonyms, settings, unit, plain["workers"] or cores(), tell)
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
