"""What a page wants to know of a run's configuration; whatever is not there, or odd, is simply not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from hnseg.report.curves import Switch


class Window(NamedTuple):
    """A range of HU and what it is called."""

    name: str
    low_hu: float
    high_hu: float


STANDARD_WINDOWS = (Window("brain", 0, 80), Window("soft tissue", -155, 195), Window("bone", -800, 2000))
"""HU; the three of Jain and Virtanen 2020."""


def label_names(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The structures in the order of their label values; empty where the configuration does not say."""
    names = _part(config, "data").get("label_names")
    return tuple(str(name) for name in names) if isinstance(names, list | tuple) else ()


def ct_windows(config: Mapping[str, Any]) -> tuple[Window, ...]:
    """The ranges of HU that the network can tell apart; empty where all of them, or where nobody knows."""
    step = _part(_part(config, "normalization"), "ct")
    try:
        if step.get("kind") == "clip":
            ranges = [(float(step["low"]), float(step["high"]))]
        elif step.get("kind") == "windows":
            pairs = zip(step["levels"], step["widths"], strict=True)
            ranges = [(float(level) - float(width) / 2, float(level) + float(width) / 2) for level, width in pairs]
        else:
            return ()
    except (KeyError, TypeError, ValueError):
        return ()
    names = {(window.low_hu, window.high_hu): window.name for window in STANDARD_WINDOWS}
    return tuple(Window(names.get(ends, "window"), *ends) for ends in ranges)


def optimizer_switch(config: Mapping[str, Any]) -> Switch | None:
    """Where a second optimizer takes over; None for one optimizer alone."""
    optimizer = _part(config, "optimizer")
    epoch = optimizer.get("switch_epoch")
    if not isinstance(epoch, int):
        return None
    name = str(_part(optimizer, "then").get("_target_", "")).rpartition(".")[2] or "second optimizer"
    return Switch(epoch, f"{name} from epoch {epoch}")


def _part(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    node = config.get(name)
    return node if isinstance(node, Mapping) else {}
