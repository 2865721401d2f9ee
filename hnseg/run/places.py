"""Where the configuration lies, and which folder data and runs are kept below."""

from __future__ import annotations

import os
from pathlib import Path

import hnseg

PACKAGE = Path(hnseg.__file__).resolve().parent


def conf_dir() -> Path:
    """`conf/` of a clone, or the copy of it inside an installed wheel."""
    for place in (PACKAGE / "conf", PACKAGE.parent / "conf"):
        if (place / "train.yaml").is_file():
            return place
    inside = PACKAGE / "conf"
    raise FileNotFoundError(f"hnseg's configuration is neither in {inside} nor beside {PACKAGE}; install hnseg again")


def set_root() -> None:
    """`$HNSEG_ROOT`: as given, else the clone, else (from a wheel) the folder that the command is called in."""
    in_clone = conf_dir().parent == PACKAGE.parent
    os.environ.setdefault("HNSEG_ROOT", str(PACKAGE.parent if in_clone else Path.cwd()))
