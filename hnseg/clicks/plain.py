"""Click channels from plain data: a checkpoint's own description of what its network was shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from hnseg.clicks.channels import OWN, ClickChannels
from hnseg.clicks.encode import ENCODINGS
from hnseg.clicks.none import NoClicks


def from_dict(plain: Mapping[str, Any] | None, source: str = "checkpoint") -> ClickChannels | NoClicks:
    """What :meth:`ClickChannels.to_dict` described.

    Only the classes of this room are built, because a checkpoint is data: see :mod:`hnseg.inference.networks`.

    Args:
        plain: None: no clicks.
        source: whose description it is, for messages.

    Raises:
        ValueError: another class, or arguments that it does not take.
    """
    if plain is None:
        return NoClicks()
    if not isinstance(plain, Mapping):
        raise ValueError(f"{source}: clicks is {plain!r}, expected the settings of {OWN}.ClickChannels, or null")
    encoding = _build(plain.get("encoding"), ENCODINGS, source, "clicks.encoding")
    built: ClickChannels = _build({**plain, "encoding": encoding}, {"ClickChannels": ClickChannels}, source, "clicks")
    return built


def _build(plain: object, choices: Mapping[str, type[Any]], source: str, key: str) -> Any:
    target = plain.get("_target_") if isinstance(plain, Mapping) else None
    name = str(target).removeprefix(f"{OWN}.")
    if not isinstance(plain, Mapping) or target != f"{OWN}.{name}" or name not in choices:
        known = ", ".join(f"{OWN}.{each}" for each in choices)
        raise ValueError(f"{source}: {key} names {target!r}; nothing was built; there are {known}")
    arguments = {str(argument): value for argument, value in plain.items() if argument != "_target_"}
    try:
        return choices[name](**arguments)
    except (TypeError, ValueError) as error:
        takes = ", ".join(field.name for field in dataclasses.fields(choices[name]))
        raise ValueError(f"{source}: {key} cannot be built: {error} (it takes {takes})") from error
