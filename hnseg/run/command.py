"""Runs one command under Hydra: composes its configuration, and turns users' errors into a sentence and a code."""

from __future__ import annotations

import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import hydra
from hydra.errors import InstantiationException
from omegaconf import DictConfig, OmegaConf

from hnseg.io import DiskFullError
from hnseg.run.places import conf_dir, set_root
from hnseg.run.positionals import expand_flags, expand_values, expand_words
from hnseg.run.resolvers import register_resolvers
from hnseg.run.resume import expand_resume

USER_ERROR = 2
MODULES = {"import": "import_dicom"}
"""Commands whose name cannot be that of a module."""


def run(name: str, arguments: Sequence[str]) -> int:
    """The exit code of ``hnseg name arguments``: 0 done, 1 something was set aside, 2 users must change something."""
    set_root()
    register_resolvers()
    own_argv, codes = sys.argv, [0]

    def task(config: DictConfig) -> None:
        # Lightning starts the other processes of a run with sys.argv: it must be what the user typed
        sys.argv = own_argv
        codes.append(_guarded(name, config))

    try:
        expanded = expand_values(name, expand_words(name, expand_flags(name, arguments)))
        sys.argv = [own_argv[0], *(expand_resume(expanded) if name == "train" else expanded)]
        hydra.main(config_path=str(conf_dir()), config_name=name.replace(" ", "-"), version_base="1.3")(task)()
    except ValueError as error:
        codes.append(_say(error))
    finally:
        sys.argv = own_argv
    return max(codes)


def _guarded(name: str, config: DictConfig) -> int:
    try:
        _refuse_missing(name, config)
        logging.getLogger("numexpr").setLevel(logging.WARNING)  # before the imports: it counts its threads in its own
        command = import_module(f"hnseg.run.{MODULES.get(name, re.sub('[ -]', '_', name))}")
        _quiet()  # after the imports: Lightning sets its own level in its own
        return int(command.main(config))
    except (ValueError, FileNotFoundError, DiskFullError, InstantiationException) as error:
        # Hydra wraps what a class that it builds has to say
        cause = error.__cause__ if isinstance(error, InstantiationException) else error
        if os.environ.get("HYDRA_FULL_ERROR") or not isinstance(cause, (ValueError, OSError)):
            raise
        return _say(cause)


def _refuse_missing(name: str, config: DictConfig) -> None:
    plain = OmegaConf.to_container(config, resolve=False)  # a key that refers to others is no business of this
    missing = sorted(_missing(plain))
    if missing:
        keys = ", ".join(f"{key}=..." for key in missing)
        raise ValueError(f"hnseg {name} needs {keys}; see hnseg {name} --help for an example")


def _missing(node: Any, path: str = "") -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _missing(value, f"{path}.{key}" if path else str(key))
    elif node == "???":
        yield path


def _quiet() -> None:
    """Keep what libraries say about themselves off the terminal; warnings about the user's work stay."""
    for name in ("pytorch_lightning", "lightning.pytorch", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for text in (
        "`isinstance.treespec, LeafSpec.` is deprecated",  # Lightning on torch 2.13
        ".*does not have many workers.*",  # measured: workers cost more than they give for memory-mapped crops
        ".*configure_optimizers. returned .None.*",  # a method without weights
        ".*Checkpoint directory .* exists and is not empty",  # a resumed run
    ):
        warnings.filterwarnings("ignore", text)


def _say(error: Exception) -> int:
    print(f"hnseg: {error}", file=sys.stderr)
    return USER_ERROR
