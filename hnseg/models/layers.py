"""The layers of a network by name: the end of its encoder, its last decoder stage, or any module by its path."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

SHOWN_DEPTH = 1
"""Points in the longest path that an error lists; deeper modules can be named as well."""


def find_layer(network: nn.Module, name: str) -> tuple[str, nn.Module]:
    """Path and module of a layer.

    Args:
        network: any; one of ours that is trained says in ``layers`` where its ``bottleneck`` (the end of the encoder)
            and its ``decoder`` (the last stage of it, before the output head) are.
        name: one of these two, or the path of a module (``encoder.levels.3``).

    Raises:
        ValueError: the network has no such layer; the message lists what it has.
    """
    said = getattr(network, "layers", None)
    named = said if isinstance(said, Mapping) else {}  # a user's own network may call modules so
    path = named.get(name, name)
    modules = dict(network.named_modules())
    if path and path in modules:
        return path, modules[path]
    own = [f"{key} ({where})" for key, where in named.items()]
    paths = [where for where in modules if where and where.count(".") <= SHOWN_DEPTH]
    has = ", ".join([*own, *paths]) or "no layers at all"
    raise ValueError(f"layer={name}: {type(network).__name__} has no such layer; it has {has}")
