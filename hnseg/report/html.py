"""Templates to pages: one file each that fetches nothing and runs one script, its own."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from hnseg.io.atomic import atomic_path
from hnseg.report.canvas import PHANTOM_TEXT

REPORT_NAME = "report.html"


def write_page(folder: Path, template: str, content: dict[str, Any], name: str = REPORT_NAME) -> Path:
    """Write a page into a folder, whole or not at all; returns its path.

    Args:
        folder: where to.
        template: a file beside this one, on top of ``base.html.j2``.
        content: what the template names, with ``phantom``, ``name``, ``data``, ``model`` and ``status`` for the base.
        name: of the page's file.
    """
    script = files("hnseg.report").joinpath("sort.js").read_text(encoding="utf-8")
    environment = Environment(
        loader=PackageLoader("hnseg.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["png"] = _data_uri
    html = environment.get_template(template).render(
        script=script,
        # the page may run this script and no other, whatever a name or a message in it contains
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        phantom_text=PHANTOM_TEXT,
        **content,
    )
    path = folder / name
    with atomic_path(path) as temporary:
        temporary.write_text(html, encoding="utf-8")
    return path


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
