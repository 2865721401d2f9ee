"""What Hydra's grammar does not know on the command line (`hnseg report RUN`, `--dry-run`, `save=a,b`), put into it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

KEYS = {"report": "run", "tune-postprocess": "run", "reproduce": "experiment", "compare": "inputs"}
"""The key that takes a command's words; other commands take none."""

LISTS = ("inputs",)
"""Keys that take any number of words; the others take one."""

FILES = {"predict": {"clicks": "clicks.file"}, "survival predict": {"model": "model.folder"}}
"""Keys of a command that name a file or folder, and in training a group of ``conf/``, where Hydra would look it up."""

SEVERAL = {"predict": ("save",)}
"""Keys of a command that take a list as it is said: ``save=rtstruct,seg``, which to Hydra would be a sweep."""

FLAGS = {"import": {"--dry-run": "dry_run=true"}}
"""What may be said with two hyphens."""

LONG = {"--cfg", "--package", "--shell-completion", "--config-path", "--config-name", "--config-dir", "--info"}
SHORT = {"-c", "-p", "-sc", "-cp", "-cn", "-cd", "-i"}
WITH_VALUE = LONG | SHORT | {"--experimental-rerun"}
"""Hydra's own options whose next word belongs to them."""


def expand_words(command: str, arguments: Sequence[str]) -> list[str]:
    """The arguments as Hydra takes them: words become ``key='word'`` or ``key=['word','word']``.

    A word is what is neither ``key=value``, nor an option, nor ``~key``. A folder whose own name has an equals sign in
    it, as sweeps make them, counts as a word where it is given with a folder before it and is there.

    Raises:
        ValueError: the command takes no words or only one, or its key is given as well.
    """
    words, others = _sorted_out(arguments)
    if not words:
        return list(arguments)
    key, said = KEYS.get(command), " ".join(words)
    if key is None:
        raise ValueError(
            f"{said!r} is not understood: hnseg {command} takes key=value; see hnseg {command} --help for its keys"
        )
    if key not in LISTS and len(words) > 1:
        raise ValueError(
            f"hnseg {command} takes one {key}, found {said!r}; give one of them, and everything else as key=value"
        )
    if any(other.lstrip("+").startswith(f"{key}=") for other in others):
        raise ValueError(f"hnseg {command} was given {said!r} and {key}=...; give one of the two")
    values = [quoted(word) for word in words]
    return [f"{key}=[{','.join(values)}]" if key in LISTS else f"{key}={values[0]}", *others]


def expand_flags(command: str, arguments: Sequence[str]) -> list[str]:
    """The arguments with the command's own flags as ``key=true``."""
    flags = FLAGS.get(command, {})
    return [flags.get(argument, argument) for argument in arguments]


def expand_values(command: str, arguments: Sequence[str]) -> list[str]:
    """The arguments with ``clicks=FILE`` as ``clicks.file=FILE`` and ``save=a,b`` as ``save=[a,b]``, where the command
    has such a key."""
    longer, several = FILES.get(command, {}), SEVERAL.get(command, ())
    pairs = (argument.partition("=") for argument in arguments)
    return [
        f"{longer.get(key, key)}{equals}{f'[{value}]' if key in several and not value.startswith('[') else value}"
        for key, equals, value in pairs
    ]


def quoted(text: str) -> str:
    """``text`` as a string in the grammar of Hydra's command line, which leaves every character as it is.

    A backslash means itself there unless a quote or an interpolation follows it.
    """
    text = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)
    text = re.sub(r"(\\*)('|$)", lambda found: 2 * str(found[1]) + ("\\'" if found[2] else ""), text)
    return f"'{text}'"


def _sorted_out(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    words: list[str] = []
    others: list[str] = []
    for before, argument in zip(("", *arguments), arguments, strict=False):
        is_word = before not in WITH_VALUE and _is_word(argument)
        (words if is_word else others).append(argument)
    return words, others


def _is_word(argument: str) -> bool:
    if argument.startswith("-") or (argument.startswith("~") and not argument.startswith("~/")):
        return False
    start, equals, _ = argument.partition("=")
    return not equals or ("/" in start and Path(argument).exists())
