"""The folds of a cross-validation as runs of their own: each a `train` command in a process of its own."""

from __future__ import annotations

import ctypes
import re
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hnseg.report import read_manifest
from hnseg.run.positionals import quoted

OWN_KEYS = ("cv", "name", "fold", "test", "paths.output", "overwrite")
"""What the cross-validation itself decides, or has for itself."""

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Fold:
    """One fold: its name in the split, and the folder of the run that leaves it out."""

    name: str | int
    folder: Path

    @property
    def finished(self) -> bool:
        """Whether its network is trained and its left-out patients are scored."""
        written = (self.folder / "manifest.json").is_file()
        return written and bool(read_manifest(self.folder).get("finished")) and (self.folder / "cases.csv").is_file()


def folds_below(folder: Path, names: Sequence[str | int]) -> list[Fold]:
    """A `Fold` a name, its folder named like it.

    Raises:
        ValueError: two names would share a folder.
    """
    folds = [Fold(name, folder / "folds" / re.sub(r"[^A-Za-z0-9._-]", "_", str(name))) for name in names]
    if len({fold.folder for fold in folds}) < len(folds):
        raise ValueError(f"the folds {list(names)} would share folders; give the centres names that differ in letters")
    return folds


def train_command(overrides: Iterable[str], run_name: str, folds: Sequence[Fold], launcher: str | None) -> list[str]:
    """The `hnseg train` command of one fold, or with a launcher the multirun of several.

    Args:
        overrides: what the user typed to `cv`.
        run_name: the cross-validation's.
        folds: one, or with ``launcher`` any number.
        launcher: of Hydra.
    """
    command = [sys.executable, "-m", "hnseg.run.cli", "train"]
    kept = [word for word in overrides if (key := override_key(word)) not in OWN_KEYS and not key.startswith("cv.")]
    if launcher is None:
        (fold,) = folds
        place = [f"fold={_value(fold.name)}", f"name={_value(f'{run_name}-{fold.folder.name}')}"]
        return [*command, *kept, *place, f"paths.output={_value(fold.folder)}", "test=true"]
    parent = str(folds[0].folder.parent)
    if any(fold.folder.name != str(fold.name) for fold in folds) or not re.fullmatch(r"[A-Za-z0-9._/-]+", parent):
        raise ValueError(
            f"a launcher needs names of folds, and a path ({parent}), of letters, digits, '.', '_' and '-' only; use "
            "cv.launcher=null, which trains the folds one after the other"
        )
    names = ",".join(str(fold.name) for fold in folds)
    place = [f"fold={names}", f"name={run_name}-${{fold}}", f"paths.output={parent}/${{fold}}"]
    return [*command, "--multirun", *kept, f"hydra/launcher={launcher}", *place, "test=true"]


def run_to_its_end(command: Sequence[str]) -> int:
    """The exit code of a command that shares this terminal, and that is killed when this process is."""
    return subprocess.run(command, check=False, preexec_fn=_die_with_parent).returncode


def exit_code(returned: int) -> int:
    """What a process returned, as a shell says it where a signal killed it."""
    return returned if returned >= 0 else 128 - returned


def override_key(override: str) -> str:
    """The key of an override in Hydra's grammar: ``a.b`` of ``a.b=1``, ``+a.b=1`` and ``~a.b``."""
    return override.partition("=")[0].lstrip("+~")


def _die_with_parent() -> None:
    # A fold that outlived its cross-validation would still be training when the same command starts again.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _value(value: object) -> str:
    """A value in Hydra's grammar."""
    return str(value) if isinstance(value, int) else quoted(str(value))
