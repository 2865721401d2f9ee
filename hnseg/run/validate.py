"""Before anything starts: every `_target_` is one that may be built, and every key is one that it takes."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ALLOWED = ("hnseg.", "pytorch_lightning.", "torch.optim.", "torch.nn.", "torchio.transforms.")
"""What a configuration may build. A user adds packages on purpose with trust=[my_package]."""

NEVER = ("load", "loads", "load_from_checkpoint", "read_pickle", "open", "eval", "exec", "system", "popen")
"""Names that run code from a file or a string, refused wherever they live."""

HYDRA_KEYS = {"_target_", "_partial_", "_convert_", "_recursive_", "_args_"}


def targets(node: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(dotted place, node) of every node below ``node`` that names a `_target_`."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield path, node
        for key, value in node.items():
            yield from targets(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, (list, tuple)):
        for number, value in enumerate(node):
            yield from targets(value, f"{path}[{number}]")


def validate(config: Mapping[str, Any], trust: Sequence[str] = ()) -> None:
    """Check all targets of a resolved configuration.

    Raises:
        ValueError: every problem found, a line each, with the nearest right spelling.
    """
    problems = [problem for path, node in targets(config) for problem in _problems(path, node, trust)]
    if problems:
        raise ValueError("the configuration cannot be built:\n  " + "\n  ".join(problems))


def _problems(path: str, node: Mapping[str, Any], trust: Sequence[str]) -> Iterator[str]:
    target = str(node["_target_"])
    allowed = (*ALLOWED, *(f"{name}." for name in trust))
    if target.rsplit(".", 1)[-1] in NEVER or not target.startswith(allowed):
        yield f"{path}: {target} may not be built from a configuration (trust=[package] allows a package of your own)"
        return
    try:
        built = _locate(target)
    except (ImportError, AttributeError) as error:
        yield f"{path}: {target} is not there ({error}){_hint(target)}"
        return
    known = _parameters(built)
    for key in node if known else ():
        if key not in known and key not in HYDRA_KEYS:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(known)}"
            yield f"{path}.{key}: {target} takes no {key!r}; {hint}"


def _parameters(built: Any) -> dict[str, inspect.Parameter]:
    """What may be given by name; for a class that hands `**shared` on to its parents, theirs too. Empty: anything."""
    known: dict[str, inspect.Parameter] = {}
    for kind in getattr(built, "__mro__", (built,)):
        if kind is not built and (kind is object or "__init__" not in vars(kind)):
            continue
        own = inspect.signature(built if kind is built else kind.__init__).parameters
        known.update({name: p for name, p in own.items() if name != "self" and p.kind is not p.VAR_KEYWORD})
        if not any(p.kind is p.VAR_KEYWORD for p in own.values()):
            return known
    return {}


def _locate(target: str) -> Any:
    module, _, name = target.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        return getattr(_locate(module), name)


def _hint(target: str) -> str:
    module, _, name = target.rpartition(".")
    try:
        names = dir(importlib.import_module(module))
    except ImportError:
        return ""
    near = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {module}.{near[0]}?" if near else ""
