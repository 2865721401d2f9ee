"""Which network classes a checkpoint may name, and how one is built from what it says.

What a checkpoint holds is data. Importing whatever dotted name it contains would let a downloaded file run any code
(CVE-2025-23304 is that mistake), so only hnseg's own networks are built, and what lies below packages that the user
trusts by name.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

import hnseg.models

OWN = "hnseg.models"


def refuse_untrusted(target: object, source: str, trust: Sequence[str] = ()) -> str:
    """``target`` itself where it may be built; nothing is imported.

    Args:
        target: the dotted name of a network class, as a checkpoint has it.
        source: the checkpoint's name, for the message.
        trust: packages (or full names) outside hnseg that the user trusts.

    Raises:
        ValueError: it is neither one of ``hnseg.models.__all__`` nor below a trusted package.
    """
    own = {f"{OWN}.{name}" for name in hnseg.models.__all__}
    if isinstance(target, str):
        if target in own:
            return target
        if any(target == package or target.startswith(f"{package}.") for package in trust if package):
            return target
    raise ValueError(
        f"{source} names the network {target!r}, which is not one of hnseg's ({', '.join(sorted(own))}); nothing was "
        f"imported. If you trust the file and that package, name it: trust=[{_package(target)}]"
    )


def build_network(net: Mapping[str, Any], source: str, trust: Sequence[str] = ()) -> nn.Module:
    """A network with fresh weights from ``{"_target_": name, **arguments}``.

    Raises:
        ValueError: the name is not trusted, is not there or is no ``torch.nn.Module``, or does not take the arguments.
    """
    target = refuse_untrusted(net.get("_target_"), source, trust)
    arguments = {str(key): value for key, value in net.items() if key != "_target_"}
    network_class = _find_class(target, source)
    try:
        inspect.signature(network_class).bind(**arguments)
    except TypeError as error:
        takes = list(inspect.signature(network_class).parameters)
        raise ValueError(
            f"{source}: {target} does not take what the checkpoint says ({error}); this version takes {takes}"
        ) from error
    return network_class(**arguments)


def _find_class(target: str, source: str) -> type[nn.Module]:
    module_name, _, name = target.rpartition(".")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{source} names the network {target}, which cannot be imported here: {error}") from error
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise ValueError(f"{source} names {target} as its network, which is no torch.nn.Module")
    return found


def _package(target: object) -> str:
    return target.partition(".")[0] if isinstance(target, str) else "package"
